//! How much a listing may still read.

/// Bytes that may still be read for a listing.
///
/// A dump holds no more text than it has bytes; a hostile one can point 10,000 segments at the same megabyte.
#[derive(Debug)]
pub struct Budget(u64);

impl Budget {
    /// So many.
    pub fn at_most(bytes: u64) -> Self {
        Self(bytes)
    }

    /// As many as there are.
    pub fn unlimited() -> Self {
        Self(u64::MAX)
    }

    /// Takes `bytes` away; `false` once too many were asked for.
    pub fn take(&mut self, bytes: u64) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}
