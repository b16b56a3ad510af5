//! Bytes in chunks of 256, and what they are like: zero, random, text.

/// Bytes of a chunk; chunks begin at multiples of it.
pub(super) const CHUNK: usize = 256;
const ZEROES: [u8; CHUNK] = [0; CHUNK];

/// How many different bytes a chunk has: whether chance alone would make things up in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grain {
    /// All bytes are zero.
    Zero,
    /// Few: text, records, small numbers.
    Plain,
    /// A handful of bytes, nearly all of them different.
    Varied,
    /// Many: floating point numbers, addresses, machine code.
    Busy,
    /// As many as random bytes have.
    Random,
}

/// What `different` values among the `filled` bytes of a chunk that are not zero say. As many random bytes have 256 * (1 - exp(-filled / 256)) different
/// values: 256 of them 162, give or take 5. Floating point numbers and addresses come near; more than chance are a ramp.
fn grain(length: usize, filled: usize, different: usize) -> Grain {
    // Small numbers are random bytes with zeroes between them.
    let dense = filled.saturating_mul(8) >= length.saturating_mul(7);
    let by_chance = 256.0 * (1.0 - (-(filled as f64) / 256.0).exp());
    match different as f64 / by_chance {
        share if filled < 48 => {
            if filled >= 12 && share > 0.85 {
                Grain::Varied
            } else {
                Grain::Plain
            }
        }
        share if share > 1.15 => Grain::Plain,
        share if share > 0.92 && dense => Grain::Random,
        share if share > 0.68 => Grain::Busy,
        _ => Grain::Plain,
    }
}

/// `block`, whose first byte has the offset `at`, in pieces that end at multiples of 256.
pub(super) fn chunks(at: u64, block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let next = at.checked_next_multiple_of(CHUNK as u64).unwrap_or(at);
    let first = usize::try_from(next.saturating_sub(at)).unwrap_or(0);
    let (first, rest) = block.split_at_checked(first).unwrap_or((block, &[]));
    std::iter::once(first).filter(|first| !first.is_empty()).chain(rest.chunks(CHUNK))
}

/// What the examined bytes of a segment are like as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texture {
    /// No byte is saved.
    Nothing,
    /// Every byte is zero.
    Zero,
    /// Every byte is this one.
    OneByte(u8),
    /// Nine in ten bytes are zero.
    Sparse,
    /// Nine in ten bytes that are not zero are text.
    Text,
    /// Anything else.
    Mixed,
    /// As encrypted or compressed bytes look; zeroes around them do not count.
    Random,
}

/// Counts bytes.
#[derive(Debug)]
pub(super) struct Bytes {
    /// How often each byte stands in chunks that are not all zero.
    counts: [u64; 256],
    zero_chunks: u64,
    chunks: u64,
    random: u64,
}

impl Default for Bytes {
    fn default() -> Self {
        Self { counts: [0; 256], zero_chunks: 0, chunks: 0, random: 0 }
    }
}

impl Bytes {
    /// Counts the bytes of `chunk`.
    pub(super) fn add(&mut self, chunk: &[u8]) -> Grain {
        if ZEROES.get(..chunk.len()).is_some_and(|zeroes| zeroes == chunk) {
            self.zero_chunks = self.zero_chunks.saturating_add(chunk.len() as u64);
            return Grain::Zero;
        }
        let mut seen = [false; 256];
        for byte in chunk {
            let at = usize::from(*byte);
            if let (Some(count), Some(seen)) = (self.counts.get_mut(at), seen.get_mut(at)) {
                *count = count.wrapping_add(1);
                *seen = true;
            }
        }
        self.chunks = self.chunks.saturating_add(1);
        let filled = chunk.iter().filter(|byte| **byte != 0).count();
        let different = seen.iter().skip(1).filter(|seen| **seen).count();
        let grain = grain(chunk.len(), filled, different);
        self.random = self.random.saturating_add(u64::from(grain == Grain::Random));
        grain
    }

    fn counted(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many bytes are zero.
    pub(super) fn zero(&self) -> u64 {
        self.zero_chunks.saturating_add(self.counts.first().copied().unwrap_or(0))
    }

    /// Bits a byte, zero chunks left out.
    pub(super) fn entropy(&self) -> Option<f64> {
        let total = Some(self.counted()).filter(|total| *total > 0)? as f64;
        let shares = self.counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / total);
        Some(shares.map(|share| -share * share.log2()).sum::<f64>().max(0.0))
    }

    /// Whether all bytes are as frequent as in random ones, whose entropy is 8 less 255 / (2 n ln 2) (Miller and Madow).
    fn is_uniform(&self) -> bool {
        let expected = 8.0 - 255.0 / (2.0 * std::f64::consts::LN_2 * self.counted() as f64);
        self.entropy().is_some_and(|entropy| entropy > expected - 0.15)
    }

    /// What they are like; `text` of them stand in strings.
    pub(super) fn texture(&self, text: u64) -> Texture {
        let counted = self.counted();
        let all = counted.saturating_add(self.zero_chunks);
        let filled = all.saturating_sub(self.zero());
        if all == 0 {
            return Texture::Nothing;
        }
        if filled == 0 {
            return Texture::Zero;
        }
        if let Some(byte) = self.counts.iter().position(|count| *count == all) {
            return Texture::OneByte(u8::try_from(byte).unwrap_or(0));
        }
        let nine_in_ten = |part: u64, whole: u64| part.saturating_mul(10) >= whole.saturating_mul(9);
        if self.random.saturating_mul(4) >= self.chunks.saturating_mul(3) && self.is_uniform() {
            Texture::Random
        } else if nine_in_ten(self.zero(), all) {
            Texture::Sparse
        } else if nine_in_ten(text, filled) {
            Texture::Text
        } else {
            Texture::Mixed
        }
    }
}
