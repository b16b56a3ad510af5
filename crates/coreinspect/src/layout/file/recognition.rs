//! When the bytes of a segment are those of a layout of a file.
//!
//! The rule, which coreinspect-layout(5) tells users:
//! - A magic that does not hold, another program than the one named, or keys that do not match where there is no magic:
//!   it is something else.
//! - A magic of 4 bytes or more that holds: certain. A key that matches: likely. A shorter magic, the program, or checks
//!   that all hold: possible; a shorter magic together with the program or with such checks: likely.
//! - What does not hold besides (a check, a count that does not fit) takes one step off.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::KeyPattern;
use crate::layout::{Subject, Verdict};
use crate::machine::ByteOrder;
use crate::position::{Interval, SegmentOffset};
use crate::types::Type;
use crate::types::decode::{Limits, Sink, decode_into};
use crate::types::value::Kind;

/// What a layout recognises, beside the magic and the checks of its type.
#[derive(Clone, Debug, Default)]
pub struct Recognition {
    /// Keys it is for; none: any.
    pub keys: Vec<KeyPattern>,
    /// What must stand where.
    pub magic: Vec<Magic>,
    /// The file name of the program whose dump it is for.
    pub program: Option<String>,
}

/// Bytes that must stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Magic {
    /// Where, from the segment's start.
    pub offset: u64,
    /// What.
    pub bytes: MagicBytes,
}

/// What must stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MagicBytes {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A number of so many bytes, in this byte order or the target's.
    Number(u64, u8, Option<ByteOrder>),
}

/// Bytes of magic that nothing else has by chance.
const STRONG: u64 = 4;
/// Values that are decoded for a verdict.
const NODES: u64 = 2000;

impl Magic {
    fn expected(&self, order: ByteOrder) -> Vec<u8> {
        match &self.bytes {
            MagicBytes::Bytes(bytes) => bytes.clone(),
            MagicBytes::Number(number, width, own) => {
                let little = number.to_le_bytes();
                let mut bytes = little.get(..usize::from(*width)).unwrap_or(&little).to_vec();
                if own.unwrap_or(order) == ByteOrder::Big {
                    bytes.reverse();
                }
                bytes
            }
        }
    }
}

impl fmt::Display for Magic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bytes {
            MagicBytes::Bytes(bytes) => write!(f, "\"{}\"", bytes.escape_ascii())?,
            MagicBytes::Number(number, ..) => write!(f, "{number:#x}")?,
        }
        write!(f, " at {:#x}", self.offset)
    }
}

/// A sink for what is only tested.
struct Nowhere;

impl Sink for Nowhere {
    fn begin_struct(&mut self) {}
    fn field(&mut self, _: &Arc<str>) {}
    fn end_struct(&mut self, _: Interval<SegmentOffset>) {}
    fn begin_array(&mut self) {}
    fn end_array(&mut self, _: Interval<SegmentOffset>, _: u64) {}
    fn value(&mut self, _: Interval<SegmentOffset>, _: Cow<'_, Kind>) {}
}

impl Recognition {
    /// How sure a layout with the type `kind` is of `subject`: see the module.
    pub(super) fn judge(&self, kind: &Type, subject: &Subject<'_>) -> Verdict {
        let mut reasons = Vec::new();
        let program = match (&self.program, program_of(subject)) {
            (Some(wanted), Some(found)) if *wanted != found => return Verdict::No,
            (Some(wanted), Some(_)) => {
                reasons.push(format!("the program is {wanted}"));
                true
            }
            _ => false,
        };
        let key = subject.key.filter(|key| !key.is_private());
        let pattern = key.and_then(|key| self.keys.iter().find(|pattern| pattern.matches(key)));
        reasons.extend(pattern.map(|pattern| format!("the key is one of its own ({pattern})")));
        let mut magic_bytes = 0_u64;
        for magic in &self.magic {
            let expected = magic.expected(subject.machine.byte_order);
            match subject.bytes(magic.offset, expected.len()) {
                None => reasons.push(format!("the magic {magic} is not in the dump")),
                Some(bytes) if bytes != expected => return Verdict::No,
                Some(bytes) => {
                    reasons.push(format!("the magic {magic} is there"));
                    magic_bytes = magic_bytes.saturating_add(weight(&bytes));
                }
            }
        }
        if pattern.is_none() && !self.keys.is_empty() && self.magic.is_empty() && !has_magic(kind) {
            return Verdict::No;
        }
        let limits = Limits { nodes: NODES, text: 64, listed: 3, ..Limits::default() };
        let machine = subject.machine;
        let read = subject
            .reader(|window, budget| decode_into(kind, 0, window, machine, limits, budget, &mut Nowhere));
        let Some(Ok(remarks)) = read else { return Verdict::No };
        let tested = remarks.tested;
        if tested.magic_broken > 0 {
            return Verdict::No;
        }
        if tested.magic_bytes > 0 {
            reasons.push(format!("{} bytes of magic are in its fields", tested.magic_bytes));
            magic_bytes = magic_bytes.saturating_add(tested.magic_bytes);
        }
        let checked = tested.checks_held > 0 && tested.checks_broken == 0;
        if checked {
            reasons.push(match tested.checks_held {
                1 => "its check holds".to_owned(),
                checks => format!("its {checks} checks hold"),
            });
        }
        let evidence = [program, checked].into_iter().filter(|there| *there).count();
        let mut rank: u8 = match (magic_bytes, pattern.is_some(), evidence) {
            (STRONG.., ..) => 3,
            (_, true, _) => 2,
            (1.., _, 1..) => 2,
            (0, _, 0) => return Verdict::No,
            _ => 1,
        };
        if let Some(finding) = remarks.findings.first() {
            rank = rank.saturating_sub(1);
            reasons.push(format!("but {}", finding.message));
        }
        if pattern.is_none() && !self.keys.is_empty() {
            reasons.push("but its key is none of its own".to_owned());
        }
        match rank {
            3 => Verdict::Certain(reasons),
            2 => Verdict::Likely(reasons),
            1 => Verdict::Possible(reasons),
            _ => Verdict::No,
        }
    }

    /// What is recognised, in words.
    pub fn words(&self, kind: &Type) -> Vec<String> {
        let mut words: Vec<String> = self.keys.iter().map(|key| format!("key {key}")).collect();
        words.extend(self.magic.iter().map(|magic| format!("magic {magic}")));
        words.extend(self.program.iter().map(|program| format!("program {program}")));
        words.extend(has_magic(kind).then(|| "magic in its fields".to_owned()));
        words.extend(has_checks(kind).then(|| "checks".to_owned()));
        words
    }
}

/// Bytes of a magic; one of zeroes says nothing.
fn weight(bytes: &[u8]) -> u64 {
    if bytes.iter().all(|byte| *byte == 0) { 0 } else { bytes.len() as u64 }
}

fn has_magic(kind: &Type) -> bool {
    matches!(kind, Type::Struct(fields) if fields.fields.iter().any(|field| {
        field.expected.is_some() || field.when.is_none() && has_magic(&field.kind)
    }))
}

fn has_checks(kind: &Type) -> bool {
    matches!(kind, Type::Struct(fields) if !fields.checks.is_empty()
        || fields.fields.iter().any(|field| field.when.is_none() && has_checks(&field.kind)))
}

/// The file name of the program whose segment it is, or what of it the dump says.
fn program_of(subject: &Subject<'_>) -> Option<String> {
    let process = subject.target?.process();
    let executable = process.executable.as_ref()?;
    let name = executable.rsplit(|byte| *byte == b'/').next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}
