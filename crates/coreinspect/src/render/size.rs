//! Sizes as lsipc(1) prints them, but never rounded.

use super::Style;

/// A size to two or three digits, for what is only roughly known: `31G`, `640K`.
pub fn about(bytes: u64) -> String {
    const UNITS: [(u32, &str); 5] = [(50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "K")];
    let unit = UNITS.iter().find(|(shift, _)| bytes >> shift >= 10);
    unit.map_or_else(|| bytes.to_string(), |(shift, name)| format!("{}{name}", bytes >> shift))
}

/// `bytes` with the largest unit that keeps it whole: `4K`, `1G`, `5000`.
pub fn size(bytes: u64) -> String {
    for (shift, unit) in [(40_u32, 'T'), (30, 'G'), (20, 'M'), (10, 'K')] {
        let mask = !(u64::MAX << shift);
        if bytes > mask && bytes & mask == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

impl Style {
    /// `bytes` as [`size`] writes them, or plainly where the user wants bytes.
    pub(super) fn size(self, bytes: u64) -> String {
        if self.bytes { bytes.to_string() } else { size(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, size};

    #[test]
    fn sizes_are_never_rounded() {
        for (bytes, shown) in [
            (0, "0"),
            (1, "1"),
            (1023, "1023"),
            (1024, "1K"),
            (5000, "5000"),
            (20480, "20K"),
            (1 << 20, "1M"),
            ((1 << 20) + 4096, "1028K"),
            (3 << 30, "3G"),
            (1 << 40, "1T"),
        ] {
            assert_eq!(size(bytes), shown);
        }
        let plain = Style { bytes: true, ..Style::default() };
        assert_eq!(plain.size(1 << 30), "1073741824");
    }
}
