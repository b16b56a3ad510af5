//! Which copy of a segment is the newer one, and what says so.
//!
//! Nothing in shared memory says when it was written. What can be asked is when the copy was taken, what the kernel said of
//! the segment then, and numbers in it that only grow.

use std::time::SystemTime;

use super::fields::FieldDifference;
use crate::targets::Facts;
use crate::types::value::{Kind, NumberStyle, Value};

/// A copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// The first.
    Left,
    /// The second.
    Right,
}

impl Copy {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// Something that says which copy is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// A stable word: "alive", "shm-times", "dump-time", "file-time", "timestamp", "counter", "mailbox".
    pub kind: &'static str,
    /// The newer copy, by this evidence.
    pub newer: Copy,
    /// Whether it could be wrong: a name is taken for what it says, a file's time for that of the dump.
    pub heuristic: bool,
    /// What it is, in words.
    pub text: String,
}

/// When a copy was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// While this program ran: it is the living segment.
    Now,
    /// At this time, as whoever took it wrote down.
    At(SystemTime),
    /// The file was last written at this time, which a copy of the file would have changed.
    FileFrom(SystemTime),
    /// Nothing says when.
    Unknown,
}

/// The newer copy; `None` if nothing says so, or if the evidence disagrees. What is no heuristic outweighs what is one, and the
/// time of a file, which every copy of the file changes, counts only where nothing else says anything.
pub(crate) fn judge(evidence: &[Evidence]) -> Option<Copy> {
    let weight = |one: &Evidence| match (one.heuristic, one.kind) {
        (false, _) => 2,
        (true, kind) => u8::from(kind != FILE_TIME),
    };
    let heaviest = evidence.iter().map(weight).max()?;
    let mut copies = evidence.iter().filter(|one| weight(one) == heaviest).map(|one| one.newer);
    let first = copies.next()?;
    copies.all(|copy| copy == first).then_some(first)
}

const FILE_TIME: &str = "file-time";

/// What the times at which the copies were taken say.
pub(crate) fn of_times(left: Taken, right: Taken) -> Option<Evidence> {
    let evidence =
        |kind, newer, heuristic, text: &str| Some(Evidence { kind, newer, heuristic, text: text.to_owned() });
    let later = |one: SystemTime, other: SystemTime| match one.cmp(&other) {
        std::cmp::Ordering::Less => Some(Copy::Right),
        std::cmp::Ordering::Greater => Some(Copy::Left),
        std::cmp::Ordering::Equal => None,
    };
    match (left, right) {
        (Taken::Now, Taken::Now) => None,
        (_, Taken::Now) => evidence("alive", Copy::Right, false, "it is alive, and was read just now"),
        (Taken::Now, _) => evidence("alive", Copy::Left, false, "it is alive, and was read just now"),
        (Taken::At(one), Taken::At(other)) => {
            let text = "it was dumped later (user.coredump.timestamp)";
            evidence("dump-time", later(one, other)?, false, text)
        }
        (Taken::FileFrom(one) | Taken::At(one), Taken::FileFrom(other) | Taken::At(other)) => {
            let text = "its file was last written later, if that is when it was dumped";
            evidence(FILE_TIME, later(one, other)?, true, text)
        }
        _ => None,
    }
}

/// What the kernel's times say: the last of shmat, shmdt and shmctl that each copy knows of.
pub(crate) fn of_facts(left: Option<&Facts>, right: Option<&Facts>) -> Option<Evidence> {
    let last = |facts: &Facts| [facts.attached, facts.detached, facts.changed].into_iter().flatten().max();
    let (one, other) = (last(left?)?, last(right?)?);
    let newer = match one.cmp(&other) {
        std::cmp::Ordering::Less => Copy::Right,
        std::cmp::Ordering::Greater => Copy::Left,
        std::cmp::Ordering::Equal => return None,
    };
    let text = "the kernel had seen a later shmat, shmdt or shmctl of it".to_owned();
    Some(Evidence { kind: "shm-times", newer, heuristic: false, text })
}

/// Fields that are told as evidence of one kind; the others say the same.
const MOST_OF_A_KIND: usize = 3;

/// What the fields that differ say: times that are later, counters that are higher, a mailbox that went from ready to read.
pub(crate) fn of_fields(fields: &[FieldDifference]) -> Vec<Evidence> {
    let mut evidence = Vec::<Evidence>::new();
    for field in fields {
        let (Some(left), Some(right)) = (&field.left, &field.right) else { continue };
        let Some(found) = of_field(&field.path, left, right) else { continue };
        let same = evidence.iter().filter(|one| one.kind == found.kind && one.newer == found.newer);
        if same.count() < MOST_OF_A_KIND {
            evidence.push(found);
        }
    }
    // Only of one message is it known that its flag goes from ready to read.
    if !fields.iter().any(|field| field.path == "message") {
        evidence.extend(of_mailbox(fields));
    }
    evidence
}

fn of_field(path: &str, left: &Value, right: &Value) -> Option<Evidence> {
    let evidence = |kind, newer, text| Some(Evidence { kind, newer, heuristic: true, text });
    match (&left.kind, &right.kind) {
        (Kind::Number(one, NumberStyle::Time(_)), Kind::Number(other, NumberStyle::Time(_))) => {
            let newer = greater(*one, *other)?;
            evidence("timestamp", newer, format!("its {path} is later"))
        }
        (Kind::Number(one, _), Kind::Number(other, _)) if counts(path) => {
            let newer = greater(*one, *other)?;
            evidence(
                "counter",
                newer,
                format!("its {path} is higher ({one}, {other}), if that only counts up"),
            )
        }
        _ => None,
    }
}

/// The copy with the greater number.
fn greater(one: i128, other: i128) -> Option<Copy> {
    match one.cmp(&other) {
        std::cmp::Ordering::Less => Some(Copy::Right),
        std::cmp::Ordering::Greater => Some(Copy::Left),
        std::cmp::Ordering::Equal => None,
    }
}

/// Words in the names of fields that only grow.
const GROWING: &[&str] = &[
    "counter",
    "epoch",
    "generation",
    "heartbeat",
    "heartbeats",
    "seq",
    "seqno",
    "sequence",
    "serial",
    "tick",
    "ticks",
    "updates",
    "writes",
];

/// Whether the last name of `path` is that of a counter, as far as names tell: `head.seq`, `writeSeq`, `update_counter`.
fn counts(path: &str) -> bool {
    let name =
        path.rsplit('.').next().unwrap_or(path).trim_end_matches(|c: char| c == ']' || c.is_ascii_digit());
    let name = name.trim_end_matches('[');
    let mut words = Vec::<String>::new();
    let mut before_upper = true;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if c.is_uppercase() && !before_upper || words.is_empty() {
            words.push(String::new());
        }
        before_upper = c.is_uppercase();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.iter().any(|word| GROWING.contains(&word.as_str()))
}

/// Writer sets the flag to ready, reader to read (shmcore's mailbox): of one message, read is later.
fn of_mailbox(fields: &[FieldDifference]) -> Option<Evidence> {
    let flag = fields.iter().find(|field| field.path == "flag")?;
    let name = |value: &Option<Value>| match value.as_ref().map(|value| &value.kind) {
        Some(Kind::Named(_, Some(name))) => Some(name.to_string()),
        _ => None,
    };
    let newer = match (name(&flag.left)?.as_str(), name(&flag.right)?.as_str()) {
        ("ready", "read") => Copy::Right,
        ("read", "ready") => Copy::Left,
        _ => return None,
    };
    let text = "the same message is marked as read, which follows ready".to_owned();
    Some(Evidence { kind: "mailbox", newer, heuristic: true, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_counters() {
        for name in
            ["seq", "head.seq", "writeSeq", "update_counter", "ring[3].sequence", "Generation", "seq[2]"]
        {
            assert!(counts(name), "{name}");
        }
        for name in ["seqq", "consequence", "count", "id", "seq.value", "sequenced", ""] {
            assert!(!counts(name), "{name}");
        }
    }

    #[test]
    fn what_is_known_outweighs_what_is_guessed() {
        let evidence = |newer, heuristic| Evidence { kind: "counter", newer, heuristic, text: String::new() };
        let (left, right) = (Copy::Left, Copy::Right);
        assert_eq!(judge(&[]), None);
        assert_eq!(judge(&[evidence(left, true)]), Some(left));
        assert_eq!(judge(&[evidence(left, true), evidence(right, true)]), None);
        assert_eq!(judge(&[evidence(left, true), evidence(right, false)]), Some(right));
        assert_eq!(judge(&[evidence(left, false), evidence(right, false), evidence(left, true)]), None);
        let file = Evidence { kind: "file-time", ..evidence(left, true) };
        assert_eq!(judge(std::slice::from_ref(&file)), Some(left));
        assert_eq!(judge(&[file, evidence(right, true)]), Some(right));
    }
}
