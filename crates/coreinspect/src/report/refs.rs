//! The JSON of `refs`.

use std::cmp::Reverse;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use super::text::label;
use super::{Dump, Error, Hex, SCHEMA, Text};
use crate::debug_files::symbols::Symbol;
use crate::memory::{Dumped, Permissions};
use crate::position::{Address, Interval, Position};
use crate::refs::frames::Frame;
use crate::refs::{self, Cache, Kind, Places, References, To, Wanted, Whereto, WordReference};
use crate::shm::Segment;
use crate::targets::Target;

/// What points into segments of a dump.
#[derive(Clone, Debug, Serialize)]
pub struct Refs {
    /// The contract's name.
    pub schema: &'static str,
    /// The dump's path.
    #[serde(flatten, with = "super::text::dump")]
    pub dump: Option<Text>,
    /// The segments that were asked for.
    pub segments: Vec<Asked>,
    /// Every register, and the first words of each kind.
    pub references: Vec<Reference>,
    /// All words of memory.
    pub total: u64,
    /// All registers.
    pub registers: u64,
    /// All words, by what holds them.
    pub counts: Counts,
    /// All words, by the part of a segment that they point into; empty where each is listed.
    pub parts: Vec<Part>,
    /// The pointers that are stored in the segments.
    pub stored: Vec<Stored>,
    /// Bytes of memory that were searched.
    pub searched: u64,
    /// Bytes of memory that the dump tells of and lacks.
    pub not_searched: u64,
    /// Those of them that could be written to, or whose rights are not known: a pointer could have been there.
    pub not_searched_writable: u64,
    /// Runs of them, writable ones first, then the largest.
    pub unsearched: Vec<Unsearched>,
    /// Why the dump could not be searched.
    pub error: Option<Error>,
    /// Bytes of memory beyond those that the file can hold: it shows the same ones at many addresses, and they are not searched
    /// again.
    #[serde(skip)]
    pub repeated: u64,
}

/// A segment that was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Its number in the listing.
    pub number: usize,
    /// Its key.
    pub key: Option<String>,
    /// Its name; null if it has none.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// The places in it that were asked for; none where all of it was.
    pub places: Vec<AskedPlace>,
}

impl Asked {
    /// What people call it. As hostile as the dump.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }
}

/// A part of a segment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AskedPlace {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
}

/// Words by what holds them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// On stacks.
    pub stack: u64,
    /// In data of programs and libraries.
    pub data: u64,
    /// On heaps.
    pub heap: u64,
    /// In other mappings.
    pub mapping: u64,
    /// In segments.
    pub segment: u64,
}

/// A register or a word that points into a segment.
#[derive(Clone, Debug, Serialize)]
pub struct Reference {
    /// "register", "stack", "data", "heap", "mapping" or "segment".
    pub from: &'static str,
    /// The word's address; null for a register.
    pub at: Option<Hex>,
    /// The thread whose register or stack it is.
    pub thread: Option<u32>,
    /// The register.
    pub register: Option<&'static str>,
    /// "data": whether it is thread-local memory of the thread, or what the thread library keeps beside it.
    pub thread_local: bool,
    /// "stack": bytes above the thread's stack pointer, or above where a signal interrupted it; negative below; null where no thread
    /// is on this stack.
    pub depth: Option<i64>,
    /// "stack": whether it is above the stack pointer or in the red zone; what is below was left by functions that returned. Null
    /// where that cannot be told.
    pub live: Option<bool>,
    /// "stack": the number of the frame that holds it, 0 for the innermost; null where the stack could not be unwound so far.
    pub frame: Option<usize>,
    /// "stack": the function whose frame holds it.
    pub function: Option<String>,
    /// Its source file.
    pub file: Option<String>,
    /// The line that it was at.
    pub line: Option<u32>,
    /// "data": `symbol+offset`.
    pub symbol: Option<String>,
    /// The name of the mapping, or of the program whose data it is.
    #[serde(flatten, with = "super::text::mapping")]
    pub mapping: Option<Text>,
    /// The offset of the word in the mapped file.
    pub mapping_offset: Option<u64>,
    /// "heap": the block that holds it, by glibc's headers: a guess.
    pub block: Option<Block>,
    /// "segment": the number of the segment that holds it.
    pub holder: Option<usize>,
    /// "segment": the word's offset in it.
    pub holder_offset: Option<u64>,
    /// The address that it points at.
    pub to: Hex,
    /// The bits of the word that are no part of the address (AArch64 tags and signatures, x86 LAM); null for none.
    pub tag: Option<Hex>,
    /// The number of the segment.
    pub segment: usize,
    /// The segment's key.
    pub key: Option<String>,
    /// The offset in the segment.
    pub offset: u64,
}

/// A block of a heap.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Block {
    /// What malloc(3) returned.
    pub address: Hex,
    /// Bytes that the program may use.
    pub size: u64,
    /// Whether it was given back.
    pub free: bool,
    /// "tcache", "fastbin": the list that keeps it at hand, by glibc's own; null for any other block.
    pub cache: Option<&'static str>,
}

/// How many words point into a part of a segment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Part {
    /// The segment's number.
    pub segment: usize,
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// The words.
    pub words: u64,
}

/// The pointers that are stored in a segment.
#[derive(Clone, Debug, Serialize)]
pub struct Stored {
    /// The segment's number.
    pub segment: usize,
    /// How many lead into the segment itself.
    pub itself: u64,
    /// How many lead into another segment.
    pub other: u64,
    /// How many lead into memory of this process alone.
    pub private: u64,
    /// How many lead nowhere here, and into the segment for another process, which has it elsewhere: a guess.
    pub foreign: u64,
    /// Where that process has it.
    pub foreign_base: Option<Hex>,
    /// How many other bases fit these as well.
    pub other_bases: Option<u64>,
    /// How many lead nowhere: a guess.
    pub dangling: u64,
    /// The first of each kind.
    pub pointers: Vec<StoredPointer>,
}

/// A pointer that is stored in a segment.
#[derive(Clone, Debug, Serialize)]
pub struct StoredPointer {
    /// Its offset in the segment.
    pub offset: u64,
    /// Its address.
    pub at: Hex,
    /// The address that it holds.
    pub value: Hex,
    /// The bits of it that are no part of the address; null for none.
    pub tag: Option<Hex>,
    /// "itself", "segment", "private", "foreign" or "dangling".
    pub to: &'static str,
    /// "foreign": the offset in the segment that it means to the other process.
    pub meant: Option<u64>,
    /// The name of the mapping, or what kind of memory it leads to.
    #[serde(flatten, with = "super::text::mapping")]
    pub mapping: Option<Text>,
    /// "stack", "data", "heap", "mapping", "segment"; null where there is no memory.
    pub kind: Option<&'static str>,
    /// `symbol+offset` of a program or library.
    pub symbol: Option<String>,
}

/// Memory that the dump lacks.
#[derive(Clone, Debug, Serialize)]
pub struct Unsearched {
    /// The first address.
    pub start: Hex,
    /// The address after the last.
    pub end: Hex,
    /// "not-saved", "cut-off" or "not-readable".
    pub reason: &'static str,
    /// "rw-", "r--", ...; null where the dump does not say.
    pub permissions: Option<String>,
    /// The name of the mapping.
    #[serde(flatten, with = "super::text::mapping")]
    pub mapping: Option<Text>,
}

/// What names addresses that the dump itself does not name.
#[derive(Clone, Copy)]
pub struct Names<'n> {
    /// The symbol at an address.
    pub symbol: &'n dyn Fn(Address) -> Option<Symbol>,
    /// The frame that holds an address of a thread's stack, by the thread's index.
    pub frame: &'n dyn Fn(usize, Address) -> Option<Frame>,
}

/// Runs of missing memory that are told; the sum has all.
const MOST_UNSEARCHED: usize = 100;

impl Refs {
    /// The report of a dump in which there is nothing to point into.
    pub fn empty(path: &str) -> Self {
        Self {
            schema: SCHEMA,
            dump: Some(Text::new(path)),
            segments: Vec::new(),
            references: Vec::new(),
            total: 0,
            registers: 0,
            counts: Counts::default(),
            parts: Vec::new(),
            stored: Vec::new(),
            searched: 0,
            not_searched: 0,
            not_searched_writable: 0,
            unsearched: Vec::new(),
            error: None,
            repeated: 0,
        }
    }

    /// The report of a dump that could not be searched.
    pub fn failed(path: &str, error: Error) -> Self {
        Self { error: Some(error), ..Self::empty(path) }
    }

    /// The report of what was found in `target`, the dump of which is `dump`.
    pub fn of(
        dump: &Dump,
        wanted: &[Wanted],
        target: &dyn Target,
        segments: &[Segment],
        (places, found, stored): (&Places<'_>, &References, &[refs::Stored]),
        names: Names<'_>,
    ) -> Self {
        let naming = Naming { dump, target, segments, places, names };
        let registers = found.registers.iter().map(|one| Reference {
            thread: target.threads().get(one.thread).and_then(|thread| thread.id),
            register: Some(one.register),
            ..naming.reference("register", one.to)
        });
        let words = found.words.iter().map(|word| naming.word(word));
        let count = |kind| found.counts.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count);
        let listed = found.words.len() as u64 == found.total();
        let (not_searched, not_searched_writable, unsearched) = unsearched(target, places);
        Self {
            segments: wanted.iter().map(|one| naming.asked(one)).collect(),
            references: registers.chain(words).collect(),
            total: found.total(),
            registers: found.registers.len() as u64,
            counts: Counts {
                stack: count(Kind::Stack),
                data: count(Kind::Data),
                heap: count(Kind::Heap),
                mapping: count(Kind::Mapping),
                segment: count(Kind::Segment),
            },
            parts: found
                .parts
                .iter()
                .filter(|_| !listed)
                .map(|part| Part {
                    segment: number(part.segment),
                    start: part.offsets.start().get(),
                    end: part.offsets.end().get(),
                    words: part.words,
                })
                .collect(),
            stored: stored.iter().map(|one| naming.stored(one)).collect(),
            searched: found.searched,
            not_searched: not_searched.saturating_add(found.beyond),
            not_searched_writable,
            unsearched,
            repeated: found.beyond,
            ..Self::empty(&dump.path.path)
        }
    }
}

/// The number of the segment with this index in the listing.
fn number(index: usize) -> usize {
    index.saturating_add(1)
}

/// What a reference is told with.
struct Naming<'n> {
    dump: &'n Dump,
    target: &'n dyn Target,
    segments: &'n [Segment],
    places: &'n Places<'n>,
    names: Names<'n>,
}

impl Naming<'_> {
    fn key(&self, index: usize) -> Option<String> {
        self.dump.segments.iter().find(|segment| segment.number == number(index))?.key.clone()
    }

    fn asked(&self, wanted: &Wanted) -> Asked {
        let places = wanted.parts.iter();
        let places = places.map(|part| AskedPlace { start: part.start().get(), end: part.end().get() });
        let name = self.segments.get(wanted.index).and_then(|segment| segment.name.as_deref().map(Text::new));
        Asked { number: number(wanted.index), key: self.key(wanted.index), name, places: places.collect() }
    }

    fn reference(&self, from: &'static str, to: To) -> Reference {
        Reference {
            from,
            at: None,
            thread: None,
            register: None,
            thread_local: false,
            depth: None,
            live: None,
            frame: None,
            function: None,
            file: None,
            line: None,
            symbol: None,
            mapping: None,
            mapping_offset: None,
            block: None,
            holder: None,
            holder_offset: None,
            to: to.address.into(),
            tag: super::pointer::tag(to.tag),
            segment: number(to.segment),
            key: self.key(to.segment),
            offset: to.offset.get(),
        }
    }

    fn id(&self, thread: usize) -> Option<u32> {
        self.target.threads().get(thread).and_then(|thread| thread.id)
    }

    fn word(&self, word: &WordReference) -> Reference {
        let mut told = Reference { at: Some(word.at.into()), ..self.reference(word.kind.name(), word.to) };
        let Some(place) = self.places.get(word.place) else { return told };
        told.mapping = place.name.map(Text::new);
        let behind = word.at.offset_from(place.range.start());
        told.mapping_offset =
            place.offset.zip(behind).and_then(|(offset, behind)| offset.checked_add(behind));
        match word.kind {
            Kind::Stack => {
                let Some(on) = self.places.on_stack(place, word.at) else { return told };
                told.thread = self.id(on.thread);
                told.depth = on.depth;
                told.live = on.live;
                let used = Some(on.thread).filter(|_| on.live == Some(true));
                if let Some(frame) = used.and_then(|index| (self.names.frame)(index, word.at)) {
                    told.frame = frame.number;
                    told.function = frame.function;
                    told.file = frame.file;
                    told.line = frame.line;
                }
            }
            Kind::Data if place.thread_local.is_some() => {
                told.thread = place.thread_local.and_then(|index| self.id(index));
                told.thread_local = true;
            }
            Kind::Data => {
                if let Some(symbol) = (self.names.symbol)(word.at) {
                    told.symbol = Some(symbol.to_string());
                    told.mapping =
                        told.mapping.or_else(|| Some(Text::new(symbol.file.as_os_str().as_bytes())));
                }
            }
            Kind::Heap => {
                told.block = word.block.map(|block| Block {
                    address: block.address.into(),
                    size: block.size,
                    free: block.free,
                    cache: block.cache.map(Cache::name),
                });
            }
            Kind::Segment => {
                let holder = holder(self.segments, word.at);
                told.holder = holder.map(|(index, _)| number(index));
                told.holder_offset = holder.map(|(_, offset)| offset);
            }
            Kind::Mapping => {}
        }
        told
    }

    fn stored(&self, stored: &refs::Stored) -> Stored {
        let count = |to| stored.counts.iter().find(|(of, _)| *of == to).map_or(0, |(_, count)| *count);
        let meant = |pointer: &refs::StoredPointer| {
            let foreign = stored.foreign.filter(|_| pointer.to == Whereto::Foreign)?;
            foreign.offset(pointer.value).map(Position::get)
        };
        let pointers = stored.pointers.iter().map(|pointer| {
            let place = self.places.at(pointer.value);
            let symbol = place.filter(|place| place.kind == Kind::Data);
            let symbol = symbol.and_then(|_| (self.names.symbol)(pointer.value));
            StoredPointer {
                offset: pointer.offset.get(),
                at: pointer.at.into(),
                value: pointer.value.into(),
                tag: super::pointer::tag(pointer.tag),
                to: pointer.to.name(),
                meant: meant(pointer),
                mapping: place.and_then(|place| place.name).map(Text::new),
                kind: place.map(|place| place.kind.name()),
                symbol: symbol.map(|symbol| symbol.to_string()),
            }
        });
        Stored {
            segment: number(stored.segment),
            itself: count(Whereto::Itself),
            other: count(Whereto::OtherSegment),
            private: count(Whereto::Private),
            foreign: count(Whereto::Foreign),
            foreign_base: stored.foreign.map(|foreign| foreign.base.into()),
            other_bases: stored.foreign.map(|foreign| foreign.other_bases),
            dangling: count(Whereto::Dangling),
            pointers: pointers.collect(),
        }
    }
}

/// The index of the segment that has `address`, and the offset in it.
fn holder(segments: &[Segment], address: Address) -> Option<(usize, u64)> {
    let all = segments.iter().enumerate().flat_map(|(index, segment)| {
        let mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
        mappings.map(move |mapping| (index, mapping))
    });
    let (index, mapping) = all.into_iter().find(|(_, mapping)| mapping.range.contains(address))?;
    let inside = address.offset_from(mapping.range.start())?;
    Some((index, mapping.offset.checked_add(inside)?.get()))
}

/// How many bytes the dump lacks, how many of them could be written to, and the runs that matter most.
fn unsearched(target: &dyn Target, places: &Places<'_>) -> (u64, u64, Vec<Unsearched>) {
    let runs = places.unsaved(target).into_iter();
    let mut runs: Vec<_> = runs.map(|(range, index)| (range, index, target.permissions(range))).collect();
    let writable = |rights: Option<Permissions>| rights.is_none_or(|rights| rights.write);
    let sum = |sum: u64, (range, ..): &(Interval<Address>, usize, Option<Permissions>)| {
        sum.saturating_add(range.length())
    };
    let total = runs.iter().fold(0, sum);
    let of_writable = runs.iter().filter(|(.., rights)| writable(*rights)).fold(0, sum);
    runs.sort_by_key(|(range, _, rights)| (!writable(*rights), Reverse(range.length())));
    runs.truncate(MOST_UNSEARCHED);
    let told = runs.into_iter().map(|(range, index, rights)| {
        let first = target.memory(Interval::clamped(range.start(), 1));
        let reason = first.first().and_then(|extent| extent.dumped.reason());
        Unsearched {
            start: range.start().into(),
            end: range.end().into(),
            reason: reason.or(Dumped::NotSaved.reason()).unwrap_or_default(),
            permissions: rights.map(|rights| rights.to_string()),
            mapping: places.get(index).and_then(|place| place.name).map(Text::new),
        }
    });
    (total, of_writable, told.collect())
}
