//! Segments whose name the dump lacks, found by what their memory looks like. That is a heuristic, and is called one.
//!
//! The names stand in NT_FILE. Some dumps have none (qemu-user, Delve, a kernel core of 65,536 mappings), and gcore leaves
//! out that of a mapping whose inode is 0: the segment with shmid 0, the first of an IPC namespace and so of a container.
//! What is left is memory without a name. `private` takes away what is the process's own for certain, `evidence` weighs
//! the rest. A key is never guessed.
//!
//! What speaks for an attach: the signature of a layout; rights that private memory hardly has; of read-only memory only the
//! first page, which is what the kernel keeps of a SHM_RDONLY attach; a border to memory of the same rights, where mmap(2)
//! would have joined private memory; pages of zeroes that the kernel wrote out, where it leaves holes for private memory;
//! SHMLBA; no word that points elsewhere in the process; the same bytes attached again, or in a sister that has names.

mod evidence;
mod landscape;
mod merged;
mod private;
mod sister;
mod twin;

pub(crate) use sister::Sister;

use std::cmp::Reverse;

use crate::error::Warning;
use crate::layout::Layout;
use crate::position::{Address, Interval};
use crate::shm::{Attachment, Segment, SharedMemory};
use crate::targets::Target;
use crate::types::Budget;
use crate::writer::{Bar, Names, Runs};
use evidence::Evidence;
use landscape::{Landscape, Piece};
use twin::Fingerprint;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Every attach has its name.
    Nowhere,
    /// What a layout's magic proves.
    Certain,
    /// What much speaks for: it was not asked for.
    Sure,
    /// What more speaks for than against.
    All,
}

/// Candidates that are compared with each other.
const MOST_CANDIDATES: usize = 128;
/// Candidates that are shown.
const MOST_SHOWN: usize = 16;
/// Pieces that are weighed: a hostile dump has millions, a kernel core without names 65,536.
const MOST_PIECES: usize = 1 << 18;
/// Bytes that are read of all pieces and of all sisters: so often as much as the dump has, and this much more. Each byte of
/// an honest one stands at one address, is weighed once, and compared with what is as long.
const READ: (u64, u64) = (4, 1 << 20);
/// Bytes that are read at most.
const MOST_READ: u64 = 256 << 20;

impl Reach {
    /// How far `target` must be looked through, and why that is so.
    fn of(target: &dyn Target, memory: &SharedMemory, asked: bool) -> Self {
        // The kernel names every attach of a process that runs, and the maps stream of a minidump is its word.
        if target.identity().kind != "elf-core" || target.regions().is_empty() {
            return Self::Nowhere;
        }
        let names_are_whole = target.mappings().is_some()
            && !target.warnings().iter().any(|warning| ["nt-file", "no-nt-file"].contains(&warning.code));
        match target.identity().habits().names {
            _ if !names_are_whole => {
                if asked {
                    Self::All
                } else {
                    Self::Sure
                }
            }
            Names::All => Self::Nowhere,
            _ if asked => Self::All,
            Names::None => Self::Sure,
            Names::AllOrNone if memory.segments.is_empty() => Self::Sure,
            _ => Self::Certain,
        }
    }

    fn admits(self, evidence: &Evidence, bar: Bar) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Certain => evidence.certain,
            Self::Sure => evidence.weight >= bar.sure,
            Self::All => evidence.weight >= bar.asked,
        }
    }
}

/// Adds to `memory` the segments of `target` that have no name; `asked` is whether they are looked for, or only what is
/// worth telling anyway is told.
pub(crate) fn add<'l>(
    target: &dyn Target,
    memory: &mut SharedMemory,
    layouts: impl Iterator<Item = &'l dyn Layout> + Clone,
    sisters: &[&Sister],
    asked: bool,
) {
    let reach = Reach::of(target, memory, asked);
    if reach == Reach::Nowhere {
        if asked && !target.regions().is_empty() {
            memory.warnings.push(Warning::new(
                "unnamed",
                "no segment lacks a name: this dump names every attach".to_owned(),
            ));
        }
        return;
    }
    if reach == Reach::Certain && sisters.is_empty() && !landscape::may_prove(target, layouts.clone()) {
        return;
    }
    let landscape = Landscape::of(target);
    let mut candidates = Vec::<Candidate>::new();
    let size = target.identity().file_size.unwrap_or(MOST_READ);
    let budget = Budget::at_most(size.saturating_mul(READ.0).saturating_add(READ.1).min(MOST_READ));
    let mut pieces = landscape.pieces();
    if landscape.merges() && reach > Reach::Certain {
        pieces = merged::parts(&landscape, pieces);
    }
    let placed = sister::placed(&landscape, &mut pieces, sisters, &budget);
    let weigh = |piece: Piece| {
        let segment = Segment::unnamed(vec![Attachment::whole(target, piece.range)], Vec::new());
        let evidence = Evidence::of(&landscape, &piece, &segment, layouts.clone(), sisters, &budget);
        Candidate { piece, segment, evidence }
    };
    for (piece, name) in landscape.veiled().into_iter().take(MOST_PIECES) {
        let mut candidate = weigh(piece);
        candidate.evidence.add(
            100,
            format!("the dump calls it {name}, as its writer does with System V, memfd and shared anonymous memory alike"),
        );
        candidates.push(candidate);
        if candidates.len() > MOST_CANDIDATES.saturating_mul(2) {
            keep_the_best(&mut candidates);
        }
    }
    for piece in pieces.into_iter().take(MOST_PIECES) {
        if landscape.is_blank(&piece)
            || private::by_its_place(&landscape, &piece)
            || reach == Reach::Certain && !Evidence::is_proven(&landscape, &piece, layouts.clone(), &budget)
            || private::by_its_content(&landscape, &piece)
        {
            continue;
        }
        candidates.push(weigh(piece));
        if candidates.len() > MOST_CANDIDATES.saturating_mul(2) {
            keep_the_best(&mut candidates);
        }
    }
    keep_the_best(&mut candidates);
    compare(&landscape, &mut candidates, &budget);
    candidates.retain(|candidate| reach.admits(&candidate.evidence, target.identity().habits().bar));
    candidates.extend(placed);
    candidates.sort_by_key(|candidate| Reverse(candidate.evidence.weight));
    let Some(more) = candidates.len().checked_sub(1) else { return };
    let more = more.saturating_add(1).saturating_sub(MOST_SHOWN);
    memory.warnings.push(Warning::new("unnamed", explanation(target, more)));
    memory.segments.extend(candidates.into_iter().take(MOST_SHOWN).map(|candidate| {
        let mut segment = candidate.segment;
        segment.reasons = candidate.evidence.reasons;
        segment
    }));
}

/// Memory without a name that can be an attach.
struct Candidate {
    piece: Piece,
    segment: Segment,
    evidence: Evidence,
}

fn keep_the_best(candidates: &mut Vec<Candidate>) {
    candidates.sort_by_key(|candidate| Reverse(candidate.evidence.weight));
    candidates.truncate(MOST_CANDIDATES);
}

/// Adds what candidates say of each other: the same bytes, a sure one side by side, and how the file holds pages of zeroes.
fn compare(landscape: &Landscape<'_>, candidates: &mut [Candidate], budget: &Budget) {
    /// What is likely enough to speak for its neighbour.
    const LIKELY: i32 = 40;
    /// Words beside zeroes in which two pieces must agree; one or two words do so by chance.
    const SAID: u64 = 16;
    let habits = landscape.target.identity().habits();
    if habits.holes {
        let mut pages = candidates.iter().map(|candidate| candidate.evidence.pages);
        let as_written = pages.any(|pages| pages.zero > 0) || evidence::Pages::of_all(landscape).zero > 0;
        candidates.iter_mut().for_each(|candidate| candidate.evidence.holes(as_written));
    }
    let apart = habits.names != Names::AllButOne;
    let likely: Vec<_> =
        candidates.iter().filter(|one| one.evidence.weight >= LIKELY).map(|one| one.piece.range).collect();
    let print =
        |candidate: &Candidate| (candidate.piece, Fingerprint::of(landscape, &candidate.piece, budget));
    let pieces: Vec<_> = candidates.iter().map(print).collect();
    for candidate in candidates {
        let range = candidate.piece.range;
        let same = |(piece, _): &&(Piece, _)| piece.range == range;
        let says_enough = candidate.evidence.filled >= SAID;
        let own = pieces.iter().filter(|_| says_enough).find(same).map(|(_, own)| own);
        let twin = pieces.iter().find(|(piece, other)| {
            let apart = piece.range != range && piece.range.length() == range.length();
            apart && own.is_some_and(|own| own.is_twin_of(other))
        });
        if let Some((twin, _)) = twin {
            let start = twin.range.start();
            let reason =
                format!("it has the same bytes as the memory at {start}, as one segment attached twice");
            candidate.evidence.add(40, reason);
        }
        let touches =
            |other: &&Interval<Address>| other.end() == range.start() || range.end() == other.start();
        for beside in likely.iter().filter(|_| apart).filter(touches) {
            let start = beside.start();
            candidate
                .evidence
                .add(20, format!("it touches the memory at {start}, which has strong evidence"));
        }
    }
}

/// What it means that segments were found by content.
fn explanation(target: &dyn Target, more: usize) -> String {
    let mut text = "the dump has no name for segments without a key here; their place and bytes suggest a segment, but it may be private memory, or shared memory of another kind"
        .to_owned();
    let habits = target.identity().habits();
    if habits.names == Names::AllButOne && target.mappings().is_some() {
        text.push_str(&format!(
            "; {} leaves out the name of shmid 0 alone, so at most one segment is without",
            habits.label
        ));
    }
    if habits.runs == Runs::Joined {
        text.push_str("; this writer joins neighbouring segments, so one may be several");
    }
    if more > 0 {
        text.push_str(&format!("; {more} more candidates, with weaker evidence, are not listed"));
    }
    text
}
