//! Which bytes are missing, why, and what makes the next dump whole.

use std::collections::HashMap;
use std::io;

use super::canvas::{Canvas, Margin};
use super::printable::Printable;
use super::style::Style;
use crate::report::{Dump, Segment, State};

const MARGIN: Margin = Margin { indent: 2, name: 5 };

/// What is missing of the segments, by cause: a thousand segments that lack the same are told once.
pub(super) fn draw(dump: &Dump, canvas: &mut dyn Canvas) -> io::Result<()> {
    let style = canvas.style();
    let completed = |segment: &&Segment| {
        segment.state == State::Whole
            && segment.attachments.iter().any(|attachment| attachment.state != State::Whole)
    };
    let completed: Vec<_> = dump.segments.iter().filter(completed).collect();
    if !completed.is_empty() {
        canvas.gap()?;
        let text =
            format!("{}: whole, because its attachments complete each other", names(&completed, style));
        canvas.prose(0, &text)?;
    }
    let mut groups = Vec::<Vec<&Segment>>::new();
    let mut group_of = HashMap::new();
    for segment in dump.segments.iter().filter(|segment| !segment.causes.is_empty()) {
        let causes = segment.causes.iter().map(|cause| (cause.code, cause.certain, cause.fix.as_str()));
        let group = *group_of.entry(causes.collect::<Vec<_>>()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(segments) => segments.push(segment),
            None => groups.push(vec![segment]),
        }
    }
    for segments in &groups {
        canvas.gap()?;
        let Some(first) = segments.first() else { continue };
        canvas.prose(0, &lacking(dump, segments, style))?;
        let mut causes = first.causes.iter().peekable();
        while let Some(cause) = causes.next() {
            let sure = if cause.certain { "" } else { " (perhaps)" };
            let example = if segments.len() > 1 { format!("({}) ", first.number) } else { String::new() };
            let why = format!("{}{sure}: {example}{}", cause.code.name(), cause.evidence);
            canvas.fact(MARGIN, "why", &why)?;
            // Several causes often take the same change: it is said behind the last of them.
            if causes.peek().is_none_or(|next| next.fix != cause.fix) {
                canvas.fact(MARGIN, "fix", &cause.fix)?;
            }
        }
    }
    Ok(())
}

/// Which bytes are missing, in a sentence.
fn lacking(dump: &Dump, segments: &[&Segment], style: Style) -> String {
    let sum =
        |of: fn(&Segment) -> u64| segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(of(segment)));
    let lacked = sum(|segment| segment.mapped.saturating_sub(segment.saved));
    let mapped = sum(|segment| segment.mapped);
    let not_there = if dump.kind == Some("process") { "cannot be read" } else { "are not in the dump" };
    format!("{}: {lacked} of {mapped} bytes {not_there}", names(segments, style))
}

/// Segments by their numbers; one alone by its key too.
fn names(segments: &[&Segment], style: Style) -> String {
    const NAMED: usize = 6;
    if let [segment] = segments {
        return format!("{} {}", segment.number, Printable(segment.label().as_bytes()));
    }
    let mut names: Vec<_> = segments.iter().take(NAMED).map(|segment| segment.number.to_string()).collect();
    if segments.len() > NAMED {
        names.push(format!("{} ({} segments)", style.ellipsis(), segments.len()));
    }
    names.join(" ")
}
