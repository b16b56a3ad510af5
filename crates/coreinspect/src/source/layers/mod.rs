//! What a dump is wrapped in: compression, one inside another, and apport's reports.
//!
//! A [`Layer`] is recognised by the first bytes, never by a name. [`unwrap`] takes off all there are, outermost first.

#[cfg(feature = "compression")]
mod apport;
mod framed;
#[cfg(feature = "compression")]
mod lz4;
#[cfg(feature = "compression")]
mod members;
mod zstandard;

pub(super) use zstandard::size_told as zstandard_size;

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::Format;

/// Memory that a decoder may take for its window: bytes. What `zstd --long=27` and `xz -9` need fits.
const MOST_WINDOW: u32 = 128 << 20;
/// Layers that are taken off; a file that is wrapped more often was made to keep somebody busy.
const MOST_LAYERS: usize = 4;
/// Bytes at the start of a file that tell what it is.
const START: usize = 512;
/// Compressed bytes that are read at once.
const INPUT: usize = 64 << 10;

/// A wrapping that is taken off while reading forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// Zstandard (RFC 8878): all frames, skippable ones passed over.
    Zstandard,
    /// LZ4: the frame format, and the legacy one of `lz4 -l`.
    Lz4,
    /// xz: all streams of a file.
    Xz,
    /// gzip (RFC 1952): all members, and zeroes behind them.
    Gzip,
    /// bzip2: all streams, and zeroes behind them.
    Bzip2,
    /// Skippable frames, with which files of zstd (pzstd's are) and of lz4 may begin. They hold nothing of a dump.
    Skippable,
    /// An apport report: its `CoreDump`, base64 of what is itself compressed (apport's problem_report.py).
    Apport,
}

impl Layer {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstandard => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Skippable => "skippable frames",
            Self::Apport => "apport",
        }
    }

    /// The layer that a file of `format` is wrapped in.
    pub fn of(format: Format) -> Option<Self> {
        match format {
            Format::Compressed(layer) => Some(layer),
            Format::Apport => Some(Self::Apport),
            _ => None,
        }
    }

    /// What reads the bytes that `input` wraps.
    pub(crate) fn decoder(self, input: Box<dyn BufRead + Send>) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Zstandard => zstandard::decoder(input)?,
            #[cfg(feature = "compression")]
            Self::Lz4 => Box::new(lz4::Frames::new(input)),
            #[cfg(feature = "compression")]
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, MOST_WINDOW / 1024)),
            #[cfg(feature = "compression")]
            Self::Gzip => Box::new(members::Members::<flate2::bufread::GzDecoder<_>>::new(input)),
            #[cfg(feature = "compression")]
            Self::Bzip2 => Box::new(members::Members::<bzip2::bufread::BzDecoder<_>>::new(input)),
            Self::Skippable => Box::new(framed::behind_skippable(input)?),
            #[cfg(feature = "compression")]
            Self::Apport => Box::new(apport::CoreDump::new(input)),
            #[cfg(not(feature = "compression"))]
            Self::Lz4 | Self::Xz | Self::Gzip | Self::Bzip2 | Self::Apport => return Err(left_out(self)),
        })
    }
}

/// The library was built without what reads `layer`.
#[cfg(not(all(feature = "compression", feature = "zstd")))]
fn left_out(layer: Layer) -> io::Error {
    let what = format!("this build of coreinspect cannot read {layer}: unpack it with its own tool");
    io::Error::new(io::ErrorKind::Unsupported, what)
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is inside all layers, and which they are, the outermost first.
pub(super) struct Unwrapped {
    /// The bytes of the dump.
    pub(super) reader: Box<dyn Read + Send>,
    /// What was taken off.
    pub(super) layers: Vec<Layer>,
}

/// Takes every layer off `input`.
///
/// # Errors
/// More than four layers; a layer whose first byte cannot be read. Damage behind it is the reader's to say.
pub(super) fn unwrap(input: Box<dyn Read + Send>) -> io::Result<Unwrapped> {
    let mut reader = input;
    let mut layers = Vec::new();
    loop {
        let (start, failure) = start_of(&mut reader);
        if let (Some(error), true) = (&failure, start.is_empty()) {
            return Err(io::Error::other(problem(&layers, 0, error)));
        }
        let format = Format::of_start(&start);
        let after: Box<dyn Read + Send> = match failure {
            Some(error) => Box::new(Failing(Some(error))),
            None => reader,
        };
        let whole = Cursor::new(start).chain(after);
        let Some(layer) = Layer::of(format) else {
            return Ok(Unwrapped { reader: Box::new(whole), layers });
        };
        if layers.len() == MOST_LAYERS {
            return Err(io::Error::other(format!(
                "it is wrapped more than {MOST_LAYERS} times ({}, ...); unpack it first",
                names(&layers)
            )));
        }
        // What stands behind them is the layer that people know.
        if layer != Layer::Skippable {
            layers.push(layer);
        }
        reader = layer.decoder(Box::new(BufReader::with_capacity(INPUT, whole)))?;
    }
}

/// As many of the first bytes as there are, and what ended them.
fn start_of(reader: &mut dyn Read) -> (Vec<u8>, Option<io::Error>) {
    let mut start = vec![0; START];
    let mut length = 0;
    while let Some(rest) = start.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => length = length.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                start.truncate(length);
                return (start, Some(error));
            }
        }
    }
    start.truncate(length);
    (start, None)
}

/// Says again what ended a start.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// `gzip in zstd`: the innermost first, as a person reads it.
pub(super) fn names(layers: &[Layer]) -> String {
    layers.iter().rev().map(|layer| layer.name()).collect::<Vec<_>>().join(" in ")
}

/// What broke off a stream of `layers` after `came` bytes, in words.
pub(super) fn problem(layers: &[Layer], came: u64, error: &io::Error) -> String {
    let what = match layers {
        [] => "the stream".to_owned(),
        layers => format!("the {} stream", names(layers)),
    };
    let text = error.to_string();
    let window = layers.contains(&Layer::Zstandard) && text.contains("too much memory")
        || layers.contains(&Layer::Zstandard) && text.contains("window")
        || error.kind() == io::ErrorKind::OutOfMemory;
    if window {
        return format!(
            "{what} wants a window of more than {} MiB, which is not given: unpack it with its own tool, as `zstd -dc \
             --long=31 FILE | coreinspect -`",
            MOST_WINDOW >> 20
        );
    }
    if text.to_lowercase().contains("dict") {
        return format!(
            "{what} was made with a dictionary, which is not in it: unpack it with the same one, as `zstd -dc -D DICTIONARY \
             FILE | coreinspect -`"
        );
    }
    match error.kind() {
        // What the report lacks is said by itself.
        io::ErrorKind::InvalidData if layers == [Layer::Apport] && came == 0 => text,
        io::ErrorKind::UnexpectedEof => {
            format!("{what} ends early, {came} decompressed bytes into it: it was cut short")
        }
        _ => format!("{what} is damaged {came} decompressed bytes into it ({text})"),
    }
}
