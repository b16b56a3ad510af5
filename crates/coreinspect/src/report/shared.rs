//! Which segments several dumps share: the part of the JSON that stands beside `dumps`.

use std::collections::HashMap;

use serde::Serialize;

use super::text::label;
use super::{Called, DiffRange, Dump, Hex, PathText, State, Text};
use crate::diff::Compared;
use crate::kind::Kind;

/// What several dumps share.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shared {
    /// How many dumps were looked at.
    #[serde(skip)]
    pub dumps: usize,
    /// The segments that more than one dump has, those with the most copies that differ first.
    pub shared: Vec<SharedSegment>,
    /// The dumps of which copies differ from what most have, the one with the most of them first.
    pub outliers: Vec<Outlier>,
}

/// A segment that several dumps have.
#[derive(Clone, Debug, Serialize)]
pub struct SharedSegment {
    /// Its key.
    pub key: Option<String>,
    /// Its name; null if it has none.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Its id, where a dump knows it.
    pub shmid: Option<i32>,
    /// "shmid" if all dumps know the id; "key" else: two IPC namespaces could use the key for two segments. "name": other kinds than
    /// System V, of which two mount namespaces could use the name for two files.
    pub matched_by: &'static str,
    /// How many dumps have it.
    pub dumps: usize,
    /// The index in `copies` of one of those that most dumps have, with which the others were compared; null if none was.
    pub reference: Option<usize>,
    /// How many copies differ from it.
    pub differing: usize,
    /// The copies, in the order of the dumps.
    pub copies: Vec<SharedCopy>,
}

/// What one dump has of a shared segment.
#[derive(Clone, Debug, Serialize)]
pub struct SharedCopy {
    /// The index of the dump.
    pub dump: usize,
    /// The dump's path.
    #[serde(flatten)]
    pub path: PathText,
    /// The process.
    pub pid: Option<u32>,
    /// Its command.
    #[serde(flatten, with = "super::text::command")]
    pub command: Option<Text>,
    /// The segment's number in the dump.
    pub segment: usize,
    /// Its id, if the dump knows it.
    pub shmid: Option<i32>,
    /// Where it is attached there, and with which rights.
    pub attachments: Vec<SharedAttachment>,
    /// Bytes that attachments cover.
    pub mapped: u64,
    /// Those of them that the dump holds.
    pub saved: u64,
    /// "whole", "partial", "absent" or "cut-off".
    pub state: State,
    /// Whether it is the same as the reference where both hold bytes; null if that is not known.
    pub same: Option<bool>,
    /// Bytes that were compared with the reference one by one; null if only digests of blocks were.
    pub compared: Option<u64>,
    /// Those of them that differ.
    pub different: Option<u64>,
    /// The first run of bytes that differ.
    pub first: Option<DiffRange>,
}

/// An attachment of a shared segment.
#[derive(Clone, Debug, Serialize)]
pub struct SharedAttachment {
    /// The address of offset 0.
    pub base: Option<Hex>,
    /// "rw-", "r--", ...: the rights of its mappings, joined by a comma where they differ; null where the dump does not say.
    pub permissions: Option<String>,
}

/// A dump whose copies differ from what most dumps have.
#[derive(Clone, Debug, Serialize)]
pub struct Outlier {
    /// The index of the dump.
    pub dump: usize,
    /// Its path.
    #[serde(flatten)]
    pub path: PathText,
    /// How many of its segments differ.
    pub differing: usize,
    /// Of how many that it shares with others.
    pub shared: usize,
}

/// Segments of dumps, as the dumps are read.
#[derive(Debug, Default)]
pub struct Gathered {
    dumps: usize,
    groups: Vec<SharedSegment>,
    by_mark: HashMap<Mark, Vec<usize>>,
    copies: usize,
}

/// A key, or a name.
type Mark = (Option<String>, Option<Vec<u8>>);

/// Copies that are gathered: a thousand dumps of a thousand segments; memory does not grow beyond them.
const MOST_COPIES: usize = 1_000_000;
/// Attachments of a copy that are told.
const MOST_ATTACHMENTS: usize = 8;

impl SharedSegment {
    /// What people call it. As hostile as the dump.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }
}

impl Gathered {
    /// Adds a dump: the next one.
    pub fn add(&mut self, dump: &Dump) {
        let index = self.dumps;
        self.dumps = self.dumps.saturating_add(1);
        for segment in &dump.segments {
            // The key of a private segment says nothing; its id does.
            let says = segment.private != Some(true) || segment.shmid.is_some();
            let told_by_name =
                segment.kind.is_some_and(|kind| kind != Kind::SystemV && kind.is_told_apart_by_name());
            let called = match (&segment.key, &segment.name) {
                (Some(key), _) if says => Called { key: Some(key.clone()), name: segment.name.clone() },
                (None, Some(name)) if told_by_name => Called { key: None, name: Some(name.clone()) },
                _ => continue,
            };
            if self.copies >= MOST_COPIES {
                continue;
            }
            self.copies = self.copies.saturating_add(1);
            let group = self.group(called, segment.shmid, segment.private == Some(true));
            if let Some(group) = self.groups.get_mut(group) {
                group.copies.push(SharedCopy::of(index, dump, segment));
            }
        }
    }

    /// The group of a key and an id; an id that a dump does not know is taken for that of the others.
    fn group(&mut self, called: Called, shmid: Option<i32>, private: bool) -> usize {
        let Called { key, name } = called;
        let mark = match &key {
            Some(key) => (Some(key.clone()), None),
            None => (None, name.as_ref().map(|name| name.bytes().to_vec())),
        };
        let groups = self.by_mark.entry(mark).or_default();
        let fits = |group: &&usize| {
            let known = self.groups.get(**group).and_then(|group| group.shmid);
            known == shmid || !private && (known.is_none() || shmid.is_none())
        };
        if let Some(found) = groups.iter().find(fits).copied() {
            if let Some(group) = self.groups.get_mut(found) {
                group.shmid = group.shmid.or(shmid);
            }
            return found;
        }
        let new = self.groups.len();
        groups.push(new);
        self.groups.push(SharedSegment {
            matched_by: if key.is_some() { "key" } else { "name" },
            key,
            name,
            shmid,
            dumps: 0,
            reference: None,
            differing: 0,
            copies: Vec::new(),
        });
        new
    }

    /// The segments that more than one dump has.
    pub fn shared(self) -> Shared {
        let mut shared = self.groups;
        for group in &mut shared {
            let mut dumps: Vec<_> = group.copies.iter().map(|copy| copy.dump).collect();
            dumps.dedup();
            group.dumps = dumps.len();
            if group.copies.iter().all(|copy| copy.shmid.is_some()) {
                group.matched_by = "shmid";
            }
        }
        shared.retain(|group| group.dumps > 1);
        Shared { dumps: self.dumps, shared, outliers: Vec::new() }
    }
}

impl Shared {
    /// Says which copies differ, now that they were compared, and sorts: outliers first.
    pub fn judge(&mut self) {
        let mut outliers = HashMap::<usize, Outlier>::new();
        for group in &mut self.shared {
            let differs = |copy: &&SharedCopy| copy.same == Some(false);
            group.differing = group.copies.iter().filter(differs).count();
            // Of two copies neither is the odd one.
            for copy in group.copies.iter().filter(|_| group.dumps > 2) {
                let outlier = outliers.entry(copy.dump).or_insert_with(|| Outlier {
                    dump: copy.dump,
                    path: copy.path.clone(),
                    differing: 0,
                    shared: 0,
                });
                outlier.shared = outlier.shared.saturating_add(1);
                outlier.differing = outlier.differing.saturating_add(usize::from(copy.same == Some(false)));
            }
        }
        self.shared.sort_by_key(|group| std::cmp::Reverse(group.differing));
        let mut outliers: Vec<_> = outliers.into_values().filter(|outlier| outlier.differing > 0).collect();
        outliers.sort_by_key(|outlier| (std::cmp::Reverse(outlier.differing), outlier.dump));
        self.outliers = outliers;
    }
}

impl SharedCopy {
    fn of(index: usize, dump: &Dump, segment: &super::Segment) -> Self {
        let attachments = segment.attachments.iter().take(MOST_ATTACHMENTS).map(|attachment| {
            let mut rights: Vec<_> =
                attachment.mappings.iter().filter_map(|mapping| mapping.permissions.clone()).collect();
            rights.sort();
            rights.dedup();
            SharedAttachment {
                base: attachment.base,
                permissions: (!rights.is_empty()).then(|| rights.join(",")),
            }
        });
        Self {
            dump: index,
            path: dump.path.clone(),
            pid: dump.process.pid,
            command: dump.process.command.clone(),
            segment: segment.number,
            shmid: segment.shmid,
            attachments: attachments.collect(),
            mapped: segment.mapped,
            saved: segment.saved,
            state: segment.state,
            same: None,
            compared: None,
            different: None,
            first: None,
        }
    }

    /// Says how it differs from the reference.
    pub fn differs(&mut self, compared: &Compared) {
        self.same = (compared.compared > 0).then_some(compared.different == 0);
        self.compared = Some(compared.compared);
        self.different = Some(compared.different);
        let first = compared.ranges.first();
        self.first = first.map(|range| DiffRange { start: range.start().get(), end: range.end().get() });
    }
}
