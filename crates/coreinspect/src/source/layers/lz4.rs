//! LZ4 files: frames one behind the other (lz4_Frame_format.md), of which lz4_flex decodes one at a time.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

use super::framed::{Framed, is_skippable};

/// The legacy format has no end mark: its frames end where the file does.
const LEGACY: u32 = 0x184c_2102;

/// All frames of a file.
pub(super) struct Frames<R: BufRead> {
    decoder: FrameDecoder<Framed<R>>,
    /// Whether a frame has begun and not ended.
    inside: bool,
    legacy: bool,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        Self { decoder: FrameDecoder::new(Framed::new(input)), inside: false, legacy: false }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside {
                match self.decoder.get_mut().magic()? {
                    None => return Ok(0),
                    Some(magic) if is_skippable(magic) => {
                        self.decoder.get_mut().skip_frame()?;
                        continue;
                    }
                    Some(magic) => (self.inside, self.legacy) = (true, magic == LEGACY),
                }
            }
            let count = self.decoder.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            // The decoder says 0 both after an end mark and where the file ends before one.
            if self.decoder.get_ref().ran_out {
                return if self.legacy { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.inside = false;
        }
    }
}
