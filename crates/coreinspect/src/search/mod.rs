//! Where bytes, text and numbers stand in a segment.
//!
//! [`Pattern`] is what is sought, [`search`] finds every place where it stands, [`Field`] says which field of a layout
//! that is. What is not saved is not searched, and no hit lies across it.

mod fields;
mod pattern;
mod scan;

pub use fields::{Field, fields};
pub use pattern::{Pattern, PatternError, Reading};
pub use scan::{Found, Hit, search};
