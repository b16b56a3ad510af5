//! Why a dumper would lose bytes, and what keeps them.

use super::LossCause;
use crate::forecast::{Forecast, Keeping, Loss, MappingKept, SegmentForecast};
use crate::proc_files::{DumpSettings, NoCore};
use crate::retention::Code;
use crate::retention::forecast::Filter;

/// The coredump_filter with which kernel and gcore keep all that bits can keep: what is set, and more.
pub(super) fn filter_that_keeps_all(settings: &DumpSettings, forecast: &Forecast) -> Filter {
    let filter = settings.filter.map_or(Filter::DEFAULT, Filter);
    let keepings = forecast.segments.iter().flat_map(|segment| [&segment.kernel, &segment.gcore]);
    let losses = keepings.flat_map(|keeping| &keeping.mappings).flat_map(|mapping| &mapping.lost_by);
    let bits = losses.filter_map(|loss| match loss {
        Loss::Rule(_, bit) => *bit,
        _ => None,
    });
    bits.fold(filter, Filter::with)
}

/// The causes for a segment of which `kept` is kept, by dumper; each rule once.
pub(super) fn of(
    pid: Option<u32>,
    settings: &DumpSettings,
    needed: Filter,
    kept: &SegmentForecast,
) -> Vec<LossCause> {
    let says = Says { pid: pid.map_or_else(|| "PID".to_owned(), |pid| pid.to_string()), settings, needed };
    let createdump = kept.createdump.as_ref().map(|kept| ("createdump", kept));
    let keepings = [("kernel", &kept.kernel), ("gcore", &kept.gcore)].into_iter().chain(createdump);
    let mut causes = Vec::<LossCause>::new();
    let losses = keepings.flat_map(|(dumper, keeping): (_, &Keeping)| {
        let mappings = keeping.mappings.iter();
        mappings.flat_map(move |mapping| mapping.lost_by.iter().map(move |loss| (dumper, mapping, *loss)))
    });
    for (dumper, mapping, loss) in losses {
        let code = code(loss);
        if !causes.iter().any(|known| (known.dumper, known.code) == (dumper, code)) {
            causes.push(LossCause {
                dumper,
                code,
                certain: loss != Loss::Rule(Code::Unknown, None),
                evidence: says.evidence(dumper, mapping, loss),
                fix: says.fix(dumper, loss),
            });
        }
    }
    causes
}

fn code(loss: Loss) -> &'static str {
    match loss {
        Loss::Rule(code, _) => code.name(),
        Loss::Limit => Code::Truncated.name(),
        Loss::NoCore => "no-core",
    }
}

struct Says<'a> {
    pid: String,
    settings: &'a DumpSettings,
    needed: Filter,
}

impl Says<'_> {
    fn evidence(&self, dumper: &str, mapping: &MappingKept, loss: Loss) -> String {
        let Filter(filter) = self.settings.filter.map_or(Filter::DEFAULT, Filter);
        let range = mapping.range;
        let unless = |bit: Option<u32>| match bit {
            Some(bit) => format!("bit {bit} of its coredump_filter ({filter:#x}) is off"),
            None => "no bit of coredump_filter keeps it".to_owned(),
        };
        match loss {
            Loss::Rule(Code::ReadOnlyAttach, bit) => {
                let first = if mapping.bytes > 0 { ", and only its first page is kept" } else { "" };
                format!("{range} is attached with SHM_RDONLY{first}: {}", unless(bit))
            }
            Loss::Rule(Code::FilterShared, bit) => format!("{range} is shared memory: {}", unless(bit)),
            Loss::Rule(Code::Hugetlb, bit) => format!("{range} has huge pages: {}", unless(bit)),
            Loss::Rule(Code::DontDump, _) => {
                format!("the program has called madvise(MADV_DONTDUMP) on {range} (VmFlags dd)")
            }
            Loss::Rule(Code::DumperSkipped, _) if dumper == "createdump" => {
                "createdump keeps System V memory in full dumps alone, and its environment asks for none"
                    .to_owned()
            }
            Loss::Rule(..) => format!("{range} is left out by {dumper}, or has gone while it was looked at"),
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

    fn fix(&self, dumper: &str, loss: Loss) -> String {
        let (pid, Filter(needed)) = (&self.pid, self.needed);
        let filter = format!("echo {needed:#x} > /proc/{pid}/coredump_filter");
        let elsewhere = format!("coreinspect dump {pid} keeps it in any case");
        match loss {
            Loss::Rule(Code::DontDump, _) if dumper == "gcore" => format!("gcore -a {pid}; {elsewhere}"),
            Loss::Rule(Code::DontDump, _) => {
                format!("madvise(address, length, MADV_DODUMP) in the program; {elsewhere}")
            }
            Loss::Rule(Code::DumperSkipped, _) if dumper == "createdump" => format!(
                "DOTNET_DbgEnableMiniDump=1 DOTNET_DbgMiniDumpType=4 before it starts, or createdump --full {pid}"
            ),
            Loss::Rule(_, Some(_)) if dumper == "gcore" => {
                format!("{filter} (or gcore -a {pid}, but for huge pages)")
            }
            Loss::Rule(_, Some(_)) => filter,
            Loss::Rule(_, None) => elsewhere,
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
