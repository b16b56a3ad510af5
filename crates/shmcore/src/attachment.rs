//! [`Attachment`]: a segment in this process's memory, which other processes change at any moment.

#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering, fence};

use crate::{Attempt, Error, Segment, ShmId, sys};

/// The rights of an [`Attachment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// SHM_RDONLY: a write is an [`Error::ReadOnly`] here, and SIGSEGV where code goes round this type. A
    /// kernel core dump saves only the first page of such an attach (core(5)).
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        })
    }
}

/// An attached segment (shmat(2)); detached when dropped.
///
/// Bytes are copied in and out, each by an atomic access, and never lent as a slice: a `&[u8]` promises that
/// nobody changes what it points to. So every byte that is read was written once, but a copy is no snapshot.
/// Whoever needs one agrees on a flag: [`Attachment::load`] it before, and [`Attachment::store`] it after the
/// bytes that it stands for, as [`Mailbox`](crate::Mailbox) does.
///
/// Offsets and lengths are in bytes. The bounds are those of the segment, not of its last page.
#[derive(Debug)]
pub struct Attachment {
    start: NonNull<u8>,
    size: usize,
    id: ShmId,
    access: Access,
}

// SAFETY: the memory belongs to the process, not to a thread, and every access to it is atomic.
unsafe impl Send for Attachment {}
// SAFETY: as above; `&self` gives nothing but atomic accesses.
unsafe impl Sync for Attachment {}

impl Attachment {
    pub(crate) fn new(id: ShmId, access: Access, address: Option<usize>) -> Result<Attachment, Error> {
        let attempt = Attempt::Attach { id, access, address };
        if address == Some(0) {
            // The kernel would read it as "anywhere".
            return Err(attempt.failed(nix::errno::Errno::EINVAL));
        }
        let start =
            sys::attach(id, address, access == Access::ReadOnly).map_err(|errno| attempt.failed(errno))?;
        let mut attachment = Attachment { start, size: 0, id, access };
        // Asked only now: while it is attached it lives, so this is the same segment.
        let size = Segment::from_id(id).status()?.size();
        attachment.size = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(attachment)
    }

    /// The segment.
    pub const fn segment(&self) -> Segment {
        Segment::from_id(self.id)
    }

    /// Where it is attached in this process.
    pub fn address(&self) -> usize {
        self.start.addr().get()
    }

    /// The size of the segment, in bytes.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The rights.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Reads one byte. What another thread or process wrote before it stored this byte with
    /// [`Attachment::store`] is visible afterwards (acquire).
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn load(&self, offset: usize) -> Result<u8, Error> {
        let mut byte = [0];
        self.read(offset, &mut byte)?;
        // Not an acquire load: in memory mapped read-only just relaxed loads are sound (std::sync::atomic).
        fence(Ordering::Acquire);
        let [byte] = byte;
        Ok(byte)
    }

    /// Writes one byte, after all that was written before (release).
    ///
    /// # Errors
    /// [`Error::OutOfBounds`], [`Error::ReadOnly`].
    pub fn store(&self, offset: usize, value: u8) -> Result<(), Error> {
        self.writable_bytes(offset, 1)?.for_each(|byte| byte.store(value, Ordering::Release));
        Ok(())
    }

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`]; then `into` is as it was.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Error> {
        let bytes = self.bytes(offset, into.len())?;
        into.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte.load(Ordering::Relaxed));
        Ok(())
    }

    /// Copies `from` to the bytes from `offset` on.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`], [`Error::ReadOnly`]; then nothing was written.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Error> {
        let bytes = self.writable_bytes(offset, from.len())?;
        from.iter().zip(bytes).for_each(|(&value, byte)| byte.store(value, Ordering::Relaxed));
        Ok(())
    }

    /// Detaches now, and says whether it worked; dropping does the same in silence.
    ///
    /// # Errors
    /// [`Error::Call`] if other code has unmapped it.
    pub fn detach(self) -> Result<(), Error> {
        let this = ManuallyDrop::new(self);
        let attempt = Attempt::Detach { id: this.id, address: this.address() };
        // SAFETY: `start` is from sys::attach, and `this` is neither used nor dropped after this.
        unsafe { sys::detach(this.start) }.map_err(|errno| attempt.failed(errno))
    }

    fn writable_bytes(&self, offset: usize, length: usize) -> Result<impl Iterator<Item = &AtomicU8>, Error> {
        match self.access {
            Access::ReadWrite => self.bytes(offset, length),
            Access::ReadOnly => Err(Error::ReadOnly { id: self.id }),
        }
    }

    /// `length` bytes from `offset` on. Never call [`AtomicU8::store`] on those of a read-only attachment.
    fn bytes(&self, offset: usize, length: usize) -> Result<impl Iterator<Item = &AtomicU8>, Error> {
        let end = offset.checked_add(length).filter(|&end| end <= self.size);
        let end = end.ok_or_else(|| self.out_of_bounds(offset, length))?;
        Ok((offset..end).map(|offset| {
            // SAFETY: `offset` is below the size, which all is mapped while `self` lives. An AtomicU8 is one
            // byte without alignment, and whoever else uses the byte in this process does it through this
            // type; other processes are outside of Rust's memory.
            unsafe { self.start.add(offset).cast::<AtomicU8>().as_ref() }
        }))
    }

    fn out_of_bounds(&self, offset: usize, length: usize) -> Error {
        let range = offset..offset.saturating_add(length);
        Error::OutOfBounds { range, size: self.size }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: `start` is from sys::attach, and references to the bytes do not outlive `self`.
        let _ = unsafe { sys::detach(self.start) };
    }
}
