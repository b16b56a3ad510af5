//! The core as the kernel pipes it: bytes that are copied, and never looked at.

use std::fs::File;
use std::io::{self, Read, Write};

use super::Store;

/// What was stored of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Bytes of the core, before they were compressed.
    pub bytes: u64,
    /// Why it ends before the core does.
    pub cut: Option<Cut>,
}

/// Why a core was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is larger than is allowed.
    Limit,
    /// The file system is full but for what stays free.
    Disk,
}

/// How a core is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storing {
    /// Compressed by zstd.
    pub compress: bool,
    /// Not at all: it is read to its end, and somebody else has it.
    pub discard: bool,
    /// Bytes of a core at most.
    pub most: u64,
    /// Bytes of the file system that stay free.
    pub keep_free: u64,
}

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;
/// Bytes after which the file system is asked again.
const ASK: u64 = 16 << 20;

/// The writer of a core: its bytes as they are, or compressed.
enum Sink<'f> {
    Nowhere,
    Plain(&'f File),
    #[cfg(feature = "zstd")]
    Compressed(Box<zstd::stream::write::Encoder<'static, &'f File>>),
}

impl<'f> Sink<'f> {
    fn new(file: &'f File, storing: Storing) -> io::Result<Self> {
        if storing.discard {
            return Ok(Self::Nowhere);
        }
        #[cfg(feature = "zstd")]
        if storing.compress {
            let mut encoder = zstd::stream::write::Encoder::new(file, 3)?;
            encoder.include_checksum(true)?;
            return Ok(Self::Compressed(Box::new(encoder)));
        }
        Ok(Self::Plain(file))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Plain(file) => file.write_all(bytes),
            #[cfg(feature = "zstd")]
            Self::Compressed(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Plain(mut file) => file.flush(),
            #[cfg(feature = "zstd")]
            Self::Compressed(encoder) => encoder.finish().map(drop),
        }
    }
}

/// Whether this program can compress.
pub(crate) const CAN_COMPRESS: bool = cfg!(feature = "zstd");

/// Copies `core` to `file`, in `store`. Where it is cut short the rest is not read: whoever writes it is told so by a
/// closed pipe.
///
/// # Errors
/// What reading or writing says. `file` is then of no use.
pub(crate) fn store_core(
    core: &mut impl Read,
    file: &File,
    store: &Store,
    storing: Storing,
) -> io::Result<Stored> {
    let mut sink = Sink::new(file, storing)?;
    let mut stored = Stored::default();
    let mut block = vec![0; BLOCK];
    let mut room = store.room(storing.keep_free)?.min(ASK);
    loop {
        let left = storing.most.saturating_sub(stored.bytes);
        // One byte more than is allowed tells whether there is one.
        let wanted = usize::try_from(left.saturating_add(1)).unwrap_or(BLOCK).min(BLOCK);
        let count = match core.read(block.get_mut(..wanted).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count as u64 > left {
            sink.write(block.get(..usize::try_from(left).unwrap_or(0)).unwrap_or_default())?;
            stored.bytes = stored.bytes.saturating_add(left);
            stored.cut = Some(Cut::Limit);
            break;
        }
        if room < count as u64 && !storing.discard {
            room = store.room(storing.keep_free)?.min(ASK);
            if room < count as u64 {
                stored.cut = Some(Cut::Disk);
                break;
            }
        }
        sink.write(block.get(..count).unwrap_or_default())?;
        room = room.saturating_sub(count as u64);
        stored.bytes = stored.bytes.saturating_add(count as u64);
    }
    sink.finish()?;
    Ok(stored)
}
