//! [`Segment`]: create, open, stat, remove.

use std::mem;
use std::ops::Deref;

use nix::libc::{IPC_CREAT, IPC_EXCL};

use crate::{Access, Attachment, Attempt, Error, Key, Permissions, ShmId, Status, sys};

/// A segment of this IPC namespace, by its number.
///
/// It is a name, not the memory: to drop it changes nothing, and the segment outlives every process until
/// someone removes it. Memory is reached through [`Segment::attach`]. [`OwnedSegment`] removes it when
/// dropped.
///
/// ```
/// use shmcore::{Access, Key, OwnedSegment, Permissions, Segment};
///
/// let segment = OwnedSegment::new(Segment::create(Key::PRIVATE, 5000, Permissions::OWNER)?);
/// assert_eq!(segment.status()?.size(), 5000);
/// let attachment = segment.attach(Access::ReadWrite)?;
/// attachment.write(10, b"hello")?;
/// assert_eq!(segment.status()?.attach_count(), 1);
/// # Ok::<(), shmcore::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    id: ShmId,
}

impl Segment {
    /// Creates a segment of `size` bytes, all 0, and fails if the key is taken. With [`Key::PRIVATE`] every
    /// call creates one. Of `permissions` the nine mode bits count.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Size`], [`Error::TooManySegments`], [`Error::TooManyPages`],
    /// [`Error::NoMemory`] (shmget(2)).
    pub fn create(key: Key, size: usize, permissions: Permissions) -> Result<Segment, Error> {
        Self::get(key, size, permissions, IPC_CREAT | IPC_EXCL)
    }

    /// Opens the segment with the key or creates it. An existing one may be larger than `size` and keeps its
    /// permissions.
    ///
    /// # Errors
    /// As [`Segment::create`], and [`Error::SizeMismatch`] if the existing one is smaller, [`Error::Denied`]
    /// if its mode does not grant `permissions`.
    pub fn open_or_create(key: Key, size: usize, permissions: Permissions) -> Result<Segment, Error> {
        Self::get(key, size, permissions, IPC_CREAT)
    }

    fn get(key: Key, size: usize, permissions: Permissions, flags: i32) -> Result<Segment, Error> {
        let flags = flags | permissions.mode().cast_signed();
        let id = sys::get(key, size, flags).map_err(|errno| Attempt::Create { key, size }.failed(errno))?;
        Ok(Segment { id })
    }

    /// Opens the segment with the key, whatever its size. Needs no rights: they are checked when the segment
    /// is attached.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::KeyPrivate`] for [`Key::PRIVATE`], with which shmget(2) would create
    /// a segment.
    pub fn open(key: Key) -> Result<Segment, Error> {
        if key.is_private() {
            return Err(Error::KeyPrivate);
        }
        let id = sys::get(key, 0, 0).map_err(|errno| Attempt::Open { key }.failed(errno))?;
        Ok(Segment { id })
    }

    /// The segment with this number, which need not exist.
    pub const fn from_id(id: ShmId) -> Segment {
        Segment { id }
    }

    /// The segment's number.
    pub const fn id(self) -> ShmId {
        self.id
    }

    /// What the kernel knows of it (shmctl(2), IPC_STAT).
    ///
    /// # Errors
    /// [`Error::Removed`], and [`Error::Denied`] without the right to read;
    /// [`ipcs::segments`](crate::ipcs::segments) needs no rights.
    pub fn status(self) -> Result<Status, Error> {
        let id = self.id;
        let status = sys::stat(id).map_err(|errno| Attempt::Stat { id }.failed(errno))?;
        Ok(Status::from_shmid_ds(id, &status))
    }

    /// Marks the segment removed (shmctl(2), IPC_RMID): its key is free at once, its memory when the last
    /// process detaches it.
    ///
    /// # Errors
    /// [`Error::Removed`], and [`Error::Denied`] for all but owner, creator and CAP_SYS_ADMIN.
    pub fn remove(self) -> Result<(), Error> {
        let id = self.id;
        sys::remove(id).map_err(|errno| Attempt::Remove { id }.failed(errno))
    }

    /// Attaches the segment where the kernel finds room.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Removed`], [`Error::NoMemory`] (shmat(2)).
    pub fn attach(self, access: Access) -> Result<Attachment, Error> {
        Attachment::new(self.id, access, None)
    }

    /// Attaches the segment at `address`, where nothing may be mapped yet.
    ///
    /// # Errors
    /// As [`Segment::attach`], and [`Error::AddressUnaligned`], [`Error::AddressTaken`].
    pub fn attach_at(self, address: usize, access: Access) -> Result<Attachment, Error> {
        Attachment::new(self.id, access, Some(address))
    }
}

/// A [`Segment`] that is removed when this is dropped, whoever created it. Who is attached keeps the memory
/// until they detach.
#[derive(Debug)]
pub struct OwnedSegment(Segment);

impl OwnedSegment {
    /// Makes the segment's life end with this value's.
    pub const fn new(segment: Segment) -> OwnedSegment {
        OwnedSegment(segment)
    }

    /// Leaves the segment behind.
    pub fn keep(self) -> Segment {
        let segment = self.0;
        mem::forget(self);
        segment
    }
}

impl Deref for OwnedSegment {
    type Target = Segment;

    fn deref(&self) -> &Segment {
        &self.0
    }
}

impl Drop for OwnedSegment {
    fn drop(&mut self) {
        // Nothing to do about a failure: most likely someone else has removed it.
        let _ = self.0.remove();
    }
}
