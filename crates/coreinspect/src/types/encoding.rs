//! Bytes in an encoding of their own, which no [`Type`](crate::types::Type) can say: serialised variables. One file an
//! encoding; a type names it by [`Encoded`](crate::types::Encoded).

pub mod json;
mod php_serialize;
pub mod storable;

use std::fmt;

use crate::position::SegmentOffset;
use crate::types::value::Value;

/// An encoding.
pub trait Encoding: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The value of `bytes`, which stand at `at`. A decoder must bound depth and nodes: the bytes are hostile.
    ///
    /// # Errors
    /// What is wrong, and where. The bytes are then shown as hex.
    fn decode(&self, bytes: &[u8], at: SegmentOffset) -> Result<Value, String>;
}

/// Every encoding. Adding one is a file and its row here.
pub const ENCODINGS: &[&dyn Encoding] = &[&json::JsonText, &php_serialize::PhpSerialize, &storable::Storable];

/// The encoding called `name`.
pub fn named(name: &str) -> Option<&'static dyn Encoding> {
    ENCODINGS.iter().copied().find(|encoding| encoding.name() == name)
}
