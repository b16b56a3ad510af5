//! Where the bytes of a dump come from. A new kind of input is one file that implements [`Source`].

mod before_fill;
mod beside;
mod bytes;
mod folder;
mod format;
mod handler;
mod kept;
mod layers;
mod limits;
mod mapped_file;
mod open;
mod reading;
mod sampling;
mod stream;
mod table;

pub(crate) use before_fill::BeforeFill;
pub use beside::Beside;
pub use bytes::Bytes;
pub use folder::dumps_in;
pub use format::Format;
pub use handler::{Handler, time_of_death};
pub use layers::Layer;
pub use limits::Limits;
pub use mapped_file::{MappedFile, die_clearly_when_a_mapped_file_shrinks, remove_at_the_end};
pub use open::{Opened, is_read_once, of_pipe, open, standard_input};
pub use reading::{Amount, Progress, Reading};
pub use sampling::Sampling;
pub use stream::Stream;
pub use table::Table;

use std::fs::File;
use std::io;

use crate::position::{FileOffset, Interval};

/// The bytes of a dump.
pub trait Source: Send + Sync {
    /// Bytes in all, as of the moment when the source was opened.
    fn size(&self) -> u64;

    /// Fills `into` with the bytes from `at`. A count below `into.len()` means that the source ends there.
    ///
    /// # Errors
    /// What the operating system said. [`io::ErrorKind::UnexpectedEof`]: the file has become shorter since it
    /// was opened.
    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize>;

    /// The bytes of `range`, cut where the source ends: shared where the source can lend them, so that a
    /// table of any length costs no memory.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table>;

    /// The first part of `range` that is no hole of a sparse file; empty, at its end, if all of it is. `range` where that cannot
    /// be told.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    fn data(&self, range: Interval<FileOffset>) -> io::Result<Interval<FileOffset>> {
        Ok(range)
    }

    /// Copies `range` to `into`, which stands at the place to write; zeroes may be left as holes.
    ///
    /// # Errors
    /// As [`Source::read_at`], and what writing said.
    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()>;

    /// What changed since the source was opened, in words; `None` if nothing did.
    fn changed(&self) -> Option<String> {
        None
    }

    /// The source, if it is read forward: who knows what will be needed of it should tell it ([`Stream::keep`]).
    fn stream(&self) -> Option<&Stream> {
        None
    }
}

/// `range` cut at `size`.
pub(crate) fn within(range: Interval<FileOffset>, size: u64) -> Option<Interval<FileOffset>> {
    range.intersection(Interval::new(FileOffset::new(0), FileOffset::new(size))?)
}
