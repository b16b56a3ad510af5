//! ShmemIndex: the hash table in PostgreSQL's shared memory that names every allocation.
//!
//! src/backend/storage/ipc/shmem.c `ShmemIndexEnt`: char key\[48\], void *location, Size size, and since 13 Size
//! allocated_size. src/backend/utils/hash/dynahash.c: the header `HASHHDR` ends with the directory of segments of
//! buckets; a bucket is a chain of elements { link, hash value }, each with its entry behind it. The header's beginning
//! differs from release to release; the sizes of key and entry in it are found by their values.

use std::sync::Arc;

use crate::layout::Subject;
use crate::machine::{ByteOrder, Class};
use crate::position::{Address, Interval};
use crate::targets::Target;
use crate::types::{Field, Integer, Pointer, Struct, Type, Width};

/// SHMEM_INDEX_KEYSIZE.
const KEY: usize = 48;
/// Bytes of HASHHDR that are searched: 32 free lists stand in front of the sizes.
const HEADER: usize = 1280;
/// Entries, and buckets, that are believed. A server has about 70 entries in 64 buckets.
const MOST: usize = 1024;

/// An entry of the table.
pub(super) struct Allocation {
    pub(super) name: Arc<str>,
    /// Where the entry, not the memory, is.
    pub(super) address: u64,
    pub(super) size: u64,
}

/// What the table that begins at the address `index` names, by the address of the entries. All of it must lie in `area`.
pub(super) fn allocations(
    subject: &Subject<'_>,
    index: u64,
    area: Interval<Address>,
) -> Option<Vec<Allocation>> {
    let walk = Walk { subject, target: subject.target?, long: subject.machine.class.long(), area };
    let table = walk.table(index)?;
    let mut found = Vec::new();
    let mut left = table.buckets;
    let mut directory = table.directory;
    while left > 0 {
        let count = left.min(table.segment_size);
        left = left.saturating_sub(count);
        let segment =
            walk.read(walk.long_in(&walk.read(directory, walk.long)?, 0)?, count.checked_mul(walk.long)?)?;
        directory = directory.checked_add(walk.long as u64)?;
        for bucket in segment.chunks_exact(walk.long) {
            let mut element = walk.long_in(bucket, 0)?;
            while element != 0 {
                if found.len() >= MOST {
                    return None;
                }
                // MAXALIGN(sizeof(HASHELEMENT)) is two words.
                let before = walk.long.checked_mul(2)?;
                let bytes = walk.read(element, before.checked_add(table.entry)?)?;
                let name = bytes.get(before..)?.get(..KEY)?.split(|byte| *byte == 0).next()?;
                let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
                let size = walk.long_in(&bytes, before.checked_add(KEY)?.checked_add(walk.long)?)?;
                let address = element.checked_add(before as u64)?;
                found.push(Allocation { name: name.into(), address, size });
                element = walk.long_in(&bytes, 0)?;
            }
        }
    }
    found.sort_by_key(|allocation| allocation.address);
    Some(found)
}

/// The type of an entry, without its name.
pub(super) fn entry() -> Type {
    let pointer = Pointer { width: Width::Long, order: None, to: None };
    let size = Integer { width: Width::Long, ..Integer::new(8, false) };
    let fields =
        vec![Field::new("location", Type::Pointer(pointer)).at(KEY as u64), Field::new("size", size.into())];
    Struct { fields, ..Struct::default() }.into()
}

/// The table's shape.
struct Table {
    directory: u64,
    buckets: usize,
    /// Buckets of a segment.
    segment_size: usize,
    /// Bytes of an entry.
    entry: usize,
}

/// Memory that is read by address.
struct Walk<'s, 'a> {
    subject: &'s Subject<'a>,
    target: &'a dyn Target,
    /// Bytes of a word.
    long: usize,
    area: Interval<Address>,
}

impl Walk<'_, '_> {
    fn table(&self, index: u64) -> Option<Table> {
        let header = self.read(index, HEADER)?;
        let word = |number: usize| self.long_in(&header, number.checked_mul(self.long)?);
        let entry = |number: usize| {
            let size = usize::try_from(word(number)?).ok()?;
            let words = size.checked_sub(KEY)?.checked_div(self.long)?;
            matches!(words, 2 | 3).then_some(size)
        };
        let words = HEADER.checked_div(self.long)?;
        let size = |sizes: usize| entry(sizes.checked_add(1)?);
        let sizes = (0..words).find(|number| word(*number) == Some(KEY as u64) && size(*number).is_some())?;
        // Before the sizes: uint32 max_bucket, high_mask, low_mask, and padding to a word.
        let masks = sizes.checked_mul(self.long)?.checked_sub(if self.long == 8 { 16 } else { 12 })?;
        let buckets = usize::try_from(self.u32_in(&header, masks)?).ok()?.checked_add(1)?;
        // Behind them: long num_partitions, (before 14: ffactor,) max_dsize, ssize; int sssize, nelem_alloc.
        let (segment_size, end) = [4, 5].into_iter().find_map(|words| {
            let number = sizes.checked_add(words)?;
            let size = usize::try_from(word(number)?).ok()?;
            let shift = number.checked_add(1)?.checked_mul(self.long)?;
            let is_size = 1_usize.checked_shl(self.u32_in(&header, shift)?) == Some(size);
            is_size.then_some((size, shift.checked_add(8)?))
        })?;
        let directory = index.checked_add(end as u64)?;
        (buckets <= MOST).then_some(Table { directory, buckets, segment_size, entry: size(sizes)? })
    }

    /// `length` bytes at the address `at`, if all are there.
    fn read(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        let at = Address::new(at);
        let range = Interval::with_length(at, length as u64)?;
        if range.start() < self.area.start() || range.end() > self.area.end() || length > HEADER.max(8 * MOST)
        {
            return None;
        }
        if !self.subject.reader(|_, budget| budget.read(length as u64))? {
            return None;
        }
        let mut bytes = vec![0; length];
        (self.target.read(at, &mut bytes).ok()? == length).then_some(bytes)
    }

    fn long_in(&self, bytes: &[u8], at: usize) -> Option<u64> {
        match self.subject.machine.class {
            Class::Bits32 => self.u32_in(bytes, at).map(u64::from),
            Class::Bits64 => {
                let bytes = bytes.get(at..)?.first_chunk().copied()?;
                Some(match self.subject.machine.byte_order {
                    ByteOrder::Little => u64::from_le_bytes(bytes),
                    ByteOrder::Big => u64::from_be_bytes(bytes),
                })
            }
        }
    }

    fn u32_in(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..)?.first_chunk().copied()?;
        Some(match self.subject.machine.byte_order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }
}
