//! What a layout is asked about: the bytes of a segment, and what else is known of it.

use std::cell::{Cell, RefCell};

use shmcore::Key;

use super::Start;
use crate::machine::{ByteOrder, Class, Machine};
use crate::targets::{Mapping, Target};
use crate::types::contents::{Contents, Window};
use crate::types::{Budget, Spent};

/// A segment whose layout is sought. Numbers are read in the target's byte order; what is missing is `None`.
pub struct Subject<'a> {
    /// Its key; `None` if it has no name, and of other kinds than System V.
    pub key: Option<Key>,
    /// The name of its mapping.
    pub name: Option<&'a [u8]>,
    /// The target's machine.
    pub machine: Machine,
    /// The whole target: its mappings, other memory, the process. `None` for bytes alone.
    pub target: Option<&'a dyn Target>,
    window: RefCell<Window<'a>>,
    budget: &'a Budget,
    /// Memory of the type that is made of what the bytes say, which is given back with the subject.
    described: Cell<u64>,
    /// How much that may be.
    describable: u64,
}

impl<'a> Subject<'a> {
    /// A subject with the bytes of `contents`.
    pub fn new(
        contents: &'a dyn Contents,
        key: Option<Key>,
        machine: Machine,
        target: Option<&'a dyn Target>,
        budget: &'a Budget,
    ) -> Self {
        let window = RefCell::new(Window::new(contents));
        let describable = (budget.left() / 8).saturating_mul(5);
        Self { key, name: None, machine, target, window, budget, described: Cell::new(0), describable }
    }

    /// The same, called `name`.
    pub fn called(self, name: Option<&'a [u8]>) -> Self {
        // Drop is implemented, so that fields cannot be moved out.
        let mut this = self;
        this.name = name;
        this
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
        let bytes = window.bytes(at, length, self.budget).ok().flatten()?;
        self.looks(bytes.len()).then(|| bytes.to_vec())
    }

    /// Its start, for a first look.
    pub(super) fn with_start<R>(&self, look: impl FnOnce(&Start<'_>) -> R) -> R {
        let mut bytes = [0; Start::LENGTH];
        let some = self.window.try_borrow_mut().ok().and_then(|mut window| {
            let some = window.some_bytes(0, self.budget).ok()?;
            let length = some.len().min(bytes.len());
            bytes.get_mut(..length)?.copy_from_slice(some.get(..length)?);
            self.looks(length).then_some(length)
        });
        let bytes = bytes.get(..some.unwrap_or(0)).unwrap_or_default();
        look(&Start { bytes, key: self.key, machine: self.machine, length: self.length() })
    }

    /// The bytes that are there from `at` on, `length` at most.
    pub fn some_bytes(&self, at: u64, length: usize) -> Vec<u8> {
        let Ok(mut window) = self.window.try_borrow_mut() else { return Vec::new() };
        let some = window.some_bytes(at, self.budget).unwrap_or_default();
        let some = some.get(..length).unwrap_or(some);
        if self.looks(some.len()) { some.to_vec() } else { Vec::new() }
    }

    /// Decodes what is only looked at: memory for it is given back, because no value stays.
    pub(crate) fn probe(&self, decodes: impl FnOnce(&Budget) -> bool) -> bool {
        let left = self.budget.left();
        let fits = decodes(self.budget);
        self.budget.free(left.saturating_sub(self.budget.left()));
        fits
    }

    /// The mappings of the whole target, each for a step: thousands of segments may ask for thousands of them.
    pub(crate) fn mappings(&self) -> Option<impl Iterator<Item = Mapping<'a>>> {
        Some(self.target?.mappings()?.take_while(|_| self.budget.step()))
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

    /// Takes the step that `length` bytes are to look at: bytes that stand in many texts at once are looked at again for each.
    fn looks(&self, length: usize) -> bool {
        const BYTES: u64 = 256;
        self.budget.steps((length as u64 / BYTES).saturating_add(1))
    }

    /// Takes memory for a part of the type that is made of what the bytes say.
    ///
    /// # Errors
    /// That it is spent.
    pub(crate) fn describes(&self, bytes: u64) -> Result<(), Spent> {
        let described = self.described.get().saturating_add(bytes);
        // The values must have room too.
        if described > self.describable {
            return Err(self.budget.no_memory());
        }
        self.budget.pay(bytes)?;
        self.described.set(described);
        Ok(())
    }

    /// The window and the budget, for a decoder.
    pub(crate) fn reader<R>(&self, read: impl FnOnce(&mut Window<'a>, &'a Budget) -> R) -> Option<R> {
        let mut window = self.window.try_borrow_mut().ok()?;
        Some(read(&mut window, self.budget))
    }

    fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut window = self.window.try_borrow_mut().ok()?;
        if !self.looks(N) {
            return None;
        }
        window.bytes(at, N, self.budget).ok().flatten().and_then(|bytes| bytes.try_into().ok())
    }
}

impl Drop for Subject<'_> {
    fn drop(&mut self) {
        self.budget.free(self.described.get());
    }
}
