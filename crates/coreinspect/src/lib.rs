//! Says what was in the System V shared memory of a dumped process.
//!
//! Data flows one way, and nothing knows of what stands to its right:
//!
//! [`source`] (bytes of a dump) → [`targets`] (a process, however it is shown) → [`shm`] (segments and attachments) →
//! [`layout`] (what bytes say) → [`report`] (plain data, the JSON contract) → [`inspection`] (what can be asked) →
//! [`render`] (text).
//!
//! An [`Inspection`] is the front door: a dump that was read, its segments, and what can be asked of them. Its report:
//!
//! ```
//! use coreinspect::{Inspection, Options};
//!
//! let inspection = Inspection::open("../../testdata/segv.kernel.core.zst".as_ref(), &Options::default());
//! let segment = &inspection.report().segments[0];
//! assert_eq!(segment.key.as_deref(), Some("0x4f1d0019"));
//! // The process had attached it for reading, and the kernel keeps the first page of that.
//! assert_eq!((segment.saved, segment.mapped), (4096, 12288));
//! assert_eq!(segment.causes[0].code, "read-only-attach");
//! ```
//!
//! Its bytes:
//!
//! ```
//! use coreinspect::position::SegmentOffset;
//! use coreinspect::{Inspection, Options};
//!
//! let inspection = Inspection::open("../../testdata/segv.kernel.core.zst".as_ref(), &Options::default());
//! let segment = inspection.select(&"0x4f1d0019".parse()?)?;
//! let mut message = [0; 22];
//! // Fewer, where the dump does not hold them: never zeroes in their place.
//! let saved = segment.read(SegmentOffset::new(1), &mut message)?;
//! assert_eq!(&message[..saved], b"look, but do not touch");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What points into it:
//!
//! ```
//! use coreinspect::refs::Pace;
//! use coreinspect::{Inspection, Options};
//!
//! let inspection = Inspection::open("../../testdata/segv.kernel.core.zst".as_ref(), &Options::default());
//! let references = inspection.references(&[], 10, Pace::default())?;
//! // Two threads hold the address of its first byte in rbx.
//! let registers = references.references.iter().filter(|one| one.register == Some("rbx"));
//! assert_eq!(registers.map(|one| (one.segment, one.offset)).collect::<Vec<_>>(), [(1, 0), (1, 0)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
// What clippy.toml cannot allow in the unit tests alone.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::string_slice,
        clippy::unreachable
    )
)]
// What only the command line, the handler or the layout files use is not used without them.
#![cfg_attr(
    not(all(feature = "collect", feature = "toml")),
    allow(dead_code, unused_imports, unused_variables)
)]

#[cfg(feature = "cli")]
pub mod address_space;
pub mod cli;
mod collector;
mod core_file;
pub mod core_writer;
mod debug_files;
mod diff;
mod error;
pub mod fill;
mod forecast;
pub mod inspection;
#[doc(hidden)]
pub mod internals;
pub mod kind;
mod known_keys;
pub mod layout;
mod lock_shapes;
pub mod locks;
mod look;
pub mod machine;
pub mod memory;
mod namespace;
mod notation;
#[cfg(feature = "page")]
mod page;
pub mod page_map;
pub mod pointer_tags;
pub mod position;
mod proc_files;
mod process;
pub mod refs;
pub mod render;
pub mod report;
mod retention;
pub mod search;
pub mod shm;
pub mod sidecar;
pub mod source;
mod stopped;
pub mod targets;
mod thread;
pub mod types;
mod unnamed;
pub mod writer;

pub use error::{Error, Warning};
pub use inspection::{InspectedSegment, Inspection};
pub use report::Options;
