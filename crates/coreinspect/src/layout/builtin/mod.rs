//! The layouts that everybody has. One file a layout, registered in [`BUILTIN`].

mod mailbox;
mod php_sysvshm;

use std::sync::Arc;

use super::types::Type;
use super::{Layout, inline};

/// Every built-in layout. Of two that are equally sure the first counts.
pub const BUILTIN: &[&dyn Layout] = &[&php_sysvshm::PhpSysvshm, &mailbox::Mailbox];

/// What bytes are read as if no layout fits them.
pub const DEFAULT: &dyn Layout = &mailbox::Mailbox;

/// The built-in layout called `name`.
pub fn named(name: &str) -> Option<&'static dyn Layout> {
    BUILTIN.iter().copied().find(|layout| layout.name() == name)
}

/// The type that `text` describes.
fn parsed(text: &str) -> Result<Arc<Type>, String> {
    inline::parse(text).map(Arc::new).map_err(|problem| problem.in_text(text, "built in").to_string())
}
