//! ShmemIndex: the hash table in PostgreSQL's shared memory that names every allocation.
//!
//! src/backend/storage/ipc/shmem.c `ShmemIndexEnt`: char key\[48\], void *location, Size size, and since 13 Size
//! allocated_size. src/backend/utils/hash/dynahash.c: the header `HASHHDR` ends with the directory of segments of
//! buckets; a bucket is a chain of elements { link, hash value }, each with its entry behind it. The header's beginning
//! differs from release to release; the sizes of key and entry in it are found by their values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::layout::Subject;
use crate::layout::expression::Expression;
use crate::layout::types::{Field, Integer, Place, Pointer, Struct, Type, Width};

/// SHMEM_INDEX_KEYSIZE.
const KEY: u64 = 48;
/// Bytes of HASHHDR that are searched: 32 free lists stand in front of the sizes.
const HEADER: u64 = 1200;
/// Entries, and buckets, that are believed. A server has about 70 (SHMEM_INDEX_SIZE is 64, and 128 since 18).
const MOST: u64 = 4096;

/// A struct of all allocations, by name, if `index`, an address, is that of the table and the segment holds it.
pub(super) fn allocations(subject: &Subject<'_>, index: u64) -> Option<Type> {
    let table = Table::find(subject, index)?;
    let mut entries = BTreeMap::new();
    let mut seen = 0;
    for bucket in 0..=table.last_bucket {
        let segment = table.pointer(table.directory + bucket / table.segment_size * table.long)?;
        let mut element = table.pointer_or_null(segment + bucket % table.segment_size * table.long)?;
        while let Some(at) = element {
            seen += 1;
            if seen > MOST {
                return None;
            }
            let entry = at + table.element;
            let name = subject.bytes(entry, 48)?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
            entries.insert(entry, Arc::<str>::from(name));
            element = table.pointer_or_null(at)?;
        }
    }
    let fields = entries.into_iter().map(|(entry, name)| Field {
        name: Some(name),
        place: Place::InSegment(Expression::from(entry)),
        ..Field::new("", table.entry_type())
    });
    Some(Struct { fields: fields.collect(), ..Struct::default() }.into())
}

/// Where in the segment the table is. Offsets are small: sums of them do not overflow.
struct Table<'s, 'a> {
    subject: &'s Subject<'a>,
    long: u64,
    /// The address of the segment's byte 0.
    base: u64,
    directory: u64,
    last_bucket: u64,
    segment_size: u64,
    /// Bytes of an element before its entry.
    element: u64,
    has_allocated_size: bool,
}

impl<'s, 'a> Table<'s, 'a> {
    fn find(subject: &'s Subject<'a>, index: u64) -> Option<Self> {
        let long = subject.machine.class.long() as u64;
        let target = subject.target?;
        let base = target.mappings()?.find_map(|mapping| {
            let inside = (mapping.range.start().get()..mapping.range.end().get()).contains(&index);
            mapping.range.start().get().checked_sub(mapping.offset?).filter(|_| inside)
        })?;
        let header = index.checked_sub(base).filter(|header| *header < subject.length())?;
        let entry = |at| subject.long(at).filter(|size| [KEY + 2 * long, KEY + 3 * long].contains(size));
        let mut places = (0..HEADER).step_by(usize::try_from(long).ok()?).map(|offset| header + offset);
        let sizes = places.find(|at| subject.long(*at) == Some(KEY) && entry(at + long).is_some())?;
        // Before the sizes: long dsize, nsegs; uint32 max_bucket, high_mask, low_mask, padding.
        let masks = sizes.checked_sub(if long == 8 { 16 } else { 12 })?;
        let last_bucket = u64::from(subject.u32(masks)?);
        let entry_size = entry(sizes + long)?;
        let mut table = Self {
            subject,
            long,
            base,
            directory: 0,
            last_bucket,
            segment_size: 0,
            // MAXALIGN(sizeof(HASHELEMENT)).
            element: 2 * long,
            has_allocated_size: entry_size == KEY + 3 * long,
        };
        // Behind the sizes: long num_partitions, (before 14: ffactor,) max_dsize, ssize; int sssize, nelem_alloc.
        (2..=3).find_map(|words| {
            let segment_size = sizes + (words + 2) * long;
            table.segment_size = subject.long(segment_size)?;
            let shift = subject.u32(segment_size + long)?;
            table.directory = segment_size + long + 8;
            let fits = 1_u64.checked_shl(shift) == Some(table.segment_size) && last_bucket < MOST;
            (fits && table.pointer(table.directory).is_some()).then_some(())
        })?;
        Some(table)
    }

    /// The offset that the pointer at `at` means; `None` if it is none into this segment.
    fn pointer(&self, at: u64) -> Option<u64> {
        self.pointer_or_null(at)?
    }

    fn pointer_or_null(&self, at: u64) -> Option<Option<u64>> {
        match self.subject.long(at)? {
            0 => Some(None),
            pointer => {
                let offset = pointer.checked_sub(self.base)?;
                (offset < self.subject.length()).then_some(Some(offset))
            }
        }
    }

    fn entry_type(&self) -> Type {
        let pointer = Pointer { width: Width::Long, order: None, to: None };
        let size = || Type::from(Integer { width: Width::Long, ..Integer::new(8, false) });
        let mut fields =
            vec![Field::new("location", Type::Pointer(pointer)).at(KEY), Field::new("size", size())];
        if self.has_allocated_size {
            fields.push(Field::new("allocated_size", size()));
        }
        Struct { fields, ..Struct::default() }.into()
    }
}
