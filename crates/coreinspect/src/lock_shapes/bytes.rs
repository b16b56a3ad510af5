//! The bytes that may be a lock.

use crate::machine::{ByteOrder, Class, Machine};

/// The bytes that may be a lock, of a machine. Every method answers `None` where they do not reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockBytes<'b> {
    bytes: &'b [u8],
    machine: Machine,
}

impl<'b> LockBytes<'b> {
    pub(crate) fn new(bytes: &'b [u8], machine: Machine) -> Self {
        Self { bytes, machine }
    }

    pub(super) fn is_64_bit(&self) -> bool {
        self.machine.class == Class::Bits64
    }

    pub(super) fn lowest_first(&self) -> bool {
        self.machine.byte_order == ByteOrder::Little
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The 4 bytes at `at` as a number.
    pub(super) fn word(&self, at: usize) -> Option<u32> {
        let (bytes, _) = self.bytes.get(at..)?.split_first_chunk()?;
        Some(match self.machine.byte_order {
            ByteOrder::Little => u32::from_le_bytes(*bytes),
            ByteOrder::Big => u32::from_be_bytes(*bytes),
        })
    }

    /// The 8 bytes at `at` as a number.
    pub(super) fn double_word(&self, at: usize) -> Option<u64> {
        let (bytes, _) = self.bytes.get(at..)?.split_first_chunk()?;
        Some(match self.machine.byte_order {
            ByteOrder::Little => u64::from_le_bytes(*bytes),
            ByteOrder::Big => u64::from_be_bytes(*bytes),
        })
    }

    /// The `long` at `at`.
    pub(super) fn long(&self, at: usize) -> Option<u64> {
        if self.is_64_bit() { self.double_word(at) } else { self.word(at).map(u64::from) }
    }

    /// Whether all bytes from `from` to before `to` are there and zero.
    pub(super) fn are_zero(&self, from: usize, to: usize) -> bool {
        self.bytes.get(from..to).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
    }
}
