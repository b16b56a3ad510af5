//! Segments that were found by content: why each is taken for one, and what that means.

use std::io;

use super::canvas::{Canvas, Margin};
use super::printable::Printable;
use super::style::Tone;
use crate::report::{Dump, Segment};
use crate::targets::FoundBy;

/// Segments whose reasons are told; `show` tells those of all.
const TOLD: usize = 6;

const MARGIN: Margin = Margin { indent: 2, name: 5 };

/// Whether the dump has no name for `segment`.
pub(super) fn is_unnamed(segment: &Segment) -> bool {
    segment.found_by == FoundBy::Content
}

pub(super) fn draw(dump: &Dump, canvas: &mut dyn Canvas) -> io::Result<()> {
    let unnamed: Vec<_> = dump.segments.iter().filter(|segment| is_unnamed(segment)).collect();
    let Some(warning) = dump.warnings.iter().find(|warning| warning.code == "unnamed") else { return Ok(()) };
    if unnamed.is_empty() {
        return Ok(());
    }
    canvas.gap()?;
    canvas.prose(0, &format!("found by content: {}", warning.message))?;
    for segment in unnamed.iter().take(TOLD) {
        // A reason may hold what a layout quotes of the bytes.
        let reasons = segment.found_reasons.join("; ");
        let text = Printable(reasons.as_bytes()).to_string();
        canvas.fact(MARGIN, &format!("{:<4} ", segment.number), &text)?;
    }
    if unnamed.len() > TOLD {
        let more = format!("({} more: coreinspect show)", unnamed.len().saturating_sub(TOLD));
        canvas.line(2, &[(Tone::Faint, &more)])?;
    }
    Ok(())
}
