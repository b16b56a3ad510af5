//! LZ4 files: frames one behind the other (lz4_Frame_format.md), of which lz4_flex decodes one at a time.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

use super::framed::{Framed, is_skippable};

/// The magic number of a frame of `lz4 -l`.
const LEGACY: u32 = 0x184c_2102;
/// Bytes that a block of a legacy frame holds, all but the last one.
const LEGACY_BLOCK: usize = 8 << 20;
/// The longest that such a block can be when nothing of it could be compressed (lz4.h, LZ4_COMPRESSBOUND). A larger number in
/// the place of a block's length is the magic number of the next frame, for a legacy frame has no end mark.
const LONGEST_LEGACY_BLOCK: usize = LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16;

/// All frames of a file.
pub(super) struct Frames<R: BufRead> {
    /// Has the input, whatever frame is read.
    decoder: FrameDecoder<Framed<R>>,
    frame: Frame,
    /// The bytes of the last block of a legacy frame, and how many were given.
    block: Vec<u8>,
    given: usize,
}

/// Where the reader stands.
enum Frame {
    /// Between two frames.
    None,
    /// In a frame that has an end mark.
    Marked,
    Legacy,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        let decoder = FrameDecoder::new(Framed::new(input));
        Self { decoder, frame: Frame::None, block: Vec::new(), given: 0 }
    }

    /// Begins the next frame; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        let input = self.decoder.get_mut();
        self.frame = loop {
            match input.magic()? {
                None => return Ok(false),
                Some(magic) if is_skippable(magic) => {
                    input.skip_frame()?;
                }
                Some(LEGACY) => {
                    input.pass_over_magic();
                    break Frame::Legacy;
                }
                Some(_) => break Frame::Marked,
            }
        };
        Ok(true)
    }

    /// Decodes the next block of a legacy frame; `false` where the frame ends.
    fn next_legacy_block(&mut self) -> io::Result<bool> {
        let input = self.decoder.get_mut();
        // It stands where the next magic number would.
        let length = input.magic()?.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length.filter(|length| *length <= LONGEST_LEGACY_BLOCK) else { return Ok(false) };
        input.pass_over_magic();
        let mut packed = Vec::new();
        if input.take(length as u64).read_to_end(&mut packed)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.block.resize(LEGACY_BLOCK, 0);
        self.given = 0;
        let unpacked = lz4_flex::block::decompress_into(&packed, &mut self.block)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        self.block.truncate(*unpacked.as_ref().unwrap_or(&0));
        unpacked.map(|_| true)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.frame {
                Frame::None => {
                    if !self.begin()? {
                        return Ok(0);
                    }
                }
                Frame::Legacy => {
                    let rest = self.block.get(self.given..).unwrap_or_default();
                    if !rest.is_empty() {
                        let count = rest.len().min(into.len());
                        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                        self.given = self.given.saturating_add(count);
                        return Ok(count);
                    }
                    if !self.next_legacy_block()? {
                        self.frame = Frame::None;
                    }
                }
                Frame::Marked => {
                    let count = self.decoder.read(into)?;
                    if count > 0 {
                        return Ok(count);
                    }
                    // The decoder says 0 both after an end mark and where the file ends before one.
                    if self.decoder.get_ref().ran_out {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.frame = Frame::None;
                }
            }
        }
    }
}
