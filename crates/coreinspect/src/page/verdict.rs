//! A dump in a sentence, and in the sentence after it.

use super::held::Held;
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
    let held = Held::of(&dump.segments);
    match dump.segments.as_slice() {
        [] => "No shared memory was found in this dump.".to_owned(),
        [one] if held.is_absent() => format!("{}: none of its bytes is in the dump.", name(one)),
        [one] if held.is_whole() => format!("{}: whole.", name(one)),
        [one] => format!("{}: {} are in the dump.", name(one), text::of(one.saved, one.mapped)),
        all if held.is_whole() => format!("{}, all whole.", text::count(all.len(), "segment")),
        all if held.is_absent() => {
            format!("{}, and no byte of them is in the dump.", text::count(all.len(), "segment"))
        }
        _ => format!("{}.", held.words().unwrap_or_default()),
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
