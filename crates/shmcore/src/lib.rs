//! System V shared memory in safe Rust.

#![deny(clippy::cast_possible_truncation, clippy::indexing_slicing)]

mod error;
mod key;

pub use error::Error;
pub use key::{Key, KeyParts, MappingName, Readings};
