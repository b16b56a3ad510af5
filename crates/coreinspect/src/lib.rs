//! Says what was in the System V shared memory of a dumped process.
//!
//! Data flows one way, and nothing knows of what stands to its right:
//!
//! [`source`] (bytes of a dump) → [`core_file`] (headers, notes, saved memory) → [`targets`] (a process, however it is
//! shown) → [`shm`] (segments and attachments) → [`retention`] (why bytes are missing) and [`layout`] (what bytes say)
//! → [`report`] (plain data, the JSON contract) → [`render`] (text).
//!
//! The report of a dump is one call away:
//!
//! ```no_run
//! let dump = coreinspect::inspect_file("core.1234".as_ref(), &coreinspect::Options::default());
//! for segment in &dump.segments {
//!     println!("{:?}: {} of {} bytes saved", segment.key, segment.saved, segment.mapped);
//! }
//! ```
//!
//! Its bytes are two more:
//!
//! ```no_run
//! use coreinspect::position::SegmentOffset;
//! use coreinspect::shm::SharedMemory;
//! use coreinspect::source::MappedFile;
//! use coreinspect::targets::CoreTarget;
//!
//! let source = MappedFile::open("core.1234".as_ref())?;
//! let target = CoreTarget::read(&source)?;
//! for segment in &SharedMemory::of(&target).segments {
//!     let mut start = [0; 16];
//!     // Fewer, where the dump does not hold them: never zeroes in their place.
//!     let saved = segment.read(&target, SegmentOffset::new(0), &mut start)?;
//!     println!("{:?}: {:02x?}", segment.key, &start[..saved]);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "cli")]
pub mod cli;
pub mod collector;
pub mod core_file;
pub mod core_writer;
pub mod debug_files;
pub mod diff;
pub mod error;
pub mod forecast;
pub mod known_keys;
pub mod layout;
pub mod look;
pub mod machine;
pub mod memory;
pub mod namespace;
pub mod notation;
pub mod position;
pub mod proc_files;
pub mod process;
pub mod refs;
pub mod render;
pub mod report;
pub mod retention;
pub mod search;
pub mod shm;
pub mod source;
pub mod stopped;
pub mod targets;
pub mod thread;
pub mod types;
pub mod unnamed;
pub mod writer;

pub use error::{Error, Warning};
pub use report::{Options, inspect, inspect_file};
