//! What was written down of segments while their process lived: the note of coreinspect's own cores, and a sidecar.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use shmcore::{Permissions, Pid, ShmId, Uid};

use super::Facts;
use crate::position::{Address, Interval};

/// The word that a text of this kind has as `format`.
const FORMAT: &str = "coreinspect-segments/1";

/// Bytes of such a text at most: that of some 50,000 mappings.
const MOST: usize = 16 << 20;

/// What is known of segments, by the mappings that show them.
#[derive(Clone, Debug, Default)]
pub struct SegmentFacts {
    facts: Vec<Facts>,
    /// Sorted; which of `facts` each shows.
    mappings: Vec<(Interval<Address>, usize)>,
}

#[derive(Deserialize)]
struct Text {
    format: String,
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    shmid: Option<i32>,
    size: Option<u64>,
    owner: Option<u32>,
    perms: Option<String>,
    nattch: Option<u64>,
    cpid: Option<i32>,
    lpid: Option<i32>,
    attached: Option<u64>,
    detached: Option<u64>,
    changed: Option<u64>,
    mappings: Vec<Mapping>,
}

#[derive(Deserialize)]
struct Mapping {
    start: String,
    end: String,
}

impl SegmentFacts {
    /// Reads the JSON `{"format": "coreinspect-segments/1", "segments": [...]}` that
    /// [`core_writer`](crate::core_writer) writes.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        if json.len() > MOST {
            return Err(format!("it has {} bytes, more than {MOST}", json.len()));
        }
        let text: Text = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if text.format != FORMAT {
            return Err(format!("its format is not {FORMAT}"));
        }
        let mut this = Self::default();
        for segment in &text.segments {
            // What was not proven to be a segment has no number, and nothing is known of it.
            let Some(facts) = facts(segment) else { continue };
            let at = this.facts.len();
            let mappings = segment.mappings.iter().filter_map(|mapping| {
                Some((Interval::new(address(&mapping.start)?, address(&mapping.end)?)?, at))
            });
            this.mappings.extend(mappings);
            this.facts.push(facts);
        }
        this.mappings.sort_unstable();
        Ok(this)
    }

    /// What is known of the segment that the mapping at `range` shows.
    pub fn of(&self, range: Interval<Address>) -> Option<&Facts> {
        let at = self.mappings.binary_search_by_key(&range, |(range, _)| *range).ok()?;
        self.facts.get(self.mappings.get(at)?.1)
    }

    /// The mappings that it knows.
    pub fn mappings(&self) -> impl Iterator<Item = Interval<Address>> + '_ {
        self.mappings.iter().map(|(range, _)| *range)
    }
}

fn facts(segment: &Segment) -> Option<Facts> {
    let time = |seconds: Option<u64>| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds?));
    let perms = segment.perms.as_deref().and_then(|octal| u32::from_str_radix(octal, 8).ok());
    Some(Facts {
        shmid: Some(ShmId::from_raw(segment.shmid?)),
        size: segment.size,
        owner: segment.owner.map(Uid::from_raw),
        permissions: perms.map(Permissions::from_bits),
        attach_count: segment.nattch,
        creator_pid: segment.cpid.map(Pid::from_raw),
        last_pid: segment.lpid.map(Pid::from_raw),
        attached: time(segment.attached),
        detached: time(segment.detached),
        changed: time(segment.changed),
    })
}

fn address(text: &str) -> Option<Address> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Address::new)
}
