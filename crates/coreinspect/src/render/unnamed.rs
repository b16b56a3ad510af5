//! Segments that were found by content: why each is taken for one, and what that means.

use std::io::{self, Write};

use super::printable::Printable;
use super::prose::write_wrapped;
use super::style::{Style, Tone};
use crate::report::{Dump, Segment};

/// Segments whose reasons are told; `show` tells those of all.
const TOLD: usize = 6;

/// Whether the dump has no name for `segment`.
pub(super) fn is_unnamed(segment: &Segment) -> bool {
    segment.found_by == "content"
}

pub(super) fn write(dump: &Dump, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let unnamed: Vec<_> = dump.segments.iter().filter(|segment| is_unnamed(segment)).collect();
    let Some(warning) = dump.warnings.iter().find(|warning| warning.code == "unnamed") else { return Ok(()) };
    if unnamed.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    write_wrapped(&format!("found by content: {}", warning.message), "", "  ", style, out)?;
    for segment in unnamed.iter().take(TOLD) {
        // A reason may hold what a layout quotes of the bytes.
        let reasons = segment.found_reasons.join("; ");
        let text = Printable(reasons.as_bytes()).to_string();
        write_wrapped(&text, &format!("  #{:<3} ", segment.number), "       ", style, out)?;
    }
    if unnamed.len() > TOLD {
        let more = format!("  ({} more: coreinspect show)", unnamed.len() - TOLD);
        writeln!(out, "{}", style.paint(Tone::Faint, more))?;
    }
    Ok(())
}
