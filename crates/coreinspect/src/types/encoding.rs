//! Bytes in an encoding of their own, which no [`Type`](crate::types::Type) can say: serialised variables. One file an
//! encoding; a type names it by [`Encoded`](crate::types::Encoded).

pub mod json;
mod php_serialize;
pub(crate) mod pthread;
pub mod storable;

use std::fmt;

use crate::position::SegmentOffset;
use crate::types::value::Value;
use crate::types::{Budget, Stop};

/// An encoding.
pub trait Encoding: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What lock it is, if it is one.
    fn lock(&self) -> Option<crate::lock_shapes::Kind> {
        None
    }

    /// The value of `bytes`, which stand at `at`, as far as `budget` goes: of a list that it cannot pay for whole the first
    /// elements are told and the others counted. A decoder takes a step for each value, kept or not, and must bound depth: the
    /// bytes are hostile.
    ///
    /// # Errors
    /// What is wrong, and where; or that the budget paid for nothing. The bytes are then shown as hex.
    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop>;
}

/// Every encoding. Adding one is a file and its row here.
pub const ENCODINGS: &[&dyn Encoding] = &[&json::JsonText, &php_serialize::PhpSerialize, &storable::Storable];

/// The encoding called `name`.
pub fn named(name: &str) -> Option<&'static dyn Encoding> {
    ENCODINGS.iter().copied().find(|encoding| encoding.name() == name)
}
