//! What a dump of a running process would keep of its segments, and what to change.

use std::io::Write;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{Context, Execute, Failure, Status};
use crate::forecast::{Forecast, KernelCoreNotes};
use crate::proc_files::{DumpSettings, IpcTable, MemoryArea, ProcessFolder, smaps};
use crate::render::check::ShownCheck;
use crate::report::check::Check;
use crate::retention::forecast::{Conditions, Filter, Forward};
use crate::shm::SharedMemory;
use crate::targets::{LiveTarget, Target};
use crate::writer::Writer;

/// Says what a dump of a running process would keep: of which segments, and what to change.
#[derive(Args, Debug)]
#[command(long_about = ABOUT)]
pub(super) struct CheckCommand {
    /// The process.
    #[arg(value_name = "PID")]
    pid: u32,
    /// The writer whose losses decide the exit status.
    #[arg(long, value_name = "WRITER", default_value = writers().next().map_or("", Writer::word), value_parser = writer())]
    dumper: Writer,
}

const ABOUT: &str = "\
Says what a dump of a running process would keep of its segments, by the kernel when a signal kills it, by gcore, and by \
.NET's createdump; why the rest would be lost; and what to change for this process, a systemd unit, a container, a pod.

It stops nothing and changes nothing. The kernel decides by the mapping's flags (VmFlags in /proc/PID/smaps), \
coredump_filter, RLIMIT_CORE, kernel.core_pattern and whether the process is dumpable: core(5).

Exit status: 0 all would be kept; 1 the kernel's core (or that of --dumper) would lose a byte, or there is no segment; 2 coreinspect could not look at the process.";

/// Those whose rules can be foretold, the kernel first.
fn writers() -> impl Iterator<Item = Writer> {
    Forward::all().map(|(writer, _)| writer)
}

fn writer() -> impl TypedValueParser<Value = Writer> {
    let words = PossibleValuesParser::new(writers().map(Writer::word));
    words.try_map(|word| writers().find(|writer| writer.word() == word).ok_or("no such writer"))
}

impl Execute for CheckCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let target = LiveTarget::open(self.pid, &context.kinds)?;
        let process = target.folder();
        let mut memory = SharedMemory::of(&target);
        memory.add_kinds(&target, &context.kinds);
        let unreadable = |error| crate::Error::Process { pid: self.pid, what: "its smaps", source: error };
        let text = process.read("smaps").map_err(unreadable)?;
        let areas: Vec<_> = smaps::parse(&text).collect();
        let settings = DumpSettings::of(process);
        let page = target.identity().page_size.unwrap_or(4096);
        let starts_as_program = |area: &MemoryArea<'_>| {
            let mut start = [0; 4];
            let read = target.read(crate::position::Address::new(area.area.start), &mut start);
            read.is_ok_and(|count| count == start.len()) && start == *b"\x7fELF"
        };
        let notes = notes(process, &target);
        let environment = process.read("environ").unwrap_or_default();
        let names: Vec<_> = areas.iter().map(|area| area.area.name).collect();
        let conditions = Conditions {
            filter: settings.filter.map_or(Filter::DEFAULT, Filter),
            page,
            environment: &environment,
            names: &names,
        };
        let status = |area: &MemoryArea<'_>| process.file_status(&area.area.map_file());
        let forecast =
            Forecast::of(&memory, &areas, &settings, &conditions, &notes, starts_as_program, status);
        let table = IpcTable::of(process).unwrap_or_default();
        let report = Check::of(&target, &memory, &settings, &forecast, |segment| {
            let listed = table.segments.iter().find(|row| Some(row.status.id()) == segment.facts.shmid)?;
            listed.resident
        });
        context.print(&ShownCheck { check: &report, quiet: context.quiet })?;
        let told = report.warnings.iter().filter(|_| context.output.for_people && !context.quiet);
        for warning in told.collect::<Vec<_>>() {
            context.tell(format_args!("{}: warning: {}", self.pid, warning.message));
        }
        context.out.flush()?;
        Ok(self.judge(&report, context))
    }
}

impl CheckCommand {
    fn judge(&self, report: &Check, context: &mut Context<'_>) -> Status {
        let pid = self.pid;
        if report.segments.is_empty() {
            context.tell(format_args!(
                "process {pid} has no {} segment attached, so there is nothing to check",
                context.kinds.label()
            ));
            return Status::Nothing;
        }
        let habits = self.dumper.habits();
        let name = if habits.limited { format!("{}'s core", habits.label) } else { habits.label.to_owned() };
        match report.lost(self.dumper) {
            None => {
                let refusal = Forward::of(self.dumper).map_or("", |rules| rules.refusal);
                context.tell(format_args!("process {pid} {refusal}"));
                Status::Nothing
            }
            Some(0) if habits.limited && report.lacks_space() => {
                context.tell(format_args!("process {pid}: the disk is too small for {name}"));
                Status::Nothing
            }
            Some(0) => Status::Found,
            Some(lost) => {
                context.tell(format_args!("process {pid}: {name} would lose {lost} bytes of its segments"));
                Status::Nothing
            }
        }
    }
}

/// What the size of the kernel's notes depends on.
fn notes(process: &ProcessFolder, target: &dyn Target) -> KernelCoreNotes {
    /// Linux include/uapi/linux/auxvec.h.
    const AT_MINSIGSTKSZ: u64 = 51;
    let auxiliary = process.read("auxv").unwrap_or_default();
    let word = u64::from(target.identity().machine.class.bits() / 8);
    let width = if word == 8 { 8 } else { 4 };
    let words = auxiliary.chunks_exact(width).map(|bytes| {
        let mut wide = [0; 8];
        if cfg!(target_endian = "little") {
            wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        } else {
            wide.iter_mut().rev().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
        }
        u64::from_ne_bytes(wide)
    });
    let words: Vec<_> = words.collect();
    let mut pairs = words.chunks_exact(2);
    let signal_frame = pairs.find_map(|pair| match pair {
        [AT_MINSIGSTKSZ, size] => Some(*size),
        _ => None,
    });
    KernelCoreNotes { auxiliary: auxiliary.len() as u64, signal_frame, word }
}
