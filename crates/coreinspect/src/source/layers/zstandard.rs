//! Zstandard (RFC 8878).

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;

use super::framed::is_skippable;

const MAGIC: u32 = 0xfd2f_b528;
/// A block gives at most so many bytes (RFC 8878 3.1.1.2.3).
const LARGEST_BLOCK: u64 = 128 << 10;

#[cfg(feature = "zstd")]
pub(super) fn decoder(input: Box<dyn BufRead + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
    decoder.window_log_max(super::MOST_WINDOW.ilog2())?;
    Ok(Box::new(decoder))
}

#[cfg(all(feature = "ruzstd", not(feature = "zstd")))]
pub(super) fn decoder(input: Box<dyn BufRead + Send>) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(frames::Frames::new(input)))
}

#[cfg(not(any(feature = "ruzstd", feature = "zstd")))]
pub(super) fn decoder(_: Box<dyn BufRead + Send>) -> io::Result<Box<dyn Read + Send>> {
    Err(super::left_out(super::Layer::Zstandard))
}

/// ruzstd decodes one frame, and takes a skippable one for an error.
#[cfg(any(test, all(feature = "ruzstd", not(feature = "zstd"))))]
mod frames {
    use std::io::{self, BufRead, Read};

    use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

    use super::super::framed::{Framed, is_skippable};

    pub(super) struct Frames {
        /// Between two frames.
        input: Option<Framed<Box<dyn BufRead + Send>>>,
        frame: Option<StreamingDecoder<Framed<Box<dyn BufRead + Send>>, FrameDecoder>>,
    }

    impl Frames {
        pub(super) fn new(input: Box<dyn BufRead + Send>) -> Self {
            Self { input: Some(Framed::new(input)), frame: None }
        }

        /// Begins the next frame; `false` at the end.
        fn begin(&mut self) -> io::Result<bool> {
            let Some(mut input) = self.input.take() else { return Ok(false) };
            loop {
                match input.magic()? {
                    None => return Ok(false),
                    Some(magic) if is_skippable(magic) => {
                        input.skip_frame()?;
                    }
                    Some(_) => break,
                }
            }
            self.frame = Some(
                StreamingDecoder::new_with_max_window_size(input, u64::from(super::super::MOST_WINDOW))
                    .map_err(|error| io::Error::new(kind(&error), error.to_string()))?,
            );
            Ok(true)
        }
    }

    /// Whether the input ended, or is damaged.
    fn kind(error: &(dyn std::error::Error + 'static)) -> io::ErrorKind {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let ended = causes
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        if ended { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData }
    }

    impl Read for Frames {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            loop {
                let Some(frame) = &mut self.frame else {
                    match self.begin()? {
                        true => continue,
                        false => return Ok(0),
                    }
                };
                match frame.read(into) {
                    Ok(0) if !into.is_empty() => {
                        self.input = self.frame.take().map(StreamingDecoder::into_inner)
                    }
                    Err(_) if frame.get_ref().ran_out => return Err(io::ErrorKind::UnexpectedEof.into()),
                    result => return result,
                }
            }
        }
    }
}

/// The decompressed size of the frames that `file` (of `length` bytes) is, where each tells its own and the file ends
/// just where the last one does. Nothing is decompressed: headers of frames and blocks are read, the blocks passed over.
///
/// `None` if a frame does not tell (the compressor read a pipe), the file is cut short or something else stands in it.
pub(in crate::source) fn size_told(file: &File, length: u64) -> Option<u64> {
    let mut window = Window { file, length, at: 0, bytes: Vec::new() };
    let mut position = 0_u64;
    let mut total = 0_u64;
    while position < length {
        let magic = u32::from_le_bytes(window.at(position)?);
        position = position.checked_add(4)?;
        if is_skippable(magic) {
            let size = u32::from_le_bytes(window.at(position)?);
            position = position.checked_add(4)?.checked_add(u64::from(size))?;
            continue;
        }
        if magic != MAGIC {
            return None;
        }
        let [descriptor] = window.at(position)?;
        let single_segment = descriptor & 0x20 != 0;
        let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
        position =
            position.checked_add(1)?.checked_add(u64::from(!single_segment))?.checked_add(dictionary)?;
        let (size, width) = match (descriptor >> 6, single_segment) {
            (0, false) => return None,
            (0, true) => (u64::from(u8::from_le_bytes(window.at(position)?)), 1),
            (1, _) => (u64::from(u16::from_le_bytes(window.at(position)?)).checked_add(256)?, 2),
            (2, _) => (u64::from(u32::from_le_bytes(window.at(position)?)), 4),
            _ => (u64::from_le_bytes(window.at(position)?), 8),
        };
        position = position.checked_add(width)?;
        let mut most = 0_u64;
        loop {
            let [a, b, c] = window.at(position)?;
            let header = u32::from_le_bytes([a, b, c, 0]);
            let block = u64::from(header >> 3);
            let (stored, given) = match (header >> 1) & 3 {
                0 => (block, block),
                1 => (1, block),
                2 => (block, LARGEST_BLOCK),
                _ => return None,
            };
            position = position.checked_add(3)?.checked_add(stored)?;
            most = most.checked_add(given)?;
            if header & 1 == 1 {
                break;
            }
        }
        if descriptor & 4 != 0 {
            position = position.checked_add(4)?;
        }
        if size > most {
            return None;
        }
        total = total.checked_add(size)?;
    }
    (position == length && length > 0).then_some(total)
}

/// A few pages of a file around where headers are read.
struct Window<'f> {
    file: &'f File,
    length: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Small: blocks that hardly compress are passed over, not read.
    const SIZE: usize = 4096;

    fn at<const N: usize>(&mut self, position: u64) -> Option<[u8; N]> {
        let inside = position.checked_sub(self.at).and_then(|start| usize::try_from(start).ok());
        let inside = inside.and_then(|start| self.bytes.get(start..start.checked_add(N)?));
        if let Some(bytes) = inside {
            return bytes.try_into().ok();
        }
        if position >= self.length {
            return None;
        }
        self.bytes.resize(Self::SIZE, 0);
        let count = self.file.read_at(&mut self.bytes, position).ok()?;
        self.bytes.truncate(count);
        self.at = position;
        self.bytes.get(..N)?.try_into().ok()
    }
}

#[cfg(test)]
#[cfg(feature = "zstd")]
mod tests {
    use std::io::{self, BufReader, Cursor, Read};

    use super::frames::Frames;

    /// Frames by the C library, with a skippable one between them and one behind.
    fn packed() -> (Vec<u8>, Vec<u8>) {
        let bytes: Vec<u8> = (0..400_000_u32).map(|at| (at.wrapping_mul(at) >> 13) as u8).collect();
        let skipped = b"\x53\x2a\x4d\x18\x05\0\0\0hello".to_vec();
        let frame = |part: &[u8]| zstd::encode_all(part, 3).unwrap();
        let packed = [frame(&bytes[..150_000]), skipped.clone(), frame(&bytes[150_000..]), skipped].concat();
        (packed, bytes)
    }

    fn decoders(packed: &[u8]) -> [Box<dyn Read>; 2] {
        // Input in small pieces, as a pipe gives it.
        let input = || Box::new(BufReader::with_capacity(7, Cursor::new(packed.to_vec())));
        [Box::new(Frames::new(input())), super::decoder(input()).unwrap()]
    }

    #[test]
    fn both_decoders_read_all_frames() {
        let (packed, bytes) = packed();
        for mut decoder in decoders(&packed) {
            let mut unpacked = Vec::new();
            decoder.read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == bytes);
        }
    }

    #[test]
    fn both_decoders_tell_a_file_that_is_cut_short() {
        let (packed, bytes) = packed();
        for length in [5, 1000, packed.len() / 2, packed.len() - 20] {
            for mut decoder in decoders(&packed[..length]) {
                let mut unpacked = Vec::new();
                let error = decoder.read_to_end(&mut unpacked).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}: {error}");
                assert!(bytes.starts_with(&unpacked), "{length}");
            }
        }
    }
}
