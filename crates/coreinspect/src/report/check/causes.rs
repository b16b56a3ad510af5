//! Why a writer would lose bytes, and what keeps them.

use super::super::LossCode;
use super::LossCause;
use crate::forecast::{Forecast, Keeping, Loss, MappingKept};
use crate::kind::Kind;
use crate::proc_files::{DumpSettings, NoCore};
use crate::retention::Code;
use crate::retention::forecast::{Filter, Forward, Lost, Next};
use crate::writer::Writer;

/// The coredump_filter with which all that bits can keep is kept: what is set, and more.
pub(super) fn filter_that_keeps_all(settings: &DumpSettings, forecast: &Forecast) -> Filter {
    let filter = settings.filter.map_or(Filter::DEFAULT, Filter);
    let keepings = forecast.writers.iter().filter_map(|(_, segments)| segments.as_ref()).flatten();
    let losses = keepings.flat_map(|keeping| &keeping.mappings).flat_map(|mapping| &mapping.lost_by);
    let bits = losses.filter_map(|loss| match loss {
        Loss::Rule(_, bit) => *bit,
        _ => None,
    });
    bits.fold(filter, Filter::with)
}

/// The causes for a segment of which `kept` is kept, by writer; each rule once.
pub(super) fn of(
    pid: Option<u32>,
    settings: &DumpSettings,
    needed: Filter,
    kind: Kind,
    kept: &[(Writer, Option<&Keeping>)],
) -> Vec<LossCause> {
    let says = Says::of(pid, settings, needed, kind);
    let mut causes = Vec::<LossCause>::new();
    let losses = kept.iter().filter_map(|(writer, keeping)| Some((*writer, (*keeping)?)));
    let losses = losses.flat_map(|(writer, keeping)| {
        let mappings = keeping.mappings.iter();
        mappings.flat_map(move |mapping| mapping.lost_by.iter().map(move |loss| (writer, mapping, *loss)))
    });
    for (writer, mapping, loss) in losses {
        let code = code(loss);
        if !causes.iter().any(|known| (known.writer, known.code) == (writer, code)) {
            causes.push(LossCause {
                writer,
                dumper: writer,
                code,
                certain: loss != Loss::Rule(Code::Unknown, None),
                evidence: says.evidence(writer, mapping, loss),
                fix: says.fix(writer, loss),
            });
        }
    }
    causes
}

fn code(loss: Loss) -> LossCode {
    match loss {
        Loss::Rule(code, _) => LossCode::Rule(code),
        Loss::Limit => LossCode::Rule(Code::Truncated),
        Loss::NoCore => LossCode::NoCore,
    }
}

struct Says<'a> {
    settings: &'a DumpSettings,
    kind: Kind,
    next: Next,
}

impl<'a> Says<'a> {
    fn of(pid: Option<u32>, settings: &'a DumpSettings, Filter(needed): Filter, kind: Kind) -> Self {
        let pid = pid.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
        let filter = format!("echo {needed:#x} > /proc/{pid}/coredump_filter");
        let flag = if kind == Kind::SystemV { String::new() } else { format!(" --kind {kind}") };
        let elsewhere = format!("coreinspect dump {pid}{flag} keeps it in any case");
        Self { settings, kind, next: Next { pid, filter, elsewhere } }
    }

    fn evidence(&self, writer: Writer, mapping: &MappingKept, loss: Loss) -> String {
        let Filter(filter) = self.settings.filter.map_or(Filter::DEFAULT, Filter);
        let range = mapping.range;
        let unless = |bit: Option<u32>| match bit {
            Some(bit) => format!("bit {bit} of its coredump_filter ({filter:#x}) is off"),
            None => "no bit of coredump_filter keeps it".to_owned(),
        };
        match loss {
            Loss::Rule(Code::ReadOnlyAttach, bit) => {
                let first = if mapping.bytes > 0 { ", and only its first page is kept" } else { "" };
                let how = match self.kind {
                    Kind::SystemV => "is attached with SHM_RDONLY",
                    _ => "maps a descriptor that was opened read-only",
                };
                format!("{range} {how}{first}: {}", unless(bit))
            }
            Loss::Rule(Code::FilterShared, bit) => format!("{range} is shared memory: {}", unless(bit)),
            Loss::Rule(Code::FilterMapped, bit) => {
                format!("{range} is shared memory whose file has a name: {}", unless(bit))
            }
            Loss::Rule(Code::Hugetlb, bit) => format!("{range} has huge pages: {}", unless(bit)),
            Loss::Rule(Code::DontDump, _) => {
                format!("the program has called madvise(MADV_DONTDUMP) on {range} (VmFlags dd)")
            }
            Loss::Rule(code, _) => {
                let known = Forward::of(writer).and_then(|rules| rules.left_out);
                known.filter(|_| code == Code::LeftOut).map_or_else(
                    || {
                        format!(
                            "{range} is left out by {writer}, or disappeared while coreinspect looked at it"
                        )
                    },
                    str::to_owned,
                )
            }
            Loss::Limit => format!(
                "RLIMIT_CORE is {} bytes, which end at byte {} of {range}",
                self.settings.limit().unwrap_or(0),
                mapping.bytes
            ),
            Loss::NoCore => match self.settings.no_core() {
                Some(NoCore::NotDumpable) => {
                    let setting = self
                        .settings
                        .suid_dumpable
                        .map_or_else(String::new, |value| format!(" and fs.suid_dumpable is {value}"));
                    format!("the process is not dumpable (PR_SET_DUMPABLE, set-user-ID){setting}: no core")
                }
                Some(NoCore::Nowhere) => "kernel.core_pattern is empty: no core".to_owned(),
                Some(NoCore::NoFolder(folder)) => {
                    let folder = super::Text::new(folder.as_os_str().as_encoded_bytes()).escaped();
                    format!("the folder of kernel.core_pattern is not there ({folder}): no core")
                }
                Some(NoCore::Limit(limit)) => format!("RLIMIT_CORE is {limit}, less than a page: no core"),
                None => "no core".to_owned(),
            },
        }
    }

    fn fix(&self, writer: Writer, loss: Loss) -> String {
        let pid = &self.next.pid;
        match loss {
            Loss::Rule(code, bit) => Forward::of(writer).map_or_else(
                || self.next.elsewhere.clone(),
                |rules| (rules.fix)(Lost { code, bit }, &self.next),
            ),
            Loss::Limit => format!("prlimit --pid {pid} --core=unlimited"),
            Loss::NoCore => match self.settings.no_core() {
                Some(NoCore::NotDumpable) => {
                    "prctl(PR_SET_DUMPABLE, 1) in the program, or sysctl fs.suid_dumpable=2 with an \
                                              absolute kernel.core_pattern or a program in it"
                        .to_owned()
                }
                Some(NoCore::Nowhere) => "sysctl kernel.core_pattern=core.%p".to_owned(),
                Some(NoCore::NoFolder(_)) => {
                    "make the folder, or name another: sysctl kernel.core_pattern".to_owned()
                }
                _ => format!("prlimit --pid {pid} --core=unlimited"),
            },
        }
    }
}
