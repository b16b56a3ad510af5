//! Says what was in the System V shared memory of a dumped process.
//!
//! Data flows one way, and nothing knows of what stands to its right:
//!
//! [`source`] (bytes of a dump) → [`core_file`] (headers, notes, saved memory) → [`target`] (a process, however it is
//! shown) → [`shm`] (segments and attachments) → [`retention`] (why bytes are missing) and [`layout`] (what bytes say)
//! → [`report`] (plain data, the JSON contract) → [`render`] (text).

#[cfg(feature = "cli")]
pub mod cli;
pub mod core_file;
pub mod core_writer;
#[cfg(feature = "cli")]
pub mod debug_files;
pub mod error;
pub mod known_keys;
pub mod layout;
pub mod machine;
pub mod memory;
pub mod position;
pub mod process;
pub mod render;
pub mod report;
pub mod retention;
pub mod shm;
pub mod source;
pub mod target;

pub use error::{Error, Warning};
pub use report::{Options, inspect, inspect_file};
