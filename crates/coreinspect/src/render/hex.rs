//! A hex dump as `hexdump -C` prints it, coloured by the class of each byte as hexyl does. Missing bytes are visibly
//! missing, equal lines are folded into `*`.

use std::io::{self, Write};

use super::style::{Style, field_color};

/// A byte, or its lack.
pub type Byte = Option<u8>;

/// Writes lines of a hex dump.
pub struct HexDump<'o> {
    style: Style,
    out: &'o mut dyn Write,
    line: Vec<Byte>,
    at: u64,
    last: Option<Vec<Byte>>,
    folding: bool,
    /// Offsets of the fields of a decoded value, and which field each is; sorted.
    fields: Vec<(u64, u64, usize)>,
}

impl<'o> HexDump<'o> {
    /// A dump whose first byte has the offset `at`.
    pub fn new(at: u64, style: Style, out: &'o mut dyn Write) -> Self {
        Self { style, out, line: Vec::new(), at, last: None, folding: false, fields: Vec::new() }
    }

    /// The same, with the bytes of these fields (start, end) in the colours that the fields have in a tree.
    pub fn fields(mut self, fields: Vec<(u64, u64)>) -> Self {
        let numbered = fields.into_iter().enumerate().map(|(number, (start, end))| (start, end, number));
        self.fields = numbered.filter(|(start, end, _)| start < end).collect();
        self.fields.sort_unstable();
        self
    }

    /// The colour of a byte: its field's, or else its class's.
    fn color_of(&self, at: u64, byte: Byte) -> &'static str {
        let before = self.fields.partition_point(|(start, ..)| *start <= at);
        let field = before.checked_sub(1).and_then(|last| self.fields.get(last));
        match (byte, field) {
            (Some(_), Some((_, end, number))) if at < *end => field_color(*number),
            _ => class(byte),
        }
    }

    /// Bytes of a line: 16, or 8 where 16 do not fit.
    fn columns(&self) -> usize {
        if self.style.width.is_some_and(|width| width < 78) { 8 } else { 16 }
    }

    /// Adds bytes that are there.
    ///
    /// # Errors
    /// What writing said.
    pub fn bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let columns = self.columns();
        while let Some((byte, rest)) = bytes.split_first() {
            // Lines that fold away are what a large segment mostly has.
            if self.folding && self.line.is_empty() && bytes.len() >= columns {
                let equal = bytes.chunks_exact(columns).take_while(|line| self.last_is(line)).count();
                let equal = equal.saturating_mul(columns);
                if equal > 0 {
                    self.at = self.at.saturating_add(equal as u64);
                    bytes = bytes.get(equal..).unwrap_or_default();
                    continue;
                }
            }
            self.push(Some(*byte))?;
            bytes = rest;
        }
        Ok(())
    }

    /// Adds `count` bytes that are missing; a long run costs no more than a short one.
    ///
    /// # Errors
    /// What writing said.
    pub fn missing(&mut self, mut count: u64) -> io::Result<()> {
        let columns = self.columns() as u64;
        while count > 0 {
            if self.folding && self.line.is_empty() && count > columns && self.last_is_missing() {
                let rest = count.checked_rem(columns).unwrap_or(0);
                let whole = count.saturating_sub(rest);
                self.at = self.at.saturating_add(whole);
                count = rest;
                continue;
            }
            self.push(None)?;
            count = count.saturating_sub(1);
        }
        Ok(())
    }

    /// Ends the dump with the offset after its last byte.
    ///
    /// # Errors
    /// What writing said.
    pub fn end(mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.flush()?;
        }
        writeln!(self.out, "{:08x}", self.at)
    }

    /// Ends the dump without the offset after its last byte: one excerpt of many.
    ///
    /// # Errors
    /// What writing said.
    pub fn end_without_offset(mut self) -> io::Result<()> {
        if self.line.is_empty() { Ok(()) } else { self.flush() }
    }

    fn last_is(&self, bytes: &[u8]) -> bool {
        self.last.as_ref().is_some_and(|line| line.iter().zip(bytes).all(|(one, other)| *one == Some(*other)))
    }

    fn last_is_missing(&self) -> bool {
        self.last.as_ref().is_some_and(|line| line.iter().all(Option::is_none))
    }

    fn push(&mut self, byte: Byte) -> io::Result<()> {
        self.line.push(byte);
        if self.line.len() == self.columns() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let columns = self.columns();
        let line = std::mem::take(&mut self.line);
        let at = self.at;
        self.at = at.saturating_add(line.len() as u64);
        if line.len() == columns && self.last.as_ref() == Some(&line) {
            if !self.folding {
                self.folding = true;
                writeln!(self.out, "*")?;
            }
            return Ok(());
        }
        self.folding = false;
        write!(self.out, "{at:08x} ")?;
        let mut color = "";
        for column in 0..columns {
            if column % 8 == 0 {
                write!(self.out, " ")?;
            }
            match line.get(column) {
                Some(byte) => {
                    self.set_color(&mut color, self.color_of(at.saturating_add(column as u64), *byte))?;
                    match (byte, self.style.unicode) {
                        (Some(byte), _) => write!(self.out, "{byte:02x}")?,
                        (None, true) => write!(self.out, "··")?,
                        (None, false) => write!(self.out, "--")?,
                    }
                    self.set_color(&mut color, "")?;
                    write!(self.out, " ")?;
                }
                None => write!(self.out, "   ")?,
            }
        }
        write!(self.out, " |")?;
        for (column, byte) in line.iter().enumerate() {
            self.set_color(&mut color, self.color_of(at.saturating_add(column as u64), *byte))?;
            match byte {
                Some(byte @ 0x20..=0x7e) => write!(self.out, "{}", char::from(*byte))?,
                Some(_) => write!(self.out, ".")?,
                None => write!(self.out, "{}", if self.style.unicode { "·" } else { "-" })?,
            }
        }
        self.set_color(&mut color, "")?;
        writeln!(self.out, "|")?;
        self.last = Some(line);
        Ok(())
    }

    fn set_color(&mut self, now: &mut &'static str, wanted: &'static str) -> io::Result<()> {
        if self.style.color && *now != wanted {
            write!(self.out, "\x1b[{}m", if wanted.is_empty() { "0" } else { wanted })?;
            *now = wanted;
        }
        Ok(())
    }
}

/// The colour of a byte's class, as SGR parameters: NUL, printable, space, other ASCII, beyond ASCII, missing.
fn class(byte: Byte) -> &'static str {
    match byte {
        None => "31",
        Some(0) => "2",
        Some(0x20 | 0x09..=0x0d) => "32",
        Some(0x21..=0x7e) => "36",
        Some(0x01..=0x7f) => "35",
        Some(_) => "33",
    }
}
