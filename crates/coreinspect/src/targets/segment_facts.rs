//! What was written down of segments while their process lived: the note of coreinspect's own cores, and a sidecar.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use shmcore::{Permissions, Pid, ShmId, Uid};

use super::{Facts, FileId};
use crate::kind::Kind;
use crate::machine::Machine;
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Interval};
use crate::proc_files::Device;
use crate::sidecar::{NOTE, Process, SIDECAR, Segment};

/// The words that a text of this kind has as `format`: a sidecar tells more beside the segments.
const FORMATS: [&str; 2] = [NOTE, SIDECAR];

/// Bytes of such a text at most: that of some 200,000 mappings.
const MOST: usize = 64 << 20;

/// What is known of segments, by the mappings that show them.
#[derive(Clone, Debug, Default)]
pub struct SegmentFacts {
    facts: Vec<(Kind, Facts)>,
    /// Sorted; which of `facts` each shows.
    mappings: Vec<(Interval<Address>, usize)>,
    /// Whose they are: the process's number in each of its PID namespaces.
    pids: Vec<u32>,
    /// Which bits of its pointers the kernel takes for the address.
    untag_mask: Option<u64>,
}

/// What is read of either.
#[derive(Deserialize)]
struct Text {
    format: String,
    segments: Vec<Segment>,
    process: Option<Process>,
    untag_mask: Option<String>,
}

impl SegmentFacts {
    /// Reads the JSON of a [`Note`](crate::sidecar::Note) or a [`Sidecar`](crate::sidecar::Sidecar).
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        if json.len() > MOST {
            return Err(format!("it has {} bytes, more than {MOST}", json.len()));
        }
        let text: Text = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if !FORMATS.contains(&text.format.as_str()) {
            return Err(format!("its format is not {}", FORMATS.join(" or ")));
        }
        let of_process = text.process.as_ref().and_then(|process| process.untag_mask.as_deref());
        let untag_mask = text.untag_mask.as_deref().or(of_process).and_then(address).map(Address::get);
        let mut this = Self { untag_mask, ..Self::default() };
        if let Some(owner) = text.process {
            this.pids = owner.namespace_pids;
            this.pids.push(owner.pid);
        }
        for segment in &text.segments {
            // What was not proven to be a segment has no number, and nothing is known of it.
            let Some((kind, facts)) = facts(segment) else { continue };
            let at = this.facts.len();
            let mappings = segment.mappings.iter().filter_map(|mapping| {
                Some((Interval::new(address(&mapping.start)?, address(&mapping.end)?)?, at))
            });
            this.mappings.extend(mappings);
            this.facts.push((kind, facts));
        }
        this.mappings.sort_unstable();
        Ok(this)
    }

    /// What is known of the segment that the mapping at `range` shows.
    pub fn of(&self, range: Interval<Address>) -> Option<(Kind, &Facts)> {
        let at = self.mappings.binary_search_by_key(&range, |(range, _)| *range).ok()?;
        let (kind, facts) = self.facts.get(self.mappings.get(at)?.1)?;
        Some((*kind, facts))
    }

    /// `tags` of pointers on `machine`, with those that were written down.
    pub fn pointer_tags(&self, machine: Machine, tags: PointerTags) -> PointerTags {
        self.untag_mask.map_or(tags, |mask| tags.unmasked(machine, mask))
    }

    /// Whether it is a sidecar of process `pid`, in whichever PID namespace.
    pub fn is_of(&self, pid: u32) -> bool {
        self.pids.contains(&pid)
    }

    /// Whether all of `range` lies in one mapping that it knows.
    pub fn shows(&self, range: Interval<Address>) -> bool {
        let behind = self.mappings.partition_point(|(known, _)| known.start() <= range.start());
        let known = behind.checked_sub(1).and_then(|at| self.mappings.get(at));
        known.is_some_and(|(known, _)| range.end() <= known.end())
    }
}

fn facts(segment: &Segment) -> Option<(Kind, Facts)> {
    let kind = match &segment.kind {
        None => Kind::SystemV,
        Some(word) => Kind::ALL.into_iter().find(|kind| kind.word() == word)?,
    };
    let file = segment.device.as_deref().and_then(device).zip(segment.inode);
    let file = file.map(|(device, inode)| FileId { device, inode }).filter(|_| kind != Kind::SystemV);
    if kind == Kind::SystemV && segment.shmid.is_none() || kind != Kind::SystemV && file.is_none() {
        return None;
    }
    let time = |seconds: Option<u64>| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds?));
    let perms = segment.perms.as_deref().and_then(|octal| u32::from_str_radix(octal, 8).ok());
    let facts = Facts {
        file,
        shmid: segment.shmid.map(ShmId::from_raw),
        size: segment.size,
        owner: segment.owner.map(Uid::from_raw),
        permissions: perms.map(Permissions::from_bits),
        attach_count: segment.nattch,
        creator_pid: segment.cpid.map(Pid::from_raw),
        last_pid: segment.lpid.map(Pid::from_raw),
        attached: time(segment.attached),
        detached: time(segment.detached),
        changed: time(segment.changed),
    };
    Some((kind, facts))
}

/// Major and minor number, as maps(5) has them.
fn device(text: &str) -> Option<Device> {
    let (major, minor) = text.split_once(':')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    Some(Device { major: number(major)?, minor: number(minor)? })
}

fn address(text: &str) -> Option<Address> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Address::new)
}
