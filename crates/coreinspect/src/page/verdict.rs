//! A dump in a sentence, and in the sentence after it.

use super::redact::Redaction;
use super::text;
use crate::report::{Dump, Segment};

/// What a reader wants to know first.
pub(super) fn verdict(dump: &Dump) -> String {
    if dump.error.is_some() {
        return "This dump could not be read.".to_owned();
    }
    if let Some(fault) = dump.fault.as_ref().filter(|fault| fault.segment.is_some()) {
        // The message begins with the address, which the next sentence has.
        let address = format!("fault at {}", fault.address);
        let said = fault.message.strip_prefix(&address).unwrap_or(&fault.message);
        let said = said.trim_start_matches([':', ',', ' ']);
        return format!("Killed by {}: {said}.", signal(dump).unwrap_or("a signal"));
    }
    let held = |segments: &[Segment]| {
        let whole = segments.iter().filter(|segment| segment.saved >= segment.mapped).count();
        let absent = segments.iter().filter(|segment| segment.saved == 0 && segment.mapped > 0).count();
        (whole, absent)
    };
    match (dump.segments.as_slice(), held(&dump.segments)) {
        ([], _) => "No shared memory was found in this dump.".to_owned(),
        ([one], (1, _)) => format!("{}: whole.", name(one)),
        ([one], (_, 1)) => format!("{}: none of its bytes is in the dump.", name(one)),
        ([one], _) => format!("{}: {} are in the dump.", name(one), text::of(one.saved, one.mapped)),
        (all, (whole, _)) if whole == all.len() => {
            format!("{}, all whole.", text::count(all.len(), "segment"))
        }
        (all, (_, absent)) if absent == all.len() => {
            format!("{}, and no byte of them is in the dump.", text::count(all.len(), "segment"))
        }
        (all, (whole, absent)) => {
            let in_part = all.len().saturating_sub(whole).saturating_sub(absent);
            let parts = [(whole, "whole"), (in_part, "in part"), (absent, "not saved")];
            let parts = parts.iter().filter(|(count, _)| *count > 0);
            let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
            format!("{}: {}.", text::count(all.len(), "segment"), parts.join(", "))
        }
    }
}

/// What the verdict rests on.
pub(super) fn lead(dump: &Dump, redaction: &Redaction) -> String {
    if let Some(error) = &dump.error {
        return text::shown(error.message.as_bytes());
    }
    let mut sentences = Vec::new();
    if let Some(fault) = &dump.fault {
        sentences.push(match fault.segment {
            Some(_) => format!("The address was {}.", fault.address),
            None => format!("{}.", text::capital(&fault.message)),
        });
    }
    let missing: u64 = dump
        .segments
        .iter()
        .map(|segment| segment.mapped.saturating_sub(segment.saved))
        .fold(0, u64::saturating_add);
    if missing > 0 {
        sentences.push(format!("{} of shared memory are not in the dump.", text::size(missing)));
    }
    if let Some(arguments) = dump.process.arguments.as_ref().filter(|_| !redaction.on()) {
        sentences.push(format!("The process was started as “{}”.", text::shown(arguments.bytes())));
    }
    if sentences.is_empty()
        && let Some(nothing) = dump.nothing_found()
    {
        sentences.push(text::capital(&text::shown(nothing.as_bytes())));
    }
    sentences.join(" ")
}

/// The name of the signal that ended the process.
pub(super) fn signal(dump: &Dump) -> Option<&'static str> {
    dump.process.signal.as_ref()?.name
}

/// `Segment 0x4f1d0019`.
pub(super) fn name(segment: &Segment) -> String {
    match (&segment.key, &segment.name) {
        (Some(key), _) => format!("Segment {key}"),
        (None, Some(name)) => format!("Segment {} {}", segment.number, text::shown(name.bytes())),
        (None, None) => format!("Segment {}", segment.number),
    }
}
