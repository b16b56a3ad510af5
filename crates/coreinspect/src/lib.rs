//! Says what was in the System V shared memory of a dumped process.
//!
//! Data flows one way, and nothing knows of what stands to its right:
//!
//! source (bytes of a dump) → targets (a process, however it is shown) → shm (segments and attachments) → layout (what
//! bytes say) → [`report`] (plain data, the JSON contract) → [`inspection`] (what can be asked) → render (text).
//! What stands between the two doors is hidden here: it serves our own command line and tests, and makes no promise.
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
//! assert_eq!(segment.causes[0].code.name(), "read-only-attach");
//! ```
//!
//! Its bytes:
//!
//! ```
//! use coreinspect::{Inspection, Options, SegmentOffset};
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
//! use coreinspect::{Inspection, Options, Pace};
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

#[doc(hidden)]
pub mod address_space;
#[cfg(feature = "cli")]
pub mod cli;
mod collector;
mod core_file;
#[doc(hidden)]
pub mod core_writer;
mod debug_files;
mod diff;
mod error;
pub mod fill;
mod forecast;
pub mod inspection;
#[doc(hidden)]
pub mod internals;
#[doc(hidden)]
pub mod kind;
mod known_keys;
#[doc(hidden)]
pub mod layout;
mod lock_shapes;
#[doc(hidden)]
pub mod locks;
mod look;
#[doc(hidden)]
pub mod machine;
#[doc(hidden)]
pub mod memory;
mod namespace;
mod notation;
#[cfg(feature = "page")]
mod page;
#[doc(hidden)]
pub mod page_map;
#[doc(hidden)]
pub mod pointer_tags;
#[doc(hidden)]
pub mod position;
mod proc_files;
mod process;
#[doc(hidden)]
pub mod refs;
#[doc(hidden)]
pub mod render;
pub mod report;
mod retention;
#[doc(hidden)]
pub mod search;
#[doc(hidden)]
pub mod shm;
#[doc(hidden)]
pub mod sidecar;
#[doc(hidden)]
pub mod source;
mod stopped;
#[doc(hidden)]
pub mod targets;
mod thread;
#[doc(hidden)]
pub mod types;
mod unnamed;
#[doc(hidden)]
pub mod writer;

pub use error::{Error, Warning};
pub use inspection::{InspectedSegment, Inspection};
pub use kind::{Kind, Kinds};
pub use layout::{Layout, SegmentContents};
pub use machine::{ByteOrder, Class, Machine};
pub use position::{Address, FileOffset, Interval, Position, SegmentOffset};
pub use refs::Pace;
pub use report::Options;
pub use retention::Code;
pub use search::Pattern;
pub use targets::Target;
pub use types::contents::Contents;
pub use types::value::Value;
pub use writer::Writer;
