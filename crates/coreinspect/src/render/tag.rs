//! The bits of a pointer that are no part of its address, in words.

use crate::report::Hex;

/// What stands behind a pointer that has a tag; nothing for one that has none. A tag of the top byte alone is that byte.
pub(super) fn tagged(tag: Option<Hex>) -> String {
    match tag {
        None => String::new(),
        Some(Hex(bits)) if bits.trailing_zeros() >= 56 => format!(" (tag {:#04x})", bits >> 56),
        Some(bits) => format!(" (tag bits {bits})"),
    }
}
