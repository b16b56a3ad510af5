//! Sizes as lsipc(1) prints them, but never rounded.

/// A size to two or three digits, for what is only roughly known: `31G`, `640K`.
pub fn about(bytes: u64) -> String {
    const UNITS: [(u32, &str); 5] = [(50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "K")];
    let unit = UNITS.iter().find(|(shift, _)| bytes >> shift >= 10);
    unit.map_or_else(|| bytes.to_string(), |(shift, name)| format!("{}{name}", bytes >> shift))
}

/// `bytes` with the largest unit that keeps it whole: `4K`, `1G`, `5000`. `plain`: always bytes.
pub fn size(bytes: u64, plain: bool) -> String {
    if plain {
        return bytes.to_string();
    }
    for (shift, unit) in [(40_u32, 'T'), (30, 'G'), (20, 'M'), (10, 'K')] {
        let mask = !(u64::MAX << shift);
        if bytes > mask && bytes & mask == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::size;

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
            assert_eq!(size(bytes, false), shown);
        }
        assert_eq!(size(1 << 30, true), "1073741824");
    }
}
