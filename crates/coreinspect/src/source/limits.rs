//! What reading a stream may cost: a few kilobytes can decompress to more than any disk holds.

use std::fs::File;

/// Limits of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decompressed bytes that are read at most.
    pub most_bytes: u64,
    /// Whether the user named [`Limits::most_bytes`]; then so many may be spooled too.
    pub named: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most_bytes: 1 << 40, named: false }
    }
}

/// Bytes that may be spooled whatever came in.
const ALWAYS_SPOOLED: u64 = 4 << 30;
/// Beyond that, so many for each byte that came in: memory that was written to hardly compresses better.
const MOST_RATIO: u64 = 1000;
/// Bytes that are left free where it is spooled.
const LEFT_FREE: u64 = 256 << 20;

impl Limits {
    /// Why `spooled` bytes, made of `consumed` that came in, are too many; `None` if they are not.
    pub(super) fn refuse_spooling(&self, spooled: u64, consumed: u64) -> Option<String> {
        let most = match self.named {
            true => self.most_bytes,
            false => ALWAYS_SPOOLED.max(consumed.saturating_mul(MOST_RATIO)).min(self.most_bytes),
        };
        (spooled > most).then(|| {
            format!(
                "{spooled} bytes of it would be kept in a temporary file, from {consumed} of input: no real dump compresses so well; --max-size {} reads it anyway",
                spooled.saturating_mul(4).next_power_of_two()
            )
        })
    }

    /// Why `came` decompressed bytes are too many.
    pub(super) fn refuse_reading(&self, came: u64) -> Option<String> {
        (came > self.most_bytes).then(|| {
            format!(
                "it decompresses to more than {} bytes, the limit: raise it by --max-size {}",
                self.most_bytes,
                self.most_bytes.saturating_mul(4)
            )
        })
    }
}

/// Why no more may be written to the file system of `spool`; `None` also where it does not tell.
pub(super) fn refuse_filling(spool: &File) -> Option<String> {
    let free = nix::sys::statvfs::fstatvfs(spool).ok()?;
    #[allow(clippy::useless_conversion)]
    let bytes = u64::from(free.blocks_available()).saturating_mul(u64::from(free.fragment_size()));
    (bytes < LEFT_FREE).then(|| {
        format!(
            "{} has {} MiB free, and {} are left free; name another folder by TMPDIR, or unpack the dump where there is room",
            std::env::temp_dir().display(),
            bytes >> 20,
            LEFT_FREE >> 20
        )
    })
}
