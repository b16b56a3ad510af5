//! `--version`, and with `-v` what matters about this machine for a report of a bug.

use std::fs;
use std::io::{self, Write};

use super::Context;
use crate::render::printable::Printable;

/// Writes the version; verbosely also what decides here what a core holds.
pub(super) fn write(context: &mut Context<'_>) -> io::Result<()> {
    writeln!(context.out, "coreinspect {}", env!("CARGO_PKG_VERSION"))?;
    if !context.verbose {
        return Ok(());
    }
    let read = |path| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let kernel = nix::sys::utsname::uname().ok().map(|name| {
        let part = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        format!("{} {} {}", part(name.sysname()), part(name.release()), part(name.machine()))
    });
    let facts = [
        ("commit", option_env!("COREINSPECT_COMMIT").map(str::to_owned)),
        ("features", Some("cli".to_owned())),
        ("kernel", kernel),
        ("core_pattern", read("/proc/sys/kernel/core_pattern")),
        (
            "coredump_filter",
            read("/proc/self/coredump_filter")
                .map(|filter| format!("{:#x}", u32::from_str_radix(&filter, 16).unwrap_or(0))),
        ),
        ("core_sort_vma", read("/proc/sys/kernel/core_sort_vma")),
        ("ptrace_scope", read("/proc/sys/kernel/yama/ptrace_scope")),
    ];
    for (name, value) in facts {
        let value = value.unwrap_or_else(|| "unknown".to_owned());
        writeln!(context.out, "{name:16} {}", Printable(value.as_bytes()))?;
    }
    Ok(())
}
