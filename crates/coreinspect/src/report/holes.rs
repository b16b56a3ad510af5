//! The JSON beside an extracted segment: what the file has as holes.

use serde::Serialize;

/// `FILE.json` of `extract`.
#[derive(Clone, Debug, Serialize)]
pub struct Holes {
    /// The contract's name.
    pub schema: &'static str,
    /// The segment's key; null if it has none.
    pub key: Option<String>,
    /// Bytes of the file.
    pub size: u64,
    /// The holes, by offset.
    pub missing: Vec<Hole>,
}

/// A run of the file whose bytes the dump does not hold.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Hole {
    /// The first offset in the file.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// "not-saved", "cut-off", "not-readable", or "not-mapped": no attachment covers it.
    pub reason: &'static str,
}
