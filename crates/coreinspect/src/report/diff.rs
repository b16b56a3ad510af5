//! The JSON of `diff`.

use serde::{Serialize, Serializer};

use super::text::label;
use super::{SCHEMA, Text, Value};
use crate::diff::newer::{Copy, Evidence, judge};
use crate::diff::{Compared, Differing, FieldDifference, MatchedBy};
use crate::layout::Confidence;
use crate::shm::Segment;
use crate::types::value;

/// How two places differ.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The contract's name.
    pub schema: &'static str,
    /// The path of the left dump.
    pub left: String,
    /// The path of the right dump or file; "live" for the segments of this kernel.
    pub right: String,
    /// What the right one is: "dump", "live" or "raw".
    pub right_kind: &'static str,
    /// The segments, by their number on the left, then those that only the right one has.
    pub segments: Vec<DiffSegment>,
}

/// A segment in two places, or in one.
#[derive(Clone, Debug, Serialize)]
pub struct DiffSegment {
    /// Its key; null if it has none.
    pub key: Option<String>,
    /// Its name; null if it has none.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Its number in the left dump; null if it is not there.
    pub left: Option<usize>,
    /// Its number in the right dump; null if it is not there, or no dump.
    pub right: Option<usize>,
    /// "left" or "right" for a segment that the other does not have; null for one in both.
    pub only_in: Option<&'static str>,
    /// What says that both are the same segment: "key", "shmid", "process", "pair".
    pub matched_by: Option<&'static str>,
    /// Bytes that were compared: those that both hold.
    pub compared: u64,
    /// Those of them that differ.
    pub different: u64,
    /// Bytes that one has mapped and that were not compared.
    pub not_compared: u64,
    /// Runs of bytes that differ, by offset.
    pub ranges: Vec<DiffRange>,
    /// Runs beyond those that are listed.
    pub more_ranges: u64,
    /// Fields that differ, in the order in which they stand.
    pub fields: Vec<DiffField>,
    /// Fields beyond those that are listed.
    pub more_fields: u64,
    /// The layout by which both were decoded; null if none fits.
    pub layout: Option<String>,
    /// How sure it is.
    pub confidence: Option<Confidence>,
    /// Why the fields are not told.
    pub problem: Option<String>,
    /// What was not compared.
    pub not_compared_ranges: Vec<DiffMissing>,
    /// "left" or "right": the newer copy, as far as something says so.
    pub newer: Option<&'static str>,
    /// What says so.
    pub evidence: Vec<DiffEvidence>,
    /// How the living segment was read.
    pub read: Option<String>,
}

/// A run of bytes that differ.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DiffRange {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
}

/// A field that differs.
#[derive(Clone, Debug, Serialize)]
pub struct DiffField {
    /// `head.items[3].name`; empty for a value without parts.
    pub path: String,
    /// Its offset, in the left copy if that has it.
    pub start: u64,
    /// The offset after its last byte.
    pub end: u64,
    /// What the left copy says; null if it has no such field.
    #[serde(serialize_with = "tree")]
    pub left: Option<value::Value>,
    /// What the right copy says; null if it has no such field.
    #[serde(serialize_with = "tree")]
    pub right: Option<value::Value>,
}

fn tree<S: Serializer>(value: &Option<value::Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.clone().map(Value).serialize(serializer)
}

/// A run that was not compared.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DiffMissing {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// Why the left copy lacks it; null if it has the bytes.
    pub left: Option<&'static str>,
    /// Why the right copy lacks it; null if it has the bytes.
    pub right: Option<&'static str>,
}

/// Something that says which copy is newer.
#[derive(Clone, Debug, Serialize)]
pub struct DiffEvidence {
    /// A stable word.
    pub kind: &'static str,
    /// "left" or "right".
    pub newer: &'static str,
    /// Whether it could be wrong.
    pub heuristic: bool,
    /// What it is.
    pub text: String,
}

impl Diff {
    /// A comparison that has found nothing yet.
    pub fn new(left: &str, right: &str, right_kind: &'static str) -> Self {
        Self {
            schema: SCHEMA,
            left: left.to_owned(),
            right: right.to_owned(),
            right_kind,
            segments: Vec::new(),
        }
    }

    /// Whether something differs: bytes, what they mean, or which segments there are.
    pub fn differs(&self) -> bool {
        self.segments.iter().any(|segment| segment.differs() || segment.only_in.is_some())
    }

    /// Bytes that were compared.
    pub fn compared(&self) -> u64 {
        self.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.compared))
    }
}

/// What a segment is called in the contract.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// Its key.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<Text>,
}

impl Called {
    /// The same, or what `other` has in its place.
    pub fn or(self, other: Self) -> Self {
        Self { key: self.key.or(other.key), name: self.name.or(other.name) }
    }

    /// Key and name of `segment`.
    pub fn of(segment: &Segment) -> Self {
        Self { key: segment.key.map(|key| key.to_string()), name: segment.name.as_deref().map(Text::new) }
    }
}

impl DiffSegment {
    /// What people call it. As hostile as the dump.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }

    /// Whether bytes differ, or what the same bytes mean to either side.
    pub fn differs(&self) -> bool {
        self.different > 0 || !self.fields.is_empty()
    }

    /// A segment that is in one place alone.
    pub fn alone(segment: &Segment, number: usize, side: Copy) -> Self {
        let called = Called::of(segment);
        let mut this = Self::of(called, None, None, None, &Compared::default(), Differing::default(), &[]);
        match side {
            Copy::Left => this.left = Some(number),
            Copy::Right => this.right = Some(number),
        }
        this.only_in = Some(side.name());
        this
    }

    /// A segment in two places.
    pub fn of(
        called: Called,
        left: Option<usize>,
        right: Option<usize>,
        by: Option<MatchedBy>,
        compared: &Compared,
        differing: Differing,
        evidence: &[Evidence],
    ) -> Self {
        let not_compared = compared.not_compared.iter().map(|run| run.offsets.length());
        let (layout, confidence) =
            differing.described.map(|described| (described.layout, described.confidence)).unzip();
        let ranges = compared.ranges.iter();
        Self {
            key: called.key,
            name: called.name,
            left,
            right,
            only_in: None,
            matched_by: by.map(MatchedBy::name),
            compared: compared.compared,
            different: compared.different,
            not_compared: not_compared.fold(0, u64::saturating_add),
            ranges: ranges
                .map(|range| DiffRange { start: range.start().get(), end: range.end().get() })
                .collect(),
            more_ranges: compared.more_ranges,
            fields: differing.fields.into_iter().map(DiffField::from).collect(),
            more_fields: differing.more,
            layout,
            confidence,
            problem: differing.problem,
            not_compared_ranges: compared
                .not_compared
                .iter()
                .map(|run| DiffMissing {
                    start: run.offsets.start().get(),
                    end: run.offsets.end().get(),
                    left: run.left,
                    right: run.right,
                })
                .collect(),
            newer: judge(evidence).map(Copy::name),
            evidence: evidence.iter().map(DiffEvidence::from).collect(),
            read: None,
        }
    }
}

impl From<FieldDifference> for DiffField {
    fn from(field: FieldDifference) -> Self {
        let offsets = field.left.as_ref().or(field.right.as_ref()).map(|value| value.offsets);
        Self {
            path: field.path,
            start: offsets.map_or(0, |offsets| offsets.start().get()),
            end: offsets.map_or(0, |offsets| offsets.end().get()),
            left: field.left,
            right: field.right,
        }
    }
}

impl From<&Evidence> for DiffEvidence {
    fn from(evidence: &Evidence) -> Self {
        Self {
            kind: evidence.kind,
            newer: evidence.newer.name(),
            heuristic: evidence.heuristic,
            text: evidence.text.clone(),
        }
    }
}
