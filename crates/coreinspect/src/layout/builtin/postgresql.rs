//! PostgreSQL's header of its shared memory, of every version that has one, and what it leads to.
//!
//! src/include/storage/pg_shmem.h `PGShmemHeader`: the releases since 8.1 wrote four kinds, with two magics. Since 9.3 only
//! a stub is in System V memory, for the interlock (src/backend/port/sysv_shmem.c `CreateAnonymousSegment`); the main area
//! is anonymous shared memory, which begins with the same header. With `shared_memory_type = sysv` (12) and before 9.3
//! all is in the segment, and `index` leads to the list of allocations ([`shmem_index`]).

mod shmem_index;

use std::borrow::Cow;
use std::sync::Arc;

use super::parsed;
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::{ByteOrder, Class};
use crate::position::{Address, Interval, Position};
use crate::types::expression::Expression;
use crate::types::value::{Value, distinct};
use crate::types::{Field, Place, Struct, Type};
use shmem_index::Allocation;

/// See the module.
#[derive(Debug)]
pub(super) struct Postgresql;

/// `PGShmemMagic` up to 8.1.
const MAGIC_8_1: i32 = 679_834_893;
/// `PGShmemMagic` since 8.2.
const MAGIC: i32 = 679_834_894;

/// A kind of header.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// 8.1.
    WithoutIndex,
    /// 8.2: the index is an offset.
    IndexOffset,
    /// 8.3 to 9.3: the index is a pointer.
    Index,
    /// Since 9.4.
    DynamicSharedMemory,
}

/// The header's numbers, from whichever offsets.
struct Header {
    creator: i32,
    total: u64,
    free: u64,
    /// Of the index, if it is a pointer.
    index: Option<u64>,
    inode: u64,
    /// Its own bytes.
    size: u64,
}

impl Kind {
    /// Which kind begins here. The magic is the same since 8.2: what stands behind it must tell.
    fn of(subject: &Subject<'_>) -> Option<Self> {
        match subject.i32(0)? {
            MAGIC_8_1 => return Some(Self::WithoutIndex),
            MAGIC => {}
            _ => return None,
        }
        // `freeoffset` of a stub, or of what is not in use yet, is the size of the header.
        Some(match subject.machine.class {
            Class::Bits64 => match (subject.u64(16)?, subject.u64(24)?, subject.u64(32)?) {
                (56, ..) => Self::DynamicSharedMemory,
                (48, index, _) if index > 0 && index < 1 << 32 => Self::IndexOffset,
                (48, ..) => Self::Index,
                // A pointer has upper halves; dsm_control and the padding behind it, an offset, and a device have none.
                (_, index, _) if index >= 1 << 32 => Self::Index,
                (_, _, index) if index >= 1 << 32 => Self::DynamicSharedMemory,
                (_, _, 0) => Self::DynamicSharedMemory,
                _ => Self::IndexOffset,
            },
            Class::Bits32 => match (subject.u32(8)?, subject.u32(12)?, subject.u32(16)?, subject.u32(20)?) {
                (_, 40, control, _) if control != 0 => Self::DynamicSharedMemory,
                (_, _, _, index) if index >= 1 << 28 => Self::DynamicSharedMemory,
                (total, _, index, _) if index > 0 && index < total => Self::IndexOffset,
                _ => Self::Index,
            },
        })
    }

    fn text(self) -> String {
        let index = match self {
            Self::WithoutIndex => "",
            Self::IndexOffset => "size_t indexoffset;",
            Self::Index => "void *index;",
            Self::DynamicSharedMemory => "hex u32 dsm_control; void *index;",
        };
        format!(
            "i32 magic; pid_t creatorPID; size_t totalsize; size_t freeoffset; {index} u64 device; u64 inode;
            check freeoffset <= totalsize \"more is in use than there is\";"
        )
    }

    fn releases(self) -> &'static str {
        match self {
            Self::WithoutIndex => "8.1",
            Self::IndexOffset => "8.2",
            Self::Index => "8.3 to 9.3",
            Self::DynamicSharedMemory => "9.4 or newer",
        }
    }
}

impl Header {
    fn read(subject: &Subject<'_>) -> Option<Self> {
        /// elf.h; its 8-byte values are aligned to 4.
        const EM_386: u16 = 3;
        let kind = Kind::of(subject)?;
        let long = subject.machine.class.long() as u64;
        let behind = long.saturating_mul(2).saturating_add(8);
        let index = match kind {
            Kind::WithoutIndex | Kind::IndexOffset => None,
            Kind::Index => subject.long(behind),
            Kind::DynamicSharedMemory => subject.long(behind.checked_add(long)?),
        };
        let words = match kind {
            Kind::WithoutIndex => 0,
            Kind::IndexOffset | Kind::Index => 1,
            Kind::DynamicSharedMemory => 2,
        };
        let alignment = if subject.machine.number == EM_386 { 4 } else { 8 };
        // dev_t and, as PostgreSQL is built, ino_t have 8 bytes everywhere.
        let device = long.checked_mul(words)?.checked_add(behind)?.checked_next_multiple_of(alignment)?;
        Some(Self {
            creator: subject.i32(4)?,
            total: subject.long(8)?,
            free: subject.long(long.checked_add(8)?)?,
            index: index.filter(|index| *index != 0),
            inode: subject.u64(device.checked_add(8)?)?,
            size: device.checked_add(16)?,
        })
    }

    fn is_in_order(&self) -> bool {
        self.creator > 0 && self.size <= self.free && self.free <= self.total && self.inode != 0
    }
}

/// The anonymous memory that begins with a copy of the stub's header.
fn main_area(subject: &Subject<'_>, header: &Header) -> Option<Interval<Address>> {
    let target = subject.target?;
    let (magic, creator) = (subject.bytes(0, 4)?, subject.bytes(4, 4)?);
    // mmap(MAP_ANONYMOUS | MAP_SHARED) is a file of this name, with huge pages of that one.
    let areas = subject.mappings()?.filter(|mapping| {
        let named = mapping.name.starts_with(b"/dev/zero") || mapping.name.starts_with(b"/anon_hugepage");
        named && mapping.offset == Some(0) && mapping.range.length() >= header.free
    });
    areas.take(64).map(|mapping| mapping.range).find(|range| {
        let mut begin = [0; 8];
        // A read of another page for each, and a hostile dump has thousands of such segments.
        let may = subject.reader(|_, budget| budget.steps(64)) == Some(true);
        let whole = may && target.read(range.start(), &mut begin).is_ok_and(|count| count == begin.len());
        whole && begin.starts_with(&magic) && begin.ends_with(&creator)
    })
}

/// The allocations as fields, if the index is in the segment itself.
fn own_allocations(subject: &Subject<'_>, index: u64) -> Option<Type> {
    let mapping = subject.mappings()?.find(|mapping| mapping.range.contains(Address::new(index)))?;
    let base = mapping.range.start().get().checked_sub(mapping.offset?)?;
    let field = |allocation: Allocation| {
        let offset = allocation.address.checked_sub(base).filter(|offset| *offset < subject.length())?;
        let place = Place::InSegment(Expression::from(offset));
        Some(Field { name: Some(allocation.name), place, ..Field::new("", shmem_index::entry()) })
    };
    let allocations = shmem_index::allocations(subject, index, mapping.range)?;
    let mut fields = allocations.into_iter().map(field).collect::<Option<Vec<_>>>()?;
    let paid = |name: &str| subject.describes(name.len() as u64).ok().map(|()| name.into());
    distinct(&mut fields, |field| field.name.as_mut(), paid);
    Some(Struct { fields, ..Struct::default() }.into())
}

/// What the index in the main area says, in words.
fn allocations_in(subject: &Subject<'_>, area: Interval<Address>, kind: Kind) -> Option<String> {
    let long = subject.machine.class.long();
    let words = if kind == Kind::DynamicSharedMemory { 3 } else { 2 };
    let at = area.start().checked_add(8)?.checked_add((long as u64).checked_mul(words)?)?;
    let mut pointer = [0; 8];
    let pointer = pointer.get_mut(..long)?;
    (subject.target?.read(at, pointer).ok()? == long).then_some(())?;
    if subject.machine.byte_order == ByteOrder::Little {
        pointer.reverse();
    }
    let index = pointer.iter().fold(0, |index, byte| index << 8 | u64::from(*byte));
    let allocations = shmem_index::allocations(subject, index, area)?;
    let largest = allocations.iter().max_by_key(|allocation| allocation.size)?;
    let count = allocations.len();
    Some(format!(
        "its index names {count} allocations, the largest {:?} with {} bytes",
        largest.name, largest.size
    ))
}

impl Layout for Postgresql {
    fn name(&self) -> Cow<'_, str> {
        "postgresql".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "the header of PostgreSQL's shared memory (PGShmemHeader), and its allocations if all is in the segment".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("postgres/postgres:src/include/storage/pg_shmem.h")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| matches!(start.i32(0), Some(MAGIC | MAGIC_8_1)))
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let Some(kind) = Kind::of(subject) else { return Verdict::No };
        let mut reasons = vec![format!("the magic of PostgreSQL, with the header of {}", kind.releases())];
        let Some(header) = Header::read(subject) else {
            reasons.push("the rest of its header is not in the dump".to_owned());
            return Verdict::Possible(reasons);
        };
        if !header.is_in_order() {
            reasons.push("but its process, sizes and inode are not in order".to_owned());
            return Verdict::Possible(reasons);
        }
        if let Some(key) = subject.key.map(|key| key.bits()) {
            // sysv_shmem.c: the inode since 13, before that the port * 1000 and the first number that was free.
            let port = key / 1000;
            if u64::from(key) == header.inode & 0xffff_ffff {
                reasons.push("the key is the data directory's inode, as since PostgreSQL 13".to_owned());
            } else if (1..=65_535).contains(&port) && key % 1000 < 100 {
                reasons.push(format!("the key is the port, {port}, * 1000 + {}", key % 1000));
            }
        }
        if header.total > subject.length() {
            reasons.push("a stub: its totalsize is that of the main area".to_owned());
            let area = main_area(subject, &header);
            reasons.push(match area {
                Some(area) => format!("the main area is {area}, which begins with the same header"),
                None => "the main area is not in the dump".to_owned(),
            });
            reasons.extend(area.and_then(|area| allocations_in(subject, area, kind)));
        }
        Verdict::Certain(reasons)
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let kind = Kind::of(subject).unwrap_or(Kind::DynamicSharedMemory);
        let header = parsed(&kind.text())?;
        let allocations = Header::read(subject).and_then(|header| own_allocations(subject, header.index?));
        let (Type::Struct(fields), Some(allocations)) = (header.as_ref(), allocations) else {
            return Ok(header);
        };
        let mut whole: Struct = fields.as_ref().clone();
        whole.fields.push(Field::new("allocations", allocations));
        Ok(Arc::new(whole.into()))
    }

    fn summary(&self, value: &Value, subject: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let creator = fields.number("creatorPID")?;
        let header = Header::read(subject)?;
        let total = header.total >> 10;
        let what = match header.total > subject.length() {
            false => match fields.count("allocations") {
                0 => format!("all of it, {total}K, {}K used", header.free >> 10),
                count => format!("all of it, {total}K, {}", many(count, "allocation")),
            },
            true => match main_area(subject, &header) {
                Some(area) => format!("the stub; main area {total}K at {}", area.start()),
                None => format!("the stub; its main area of {total}K is not in the dump"),
            },
        };
        Some(format!("PostgreSQL: postmaster {creator}, {what}"))
    }
}
