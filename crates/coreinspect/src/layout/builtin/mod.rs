//! The layouts that everybody has. One file a layout, registered in [`BUILTIN`].

mod mailbox;

use super::Layout;

/// Every built-in layout. Of two that are equally sure the first counts.
pub const BUILTIN: &[&dyn Layout] = &[&mailbox::Mailbox];

/// What bytes are read as if no layout fits them.
pub const DEFAULT: &dyn Layout = &mailbox::Mailbox;

/// The built-in layout called `name`.
pub fn named(name: &str) -> Option<&'static dyn Layout> {
    BUILTIN.iter().copied().find(|layout| layout.name() == name)
}
