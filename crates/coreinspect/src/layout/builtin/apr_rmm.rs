//! A region that the Apache Portable Runtime's apr_rmm manages (httpd's modules share such).
//!
//! apache/apr@afda3e3: util-misc/apr_rmm.c (`rmm_hdr_block_t`, `rmm_block_t`), in apr-util 1.6 misc/apr_rmm.c. Three
//! words begin the region: its size, the first block in use and the first free one; a block is its size with header, the
//! block before it and the one behind it in its list, as offsets from the region; 0 is none. There is no magic, but the
//! blocks of both lists cover the region without a gap. (APR's own shared memory is System V only where it was built so;
//! then the segment has no header, and its key is ftok of the file that apr_shm_create was given.)

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{Group, at, bytes, each, unnamed, with_fields, written};
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::value::Value;
use crate::types::{Field, Stop, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct AprRmm;

const HEADER: &str = "size_t abssize; size_t firstused; size_t firstfree;";
const BLOCK: &str = "size_t size; size_t prev; size_t next;";
/// Blocks of both lists that are followed.
const BLOCKS: usize = 10_000;

/// A block: where it is, and its bytes with its header.
struct Block {
    at: u64,
    size: u64,
}

struct Region {
    size: u64,
    used: Vec<Block>,
    free: Vec<Block>,
    /// Whether the blocks cover it, each once.
    covered: bool,
}

/// Three words, aligned to 8 (`APR_ALIGN_DEFAULT`).
fn header(subject: &Subject<'_>) -> u64 {
    (subject.machine.class.long() as u64).saturating_mul(3).next_multiple_of(8)
}

/// Whether `size` bytes end in the last page of a segment, which need not be the region's whole.
fn ends_near(size: u64, mapped: u64) -> bool {
    mapped.checked_sub(size).is_some_and(|rest| rest < 65536)
}

impl Region {
    fn of(subject: &Subject<'_>) -> Option<Region> {
        let word = subject.machine.class.long() as u64;
        let size = subject.long(0)?;
        let mapped = subject.length();
        if !ends_near(size, mapped) || size < header(subject).checked_mul(2)? {
            return None;
        }
        let used = list(subject, subject.long(word)?, size)?;
        let free = list(subject, subject.long(word.checked_mul(2)?)?, size)?;
        let mut blocks: Vec<_> = used.iter().chain(&free).collect();
        blocks.sort_by_key(|block| block.at);
        let end = blocks.iter().try_fold(header(subject), |end, block| {
            (block.at == end).then(|| end.checked_add(block.size)).flatten()
        });
        Some(Region { size, covered: end == Some(size), used, free })
    }
}

/// The blocks of a list whose links agree.
fn list(subject: &Subject<'_>, first: u64, size: u64) -> Option<Vec<Block>> {
    let word = subject.machine.class.long() as u64;
    let mut blocks = Vec::<Block>::new();
    let (mut next, mut before) = (first, 0);
    while next != 0 {
        let at = next;
        let block = Block { at, size: subject.long(at)? };
        let fits =
            at >= header(subject) && block.size >= header(subject) && at.checked_add(block.size)? <= size;
        // A list that runs in a circle does not come back to where it says that it was before.
        if !fits || subject.long(at.checked_add(word)?)? != before || blocks.len() >= BLOCKS {
            return None;
        }
        (before, next) = (at, subject.long(at.checked_add(word.checked_mul(2)?)?)?);
        blocks.push(block);
    }
    Some(blocks)
}

impl Layout for AprRmm {
    fn name(&self) -> Cow<'_, str> {
        "apr-rmm".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "blocks in use and free ones of a region that Apache's apr_rmm manages".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("apr-util 1.6: misc/apr_rmm.c; apr: util-misc/apr_rmm.c")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.long(0).is_some_and(|size| ends_near(size, start.length)))
    }

    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        match Region::of(subject) {
            Some(region) if region.covered => Verdict::Likely(vec![
                format!("the first word, {}, is the size of the segment", region.size),
                format!(
                    "{} blocks in use and {} free ones cover it without a gap; there is no magic",
                    region.used.len(),
                    region.free.len()
                ),
            ]),
            _ => Verdict::No,
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let header_size = header(subject);
        let block = written(subject, BLOCK)?;
        let list = |whole: Group<'_, '_>, blocks: &[Block], data: bool| -> Result<Field, Stop> {
            let fields = each(blocks, |found| {
                let name = format!("{:#x}", found.at);
                let whole = Group::new(subject, &name)?;
                let head = unnamed(subject, found.at, block.clone())?;
                let length = found.size.saturating_sub(header_size);
                let start = found.at.saturating_add(header_size);
                let data = data.then(|| at(subject, start, "data", bytes(length))).transpose()?;
                Ok(whole.of([head].into_iter().chain(data).collect()))
            })?;
            Ok(whole.of(fields))
        };
        let lists = match Region::of(subject) {
            Some(Region { used, free, .. }) => {
                let groups = [Group::new(subject, "used")?, Group::new(subject, "free")?];
                let [in_use, not] = groups;
                vec![list(in_use, &used, true)?, list(not, &free, false)?]
            }
            None => Vec::new(),
        };
        with_fields(written(subject, HEADER)?, lists).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let (used, free) = (fields.count("used"), fields.count("free"));
        Some(format!("APR rmm: {}, {} free, {} bytes", many(used, "block"), free, fields.number("abssize")?))
    }
}
