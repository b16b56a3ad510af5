//! A core like another in which missing bytes of segments are those of other copies: a dump, a running process, a file.
//!
//! What the core holds is copied as it is (shared by the file system where it can). Behind its end stand the bytes that were
//! filled, a note of owner `coreinspect` that says of each range where it is from ([`FillNote`](crate::sidecar::FillNote)), and a
//! new table of program headers, which the ELF header names. PT_LOADs are cut where saved bytes, filled ones and missing ones meet.
//! The note keeps the old ELF header: with it the core is read as it was, and no filled byte is ever called saved.

mod copies;
mod elf;
mod overlay;
mod plan;
mod table;
mod write;

pub use copies::Copy;
pub use plan::{Conflict, FilledSegment, Part, Plan};
pub use write::{Filling, Written};

/// Why a core could not be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// Reading the core, or a copy, failed.
    #[error(transparent)]
    Read(#[from] crate::error::Error),
    /// A copy changed while it was read.
    #[error(
        "{name}: bytes that were there a moment ago cannot be read; if it is a process it has ended: use its dump"
    )]
    Gone {
        /// The copy.
        name: String,
    },
    /// The file would pass what its headers can say.
    #[error("the core would pass the 4 GiB that a 32-bit core can hold")]
    TooLarge,
    /// More ranges than an ELF file can name.
    #[error(
        "the overlay would have {count} sections, more than the 65,000 that an ELF file can have; fill fewer segments with --segment"
    )]
    TooMany {
        /// Ranges.
        count: usize,
    },
    /// The core's headers could not be written anew.
    #[error("the core's headers cannot be written anew: {0}")]
    Headers(String),
    /// Writing failed.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}
