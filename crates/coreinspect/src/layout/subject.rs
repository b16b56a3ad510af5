//! What a layout is asked about: the bytes of a segment, and what else is known of it.

use std::cell::RefCell;

use shmcore::Key;

use super::Budget;
use crate::machine::{ByteOrder, Class, Machine};
use crate::targets::Target;
use crate::types::contents::{Contents, Window};

/// A segment whose layout is sought. Numbers are read in the target's byte order; what is missing is `None`.
pub struct Subject<'a> {
    /// Its key; `None` if it has no name.
    pub key: Option<Key>,
    /// The target's machine.
    pub machine: Machine,
    /// The whole target: its mappings, other memory, the process. `None` for bytes alone.
    pub target: Option<&'a dyn Target>,
    window: RefCell<Window<'a>>,
    budget: RefCell<&'a mut Budget>,
}

impl<'a> Subject<'a> {
    /// A subject with the bytes of `contents`.
    pub fn new(
        contents: &'a dyn Contents,
        key: Option<Key>,
        machine: Machine,
        target: Option<&'a dyn Target>,
        budget: &'a mut Budget,
    ) -> Self {
        Self {
            key,
            machine,
            target,
            window: RefCell::new(Window::new(contents)),
            budget: RefCell::new(budget),
        }
    }

    /// The offset after its last mapped byte: what is mapped, not what shmget(2) was asked for.
    pub fn length(&self) -> u64 {
        self.contents().end().get()
    }

    /// Its bytes.
    pub fn contents(&self) -> &'a dyn Contents {
        self.window.borrow().contents()
    }

    /// `length` bytes at `at`; `None` if one is missing, or if they are more than 256 KiB.
    pub fn bytes(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        let mut window = self.window.try_borrow_mut().ok()?;
        let mut budget = self.budget.try_borrow_mut().ok()?;
        window.bytes(at, length, &mut budget).ok().flatten().map(<[u8]>::to_vec)
    }

    /// The bytes that are there from `at` on, `length` at most.
    pub fn some_bytes(&self, at: u64, length: usize) -> Vec<u8> {
        let (Ok(mut window), Ok(mut budget)) = (self.window.try_borrow_mut(), self.budget.try_borrow_mut())
        else {
            return Vec::new();
        };
        let some = window.some_bytes(at, &mut budget).unwrap_or_default();
        some.get(..length).unwrap_or(some).to_vec()
    }

    /// Whether these bytes stand at `at`.
    pub fn has(&self, at: u64, expected: &[u8]) -> bool {
        self.bytes(at, expected.len()).as_deref() == Some(expected)
    }

    /// The byte at `at`.
    pub fn u8(&self, at: u64) -> Option<u8> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    /// 2 bytes at `at` as a number.
    pub fn u16(&self, at: u64) -> Option<u16> {
        self.array(at).map(|bytes| match self.machine.byte_order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    /// 4 bytes at `at` as a number.
    pub fn u32(&self, at: u64) -> Option<u32> {
        self.array(at).map(|bytes| match self.machine.byte_order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    /// 4 bytes at `at` as a number with a sign.
    pub fn i32(&self, at: u64) -> Option<i32> {
        self.u32(at).map(u32::cast_signed)
    }

    /// 8 bytes at `at` as a number.
    pub fn u64(&self, at: u64) -> Option<u64> {
        self.array(at).map(|bytes| match self.machine.byte_order {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        })
    }

    /// 8 bytes at `at` as a number with a sign.
    pub fn i64(&self, at: u64) -> Option<i64> {
        self.u64(at).map(u64::cast_signed)
    }

    /// The target's `unsigned long` at `at`: 4 or 8 bytes.
    pub fn long(&self, at: u64) -> Option<u64> {
        match self.machine.class {
            Class::Bits32 => self.u32(at).map(u64::from),
            Class::Bits64 => self.u64(at),
        }
    }

    /// The window and the budget, for a decoder.
    pub(crate) fn reader<R>(&self, read: impl FnOnce(&mut Window<'a>, &mut Budget) -> R) -> Option<R> {
        let mut window = self.window.try_borrow_mut().ok()?;
        let mut budget = self.budget.try_borrow_mut().ok()?;
        Some(read(&mut window, &mut budget))
    }

    fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut window = self.window.try_borrow_mut().ok()?;
        let mut budget = self.budget.try_borrow_mut().ok()?;
        window.bytes(at, N, &mut budget).ok().flatten().and_then(|bytes| bytes.try_into().ok())
    }
}
