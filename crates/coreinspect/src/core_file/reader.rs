//! The one cursor over hostile bytes: bounds, byte order and word size are checked here and nowhere else.

use goblin::container::{Container, Ctx, Endian};

use crate::machine::{ByteOrder, Class, Machine};

/// A cursor over bytes of a dump, in the byte order and with the `long` of its target.
///
/// Every method answers `None`, and moves nothing, where the bytes do not reach.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    machine: Machine,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8], machine: Machine) -> Self {
        Self { rest: bytes, machine }
    }

    /// A cursor over other bytes of the same target.
    pub fn over(&self, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, machine: self.machine }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Passes over `length` bytes.
    #[inline]
    pub fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(|_| ())
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    /// The next 2 bytes as a number.
    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        let bytes = self.array()?;
        Some(match self.machine.byte_order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    /// The next 4 bytes as a number.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        let bytes = self.array()?;
        Some(match self.machine.byte_order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The next 8 bytes as a number.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        let bytes = self.array()?;
        Some(match self.machine.byte_order {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        })
    }

    /// The next unsigned `long`: 4 or 8 bytes.
    #[inline]
    pub fn long(&mut self) -> Option<u64> {
        match self.machine.class {
            Class::Bits32 => self.u32().map(u64::from),
            Class::Bits64 => self.u64(),
        }
    }

    /// The bytes up to the next NUL; the NUL is passed over and not among them.
    #[inline]
    pub fn c_string(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let string = self.take(end)?;
        self.skip(1)?;
        Some(string)
    }
}

/// goblin's context for headers of this machine.
pub(crate) fn goblin_context(machine: Machine) -> Ctx {
    let container = match machine.class {
        Class::Bits32 => Container::Little,
        Class::Bits64 => Container::Big,
    };
    let endian = match machine.byte_order {
        ByteOrder::Little => Endian::Little,
        ByteOrder::Big => Endian::Big,
    };
    Ctx::new(container, endian)
}
