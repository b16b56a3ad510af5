//! A reader of formats whose files are frames one behind the other, each with a magic number.

use std::io::{self, BufRead, Read};

/// Bytes of a magic number.
const MAGIC: usize = 4;

/// An input whose next magic number can be looked at, and that remembers whether it was read to its end.
pub(super) struct Framed<R> {
    input: R,
    /// A magic number that was looked at and not read yet.
    ahead: [u8; MAGIC],
    left: usize,
    /// Whether more was asked for than there was.
    pub(super) ran_out: bool,
}

impl<R: BufRead> Framed<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, ahead: [0; MAGIC], left: 0, ran_out: false }
    }

    /// The next magic number, which is still read afterwards; `None` at the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] inside it, and what reading said.
    pub(super) fn magic(&mut self) -> io::Result<Option<u32>> {
        if self.left == 0 {
            if self.input.fill_buf()?.is_empty() {
                return Ok(None);
            }
            self.input.read_exact(&mut self.ahead)?;
            self.left = MAGIC;
        }
        Ok(Some(u32::from_le_bytes(self.ahead)))
    }

    /// Passes over the magic number that [`Self::magic`] has told.
    pub(super) fn pass_over_magic(&mut self) {
        self.left = 0;
    }

    /// Passes over a skippable frame: magic, length, and so many bytes, which are returned.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] inside it, and what reading said.
    pub(super) fn skip_frame(&mut self) -> io::Result<u64> {
        let mut head = [0; 2 * MAGIC];
        self.read_exact(&mut head)?;
        let [.., a, b, c, d] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        match io::copy(&mut (&mut self.input).take(length), &mut io::sink())? == length {
            true => Ok(length),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<R: BufRead> Read for Framed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left > 0 {
            let rest = self.ahead.get(MAGIC.saturating_sub(self.left)..).unwrap_or_default();
            let count = rest.len().min(into.len());
            into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.left = self.left.saturating_sub(count);
            return Ok(count);
        }
        let count = self.input.read(into)?;
        self.ran_out |= count == 0 && !into.is_empty();
        Ok(count)
    }
}

/// Bytes of skippable frames that are read to find the first frame of a file. pzstd writes 12.
const MOST_SKIPPED: u64 = 64 << 20;

/// What stands behind the skippable frames with which `input` begins.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] inside one of them, more of them than 64 MiB, and what reading said.
pub(super) fn behind_skippable<R: BufRead>(input: R) -> io::Result<Framed<R>> {
    let mut frames = Framed::new(input);
    let mut skipped = 0_u64;
    while frames.magic()?.is_some_and(is_skippable) {
        skipped = skipped.saturating_add(frames.skip_frame()?);
        if skipped > MOST_SKIPPED {
            return Err(io::Error::other(format!(
                "more than {} MiB of skippable frames stand before its first frame: unpack it with its own tool",
                MOST_SKIPPED >> 20
            )));
        }
    }
    Ok(frames)
}

/// Whether `magic` begins a skippable frame (RFC 8878 3.1.2; LZ4's frame format has the same).
pub(super) fn is_skippable(magic: u32) -> bool {
    magic & 0xffff_fff0 == 0x184d_2a50
}
