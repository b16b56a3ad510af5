//! Sizes on the command line: `512M`, `32G`, or bytes.

use std::fmt;
use std::str::FromStr;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(u64);

impl Size {
    pub(super) fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, shift) = match text.char_indices().last() {
            Some((at, 'K' | 'k')) => (text.split_at(at).0, 10),
            Some((at, 'M' | 'm')) => (text.split_at(at).0, 20),
            Some((at, 'G' | 'g')) => (text.split_at(at).0, 30),
            Some((at, 'T' | 't')) => (text.split_at(at).0, 40),
            _ => (text, 0),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes.map(Self).ok_or_else(|| format!("{text:?} is no size; write it as 512M, 32G or in bytes"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::render::size::size(self.0))
    }
}
