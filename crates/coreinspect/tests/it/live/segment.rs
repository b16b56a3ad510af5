//! Segments of known content, which their test alone uses and which go with it.

use std::sync::atomic::{AtomicU32, Ordering};

use shmcore::{Access, Error, Key, OwnedSegment, Permissions, ShmId};

pub(crate) const PAGE: usize = 4096;

pub(crate) struct Segment {
    owned: OwnedSegment,
    key: u32,
    size: usize,
    /// The pages that were written; a new segment is zero everywhere else (shmget(2)).
    written: Vec<usize>,
}

/// A key that no other test has: another process has another number, another test of this one another counter.
pub(crate) fn private_key() -> u32 {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed) & 0xff;
    0x4000_0000 | std::process::id() << 8 & 0x3fff_ff00 | counter
}

impl Segment {
    pub(crate) fn of_size(size: usize) -> Segment {
        Segment::with_key(private_key, size)
    }

    pub(crate) fn of_pages(pages: usize) -> Segment {
        Segment::of_size(pages * PAGE)
    }

    /// A key that is negative as a `key_t`.
    pub(crate) fn with_negative_key(size: usize) -> Segment {
        Segment::with_key(|| private_key() | 0x8000_0000, size)
    }

    pub(crate) fn private(pages: usize) -> Segment {
        Segment::with_key(|| 0, pages * PAGE)
    }

    /// `size` bytes of which the first and the last page are written.
    pub(crate) fn sparse(size: usize) -> Segment {
        let mut segment = Segment::empty(private_key, size);
        segment.write(&[0, size / PAGE - 1]);
        segment
    }

    /// The segment that another process made.
    pub(crate) fn made(key: u32, shmid: i32, size: usize) -> Segment {
        let owned = OwnedSegment::new(shmcore::Segment::from_id(ShmId::from_raw(shmid)));
        let mut segment = Segment { owned, key, size, written: vec![] };
        segment.write(&(0..size / PAGE).collect::<Vec<_>>());
        segment
    }

    fn with_key(key: impl Fn() -> u32, size: usize) -> Segment {
        let mut segment = Segment::empty(key, size);
        segment.write(&(0..size.div_ceil(PAGE)).collect::<Vec<_>>());
        segment
    }

    fn empty(key: impl Fn() -> u32, size: usize) -> Segment {
        let create = || loop {
            let key = key();
            match shmcore::Segment::create(Key::from_bits(key), size, Permissions::OWNER) {
                Ok(made) => break Segment { owned: OwnedSegment::new(made), key, size, written: vec![] },
                Err(Error::Exists { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        };
        // gcore does not name the segment whose shmid is 0, the first of an IPC namespace: it is no usual one.
        let first = create();
        if first.shmid() != 0 {
            return first;
        }
        create()
    }

    /// A flag and a message in the first page, in the others bytes that are never zero and differ from page to page.
    fn write(&mut self, pages: &[usize]) {
        let attachment = self.owned.attach(Access::ReadWrite).unwrap();
        for &page in pages {
            let length = PAGE.min(self.size - page * PAGE);
            let bytes: Vec<_> = (0..length).map(|at| (1 + (page * 31 + at * 7) % 255) as u8).collect();
            attachment.write(page * PAGE, &bytes).unwrap();
        }
        let mailbox = [b"\x01", self.message().as_bytes(), b"\0"].concat();
        attachment.write(0, &mailbox).unwrap();
        self.written = pages.to_vec();
    }

    /// Writes `bytes` at `offset`, in a page that is written already.
    pub(crate) fn plant(&self, offset: usize, bytes: &[u8]) {
        let attachment = self.owned.attach(Access::ReadWrite).unwrap();
        attachment.write(offset, bytes).unwrap();
    }

    pub(crate) fn message(&self) -> String {
        format!("I am {:08x}", self.key)
    }

    /// All of its bytes up to the end of the last page, read by an attachment of this process.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let attachment = self.owned.attach(Access::ReadOnly).unwrap();
        let mut bytes = vec![0; self.mapped()];
        for &page in &self.written {
            let range = page * PAGE..self.size.min((page + 1) * PAGE);
            attachment.read(range.start, &mut bytes[range]).unwrap();
        }
        bytes
    }

    /// Its size in whole pages.
    pub(crate) fn mapped(&self) -> usize {
        self.size.next_multiple_of(PAGE)
    }

    pub(crate) fn shmid(&self) -> i32 {
        self.owned.id().raw()
    }

    /// The key as the contract has it.
    pub(crate) fn key(&self) -> String {
        format!("0x{:08x}", self.key)
    }

    pub(crate) fn key_t(&self) -> i32 {
        self.key.cast_signed()
    }

    pub(crate) fn remove(&self) {
        self.owned.remove().unwrap();
    }

    /// The operation that attaches it.
    pub(crate) fn attach(&self) -> String {
        format!("attach:{}", self.shmid())
    }

    pub(crate) fn attach_read_only(&self) -> String {
        format!("attach-ro:{}", self.shmid())
    }
}
