//! An ELF core: bytes of a file become headers, notes and an index of the memory that was saved.
//!
//! Everything here treats the file as hostile: no count is believed before the bytes are there, no step can fail to
//! move on, and [`Reader`] is the only code that cuts pieces out of bytes. A core that was cut short is read as far
//! as it goes; what is lost is in [`CoreFile::warnings`].

mod dump_list;
mod excess;
mod file_table;
mod foreign;
mod header;
mod loads;
mod notes;
mod plan;
mod process_notes;
mod reader;
mod registers;
mod writer;

pub use file_table::FileTable;
pub(crate) use loads::Loads;
pub use process_notes::AuxiliaryVector;
pub(crate) use process_notes::{ProcessInfo, SignalInfo, ThreadStatus};
pub(crate) use reader::{Reader, goblin_context};

use crate::error::{Error, Warning, Warnings};
use crate::machine::{Class, Machine};
use crate::pointer_tags::PointerTags;
use crate::position::{FileOffset, Interval, Position};
use crate::source::{Format, Source, Stream};
use crate::writer::{Habits, Writer};
use header::{Header, ProgramHeaders};
use notes::Note;
use plan::Plan;
use writer::{LEADING_NOTES, Traits};

/// Headers and notes of an ELF core, and where its memory stands.
#[derive(Debug)]
pub struct CoreFile {
    machine: Machine,
    loads: Loads,
    files: Option<FileTable>,
    threads: Vec<ThreadStatus>,
    process: Option<ProcessInfo>,
    signal: Option<SignalInfo>,
    auxiliary: AuxiliaryVector,
    pointer_tags: PointerTags,
    segment_facts: Option<Interval<FileOffset>>,
    fill: Option<Interval<FileOffset>>,
    writer: Option<Writer>,
    complete: Option<bool>,
    warnings: Vec<Warning>,
}

/// What the notes gave, before they are put to use.
#[derive(Default)]
struct Notes {
    traits: Traits,
    files: Option<(crate::position::Interval<FileOffset>, bool)>,
    threads: Vec<ThreadStatus>,
    process: Option<ProcessInfo>,
    signal: Option<SignalInfo>,
    auxiliary: Option<AuxiliaryVector>,
    pointer_tags: PointerTags,
    segment_facts: Option<Interval<FileOffset>>,
    fill: Option<Interval<FileOffset>>,
    /// What a note proves the file to be, if that is no core of a Linux process.
    foreign: Option<Format>,
    any: bool,
    /// Whether the file ends before they do.
    cut_off: bool,
}

const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;
const NT_SIGINFO: u32 = 0x5349_4749;
/// Of owner `LINUX` (elf.h).
const NT_386_TLS: u32 = 0x200;
const NT_ARM_TLS: u32 = 0x401;
const NT_ARM_PAC_MASK: u32 = 0x406;
const NT_RISCV_TAGGED_ADDR_CTRL: u32 = 0x902;
/// Of owner `coreinspect`: see the room `core_writer`, which writes it.
const SEGMENT_FACTS: u32 = 0x5348_4d02;
/// Of owner `coreinspect`: see the room `fill`, which writes it into cores of any writer.
const FILL: u32 = 0x5348_4d03;

impl CoreFile {
    /// Reads headers and notes of `source`; no memory.
    ///
    /// # Errors
    /// See [`Error`]: the file is no core, or ends before its first program header. All else is a warning.
    pub fn read(source: &dyn Source) -> Result<Self, Error> {
        let read = Self::read_parts(source);
        let Some(stream) = source.stream() else { return read };
        if let Some(source) = stream.refusal() {
            return Err(Error::Refused { source });
        }
        read.map_err(|error| match (error, stream.damage(), stream.wrapping()) {
            (Error::NotACore { .. } | Error::CutOff { .. }, Some(damage), _) => Error::Damaged { damage },
            (Error::NotACore { format }, _, Some(wrapping)) => Error::NotACoreInside { wrapping, format },
            (error, ..) => error,
        })
    }

    fn read_parts(source: &dyn Source) -> Result<Self, Error> {
        let mut warnings = Warnings::default();
        let refused = |source| Error::Refused { source };
        let plan = source.stream().map(Plan::new).transpose().map_err(refused)?;
        let header = Header::read(source, &mut warnings)?;
        let machine = header.machine;
        let program_headers = header.program_headers(source, &mut warnings)?;
        if let Some(plan) = &plan {
            plan.before_notes(&header, &program_headers).map_err(refused)?;
        }
        let traits = Traits::of_headers(&header, &program_headers);
        let ProgramHeaders { mut loads, notes: note_segments, .. } = program_headers;
        let mut notes = Notes { traits, pointer_tags: PointerTags::of(machine), ..Notes::default() };
        notes::for_each_note(source, machine, &note_segments, &mut warnings, |note, warnings| {
            notes.take(note, machine, warnings);
        });
        if let Some(format) = notes.foreign {
            return Err(Error::NotACore { format });
        }
        notes.cut_off = note_segments.iter().any(|notes| notes.range.end().get() > source.size());
        let mut of_the_table = Warnings::default();
        let files = notes.file_table(source, machine, loads.regions(), &mut of_the_table);
        if let Some(plan) = &plan {
            plan.after_notes(&loads, files.as_ref(), notes.traits.writer()).map_err(refused)?;
        }
        // It stands at the end of the file: a stream would go by the memory before it was known what to keep.
        let dump_list = dump_list::read(source, &header);
        notes.traits.dump_list = dump_list.is_some();
        // A stream that was left before its end.
        let end_is_known = source.stream().is_none_or(Stream::size_is_known);
        let promised_end =
            note_segments.iter().map(|notes| notes.range.end()).fold(loads.promised_end(), FileOffset::max);
        let promised_end = promised_end.max(header.section_headers.end());
        let missing = promised_end.offset_from(FileOffset::new(source.size())).filter(|_| end_is_known);
        let missing = missing.unwrap_or(0);
        if let Some(saved) = &dump_list {
            loads.keep_only(saved);
            if missing > 0 {
                warnings.push("dump-list", || {
                    format!(
                        "the program headers claim {missing} bytes beyond the end of the file; minicoredumper's own list, \
                         which is believed here, says what it saved"
                    )
                });
            }
        } else if missing > 0 {
            warnings.push("truncated", || {
                format!(
                    "the file has {} bytes and ends {missing} before its headers say: it was cut short",
                    source.size()
                )
            });
        }
        if end_is_known && dump_list.is_none() {
            excess::tell(source, promised_end.max(header.program_headers.end()), &header, &mut warnings);
        }
        warnings.append(of_the_table);
        let whole = missing == 0 && !warnings.has("program-headers") && !warnings.has("program-header-count");
        Ok(Self {
            machine,
            files,
            threads: notes.threads,
            process: notes.process,
            signal: notes.signal,
            auxiliary: notes.auxiliary.unwrap_or_default(),
            pointer_tags: notes.pointer_tags,
            segment_facts: notes.segment_facts,
            fill: notes.fill,
            writer: notes.traits.writer(),
            complete: (end_is_known || !whole).then_some(whole),
            loads,
            warnings: warnings.into_list(),
        })
    }

    /// Machine, class and byte order.
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// The memory that the dump describes and holds.
    pub fn loads(&self) -> &Loads {
        &self.loads
    }

    /// NT_FILE, if the dump has it.
    pub fn files(&self) -> Option<&FileTable> {
        self.files.as_ref()
    }

    /// NT_PRSTATUS of each thread, in the file's order.
    pub fn threads(&self) -> &[ThreadStatus] {
        &self.threads
    }

    /// NT_PRPSINFO.
    pub fn process(&self) -> Option<&ProcessInfo> {
        self.process.as_ref()
    }

    /// The first NT_SIGINFO.
    pub fn signal(&self) -> Option<SignalInfo> {
        self.signal
    }

    /// NT_AUXV; empty if the dump has none.
    pub fn auxiliary(&self) -> AuxiliaryVector {
        self.auxiliary
    }

    /// Bits of pointers that are no part of the address, as the machine and the notes of the threads say.
    pub fn pointer_tags(&self) -> PointerTags {
        self.pointer_tags
    }

    /// Where the JSON stands that coreinspect's own cores hold of their segments.
    pub fn segment_facts(&self) -> Option<Interval<FileOffset>> {
        self.segment_facts
    }

    /// Where the JSON stands that says what `coreinspect fill` added: of several the last.
    pub fn fill(&self) -> Option<Interval<FileOffset>> {
        self.fill
    }

    /// Which program wrote the dump, where that can be told.
    pub fn writer(&self) -> Option<Writer> {
        self.writer
    }

    /// Whether every byte that the headers promise is in the file; `None` if it was not read to its end.
    pub fn complete(&self) -> Option<bool> {
        self.complete
    }

    /// What could not be read, or was lost.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl Traits {
    fn of_headers(header: &Header, program_headers: &ProgramHeaders) -> Self {
        let first_notes = program_headers.notes.first().map(|notes| notes.range.start().get());
        Self {
            notes_first: program_headers.notes_first,
            notes_behind_memory: first_notes
                .zip(program_headers.last_memory)
                .is_some_and(|(notes, memory)| notes > memory),
            table_behind_memory: program_headers
                .last_memory
                .is_some_and(|memory| header.program_headers.start().get() > memory),
            load_align: program_headers.load_align,
            sections: header.section_headers.rows() > 1,
            ..Self::default()
        }
    }
}

impl Notes {
    fn take(&mut self, note: Note<'_>, machine: Machine, warnings: &mut Warnings) {
        self.any = true;
        self.foreign = self.foreign.or_else(|| foreign::of_note(note.owner, note.kind));
        match note.owner {
            // Delve leaves the owner empty.
            b"CORE" | b"" => {}
            b"GDB" => return self.traits.gdb_note = true,
            b"Delve Header" => return self.traits.delve_note = true,
            b"coreinspect" if note.kind == FILL => {
                if !note.cut_off {
                    self.fill = Some(note.range());
                }
                return;
            }
            b"coreinspect" => {
                self.traits.coreinspect_note = true;
                if note.kind == SEGMENT_FACTS && !note.cut_off {
                    self.segment_facts = self.segment_facts.or(Some(note.range()));
                }
                return;
            }
            b"LINUX" => {
                self.traits.take_linux(note.kind);
                return self.take_machine_specific(&note, machine);
            }
            _ => return,
        }
        if self.traits.core_notes.len() < LEADING_NOTES {
            self.traits.core_notes.push(note.kind);
        }
        self.traits.has.signal |= note.kind == NT_SIGINFO;
        self.traits.has.auxiliary |= note.kind == NT_AUXV;
        self.traits.has.files |= note.kind == NT_FILE;
        let mut damaged = |name: &str| {
            let (size, at) = (note.descriptor.rest().len(), note.at);
            let message = format!("{name} at {at} has {size} bytes, too few; what it says is lost");
            warnings.push("notes", || message);
        };
        match note.kind {
            NT_PRSTATUS => match ThreadStatus::read(note.descriptor.clone(), machine) {
                Some(thread) => self.threads.push(thread),
                None => damaged("NT_PRSTATUS"),
            },
            NT_PRPSINFO if self.process.is_none() => {
                self.process = ProcessInfo::read(note.descriptor.clone(), machine.class);
                self.traits.has.process_id = self.process.as_ref().is_some_and(|process| process.pid != 0);
                if self.process.is_none() {
                    damaged("NT_PRPSINFO");
                }
            }
            NT_SIGINFO if self.signal.is_none() => {
                self.signal = SignalInfo::read(note.descriptor.clone(), machine);
                if self.signal.is_none() {
                    damaged("NT_SIGINFO");
                }
            }
            NT_AUXV if self.auxiliary.is_none() => {
                let auxiliary = AuxiliaryVector::read(note.descriptor.clone());
                self.traits.hardware_first = auxiliary.hardware_first;
                self.auxiliary = Some(auxiliary);
            }
            NT_FILE if self.files.is_none() => self.files = Some((note.range(), note.cut_off)),
            NT_FILE => {
                let at = note.at;
                warnings.push("notes", || {
                    format!("there is a second NT_FILE, at {at}, which no writer makes; the names are those of the first")
                });
            }
            _ => {}
        }
    }

    /// What the kernel writes of a thread behind its NT_PRSTATUS, and only on some machines.
    fn take_machine_specific(&mut self, note: &Note<'_>, machine: Machine) {
        let value = || note.descriptor.clone().u64();
        match (note.kind, machine.number) {
            (NT_ARM_PAC_MASK, 183) => {
                self.pointer_tags = value().map_or(self.pointer_tags, |mask| self.pointer_tags.signed(mask));
            }
            (NT_RISCV_TAGGED_ADDR_CTRL, 243) if machine.class == Class::Bits64 => {
                self.pointer_tags = value().map_or(self.pointer_tags, |word| self.pointer_tags.riscv(word));
            }
            _ => {}
        }
        let Some(thread) = self.threads.last_mut() else { return };
        match (note.kind, machine.number) {
            (NT_ARM_TLS, 183) => thread.add_arm_tls(note.descriptor.clone()),
            (NT_386_TLS, 3) => thread.add_i386_tls(note.descriptor.clone()),
            _ => {}
        }
    }

    fn file_table(
        &self,
        source: &dyn Source,
        machine: Machine,
        regions: usize,
        warnings: &mut Warnings,
    ) -> Option<FileTable> {
        let Some((range, cut_off)) = self.files else {
            let message = if self.cut_off {
                "the file ends before NT_FILE, so the names of its mappings are lost: copy it again, or dump again with \
                 enough space and `ulimit -c unlimited`"
                    .to_owned()
            } else if !self.any {
                "the dump has no notes: who the process was, and the names of its mappings, are not in it"
                    .to_owned()
            } else if Habits::of(self.traits.writer()).most_named.is_some_and(|most| regions > most) {
                format!(
                    "the kernel left NT_FILE out, because {regions} mappings pass kernel.core_file_note_size_limit: the \
                     names of the mappings are not in this dump; raise it (sysctl) before the next one, or use gcore"
                )
            } else {
                "the dump has no NT_FILE note: the names of its mappings are not in it".to_owned()
            };
            warnings.push("no-nt-file", || message);
            return None;
        };
        let at = range.start();
        let page_size = self.auxiliary.and_then(|auxiliary| auxiliary.page_size);
        let table = source
            .bytes(range)
            .map_err(|error| error.to_string())
            .and_then(|descriptor| FileTable::read(descriptor, machine, cut_off, page_size));
        match table {
            Ok(table) => {
                if let Some(doubt) = table.doubtful_unit() {
                    warnings.push("nt-file-unit", || format!("NT_FILE at {at}: {doubt}"));
                }
                for flaw in table.flaws(cut_off) {
                    warnings.push("nt-file", || format!("NT_FILE at {at}: {flaw}"));
                }
                Some(table)
            }
            Err(what) => {
                warnings.push("nt-file", || {
                    format!("NT_FILE at {at} cannot be used: {what}; the names of the mappings are lost")
                });
                None
            }
        }
    }
}
