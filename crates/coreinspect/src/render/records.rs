//! A stream of records: each element of an array as a line of JSON, written while it is decoded.
//!
//! The lines are what serde writes of the same values (`report::Value`, compact); a tree of each would cost three times
//! the decoding.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use super::json;
use crate::position::{Interval, SegmentOffset};
use crate::report;
use crate::types::decode::Sink;
use crate::types::value::{Kind, NumberStyle};

/// Writes what a decoder tells. Of an array each element is a line, of anything else the whole.
pub struct Records<'o> {
    out: &'o mut dyn Write,
    line: Vec<u8>,
    /// The structs and arrays that are open: whether each has a first part.
    open: Vec<bool>,
    /// Where the last field's name stands in the line, with its quotes' insides.
    name: (usize, usize),
    /// The names of a record's fields as they are written, `"name":`, in their order: the next record has them again.
    keys: Vec<(*const str, Vec<u8>)>,
    /// Which of them is next.
    next_key: usize,
    /// Whether the outermost value is an array: it has no brackets.
    array: bool,
    error: Option<io::Error>,
    /// Elements that were written.
    count: u64,
}

/// Names that are kept as they are written: of a record of many more each is written anew.
const KEYS: usize = 256;
/// Bytes that are written at once.
const BLOCK: usize = 64 << 10;

impl<'o> Records<'o> {
    /// Records for `out`.
    pub fn new(out: &'o mut dyn Write) -> Self {
        let line = Vec::with_capacity(BLOCK + 4096);
        Self {
            out,
            line,
            open: Vec::new(),
            name: (0, 0),
            keys: Vec::new(),
            next_key: 0,
            array: false,
            error: None,
            count: 0,
        }
    }

    /// Writes what is left, and answers how many records there were.
    ///
    /// # Errors
    /// What writing said, at any time.
    pub fn end(mut self) -> io::Result<u64> {
        if !self.array {
            self.line.push(b'\n');
            self.count = 1;
        }
        self.write();
        self.error.map_or(Ok(self.count), Err)
    }

    fn write(&mut self) {
        if self.error.is_none() {
            self.error = self.out.write_all(&self.line).err();
        }
        self.line.clear();
    }

    /// A comma, if something stands before. A record may be as long as its segment, or without an end: its line goes out in
    /// pieces.
    #[inline]
    fn part(&mut self) {
        if self.line.len() >= BLOCK {
            self.write();
        }
        match self.open.last_mut() {
            Some(some) if *some => self.line.push(b','),
            Some(some) => *some = true,
            None => {}
        }
    }

    /// As `part`, for a value: a field's comma stands before its name.
    #[inline]
    fn value_begins(&mut self) {
        // A name that was just written ends with its colon.
        if self.line.last() != Some(&b':') || self.name.1.checked_add(2) != Some(self.line.len()) {
            self.part();
        }
    }

    fn any(&mut self, kind: &Kind) {
        // Into memory: it cannot fail.
        let _ = json::inline(&report::Said(kind), &mut self.line);
    }
}

impl Sink for Records<'_> {
    fn is_full(&self) -> bool {
        self.error.is_some()
    }

    fn keeps(&self) -> bool {
        false
    }

    fn begin_struct(&mut self) {
        self.value_begins();
        self.line.push(b'{');
        self.open.push(false);
    }

    #[inline]
    fn field(&mut self, name: &Arc<str>) {
        self.part();
        let start = self.line.len().saturating_add(1);
        let this = Arc::as_ptr(name);
        match self.keys.get(self.next_key) {
            // One address is one name: the type outlives the decoding.
            Some((known, key)) if std::ptr::addr_eq(*known, this) => self.line.extend_from_slice(key),
            _ => {
                // Into memory: it cannot fail.
                let _ = json::inline(&&**name, &mut self.line);
                self.line.push(b':');
                if self.next_key < KEYS {
                    self.keys.truncate(self.next_key);
                    let key = self.line.get(start.saturating_sub(1)..).unwrap_or_default();
                    self.keys.push((this, key.to_vec()));
                }
            }
        }
        self.next_key = self.next_key.saturating_add(1);
        self.name = (start, self.line.len().saturating_sub(2));
    }

    fn end_struct(&mut self, _: Interval<SegmentOffset>) {
        self.line.push(b'}');
        self.open.pop();
    }

    fn begin_array(&mut self) {
        if self.open.is_empty() && !self.array && self.line.is_empty() {
            self.array = true;
            return;
        }
        self.value_begins();
        self.line.push(b'[');
        self.open.push(false);
    }

    fn element(&mut self) -> bool {
        self.next_key = 0;
        self.line.push(b'\n');
        self.count = self.count.saturating_add(1);
        if self.line.len() >= BLOCK {
            self.write();
        }
        self.error.is_none()
    }

    fn end_array(&mut self, _: Interval<SegmentOffset>, _: u64) {
        if self.open.pop().is_some() {
            self.line.push(b']');
        }
    }

    fn value(&mut self, _: Interval<SegmentOffset>, kind: Cow<'_, Kind>) {
        self.value_begins();
        if let Kind::Text(text) = &*kind
            && !text.measured
            && !self.open.is_empty()
            && std::str::from_utf8(&text.bytes).is_err()
        {
            // The sister field: the bytes as hex, under the same name.
            let name = self.line.get(self.name.0..self.name.1).unwrap_or_default().to_vec();
            let bytes = Kind::Bytes(text.bytes.clone(), text.length);
            let in_struct = self.line.last() == Some(&b':');
            self.any(&kind);
            if in_struct {
                self.line.extend_from_slice(b",\"");
                self.line.extend_from_slice(&name);
                self.line.extend_from_slice(b"_hex\":");
                self.any(&bytes);
            }
            return;
        }
        match &*kind {
            // As serde_json writes a double: the shortest digits that give it back.
            Kind::Float(value) if value.is_finite() => {
                let _ = json::inline(value, &mut self.line);
            }
            Kind::Missing | Kind::Nothing => self.line.extend_from_slice(b"null"),
            Kind::Text(text) if !text.measured && is_plain(&text.bytes) => {
                self.line.push(b'"');
                self.line.extend_from_slice(&text.bytes);
                self.line.push(b'"');
            }
            _ => self.any(&kind),
        }
    }

    #[inline]
    fn number(&mut self, offsets: Interval<SegmentOffset>, value: i128, style: NumberStyle) {
        match i64::try_from(value) {
            Ok(value) if value.unsigned_abs() <= 1 << 53 => {
                self.value_begins();
                self.line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            _ => self.value(offsets, Cow::Owned(Kind::Number(value, style))),
        }
    }
}

/// Whether JSON writes these bytes as they are.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte) && *byte != b'"' && *byte != b'\\')
}
