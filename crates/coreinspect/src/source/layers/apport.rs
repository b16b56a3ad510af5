//! Apport's crash reports (`/var/crash/*.crash`): fields of text, and the core as base64.
//!
//! `CoreDump: base64` is followed by lines that begin with a space; each is base64 of a piece of one gzip or zstd stream
//! (apport, problem_report.py `_write_binary_item_base64_encoded`). What that stream is, its own first bytes tell.

use std::io::{self, BufRead, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of base64 that are decoded at once; whole groups of four.
const PIECE: usize = 64 << 10;

/// The bytes of `CoreDump`.
pub(super) struct CoreDump<R> {
    input: R,
    begun: bool,
    /// Whether the next byte begins a line.
    at_line_start: bool,
    text: Vec<u8>,
    bytes: Vec<u8>,
    given: usize,
}

impl<R: BufRead> CoreDump<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, begun: false, at_line_start: true, text: Vec::new(), bytes: Vec::new(), given: 0 }
    }

    /// Goes behind the line `CoreDump: base64`.
    fn find(&mut self) -> io::Result<()> {
        loop {
            let mut line = Vec::new();
            // No name of a field is long; the rest of a line is passed over without keeping it.
            (&mut self.input).take(64).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the report has no CoreDump: apport wrote none, or took it out after it was sent",
                ));
            }
            let whole = line.ends_with(b"\n");
            if line.trim_ascii_end() == b"CoreDump: base64" {
                return Ok(());
            }
            if !whole {
                self.skip_line()?;
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        self.input.skip_until(b'\n').map(|_| ())
    }

    /// Decodes the next piece; nothing at the end of the field.
    fn decode(&mut self) -> io::Result<()> {
        self.bytes.clear();
        self.given = 0;
        self.text.clear();
        while self.text.len() < PIECE {
            let available = self.input.fill_buf()?;
            let Some(&first) = available.first() else { break };
            if self.at_line_start {
                if first != b' ' {
                    break;
                }
                self.at_line_start = false;
                self.input.consume(1);
                continue;
            }
            let room = available.len().min(PIECE.saturating_sub(self.text.len()));
            let available = available.get(..room).unwrap_or_default();
            match memchr::memchr(b'\n', available) {
                Some(end) => {
                    self.text.extend_from_slice(available.get(..end).unwrap_or_default());
                    self.input.consume(end.saturating_add(1));
                    self.at_line_start = true;
                    // Each line is padded by itself.
                    if !self.text.is_empty() {
                        break;
                    }
                }
                None => {
                    self.text.extend_from_slice(available);
                    self.input.consume(room);
                }
            }
        }
        let text = self.text.trim_ascii_end();
        // A report that is cut short ends inside a group of four.
        let whole = text.len() & !3;
        STANDARD
            .decode_vec(text.get(..whole).unwrap_or_default(), &mut self.bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("its base64: {error}")))
    }
}

impl<R: BufRead> Read for CoreDump<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.find()?;
            self.begun = true;
        }
        if self.given >= self.bytes.len() {
            self.decode()?;
        }
        let rest = self.bytes.get(self.given..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.given = self.given.saturating_add(count);
        Ok(count)
    }
}
