//! The output `json`: one document of the contract `coreinspect/1`; and how JSON is written here.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::canvas::Draw;
use super::output::{Beside, Document, Output, Shown};
use super::printable::is_treacherous;
use crate::report::{Dump, SCHEMA};

/// The row of this output.
pub const OUTPUT: Output = Output {
    name: "json",
    about: "One JSON document",
    for_people: false,
    joins: true,
    begin: |_| Box::new(Dumps::default()),
};

/// Writes `value` over several lines, indented.
///
/// # Errors
/// What writing said.
pub fn pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    Tokens::into(out, |out| {
        Ok(value.serialize(&mut Serializer::with_formatter(out, Harmless(Indented::default())))?)
    })
}

/// Writes `value` without a line's end.
///
/// # Errors
/// What writing said.
pub fn inline(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Harmless(CompactFormatter)))?;
    Ok(())
}

/// Writes `value` as one line.
///
/// # Errors
/// What writing said.
pub fn compact(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    Tokens::into(out, |out| {
        value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?;
        out.write_all(b"\n")
    })
}

/// Gathers the tokens of a document: each is a few bytes, and `to` is asked through layers that each ask a question.
struct Tokens<'w> {
    to: &'w mut dyn Write,
    gathered: Vec<u8>,
}

impl<'w> Tokens<'w> {
    /// Bytes that are handed on at once.
    const MOST: usize = 8 << 10;

    fn into(to: &'w mut dyn Write, write: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let mut this = Self { to, gathered: Vec::with_capacity(Self::MOST) };
        write(&mut this)?;
        this.hand_on()
    }

    #[cold]
    fn hand_on(&mut self) -> io::Result<()> {
        self.to.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

impl Write for Tokens<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.gathered.capacity().saturating_sub(self.gathered.len()) {
            self.hand_on()?;
            if bytes.len() > Self::MOST {
                return self.to.write_all(bytes);
            }
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.to.flush()
    }
}

/// What can be written as JSON.
pub trait Data {
    /// Over several lines, indented, without a line's end.
    ///
    /// # Errors
    /// What writing said.
    fn pretty(&self, out: &mut dyn Write) -> io::Result<()>;

    /// As one line.
    ///
    /// # Errors
    /// What writing said.
    fn compact(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: Serialize> Data for T {
    fn pretty(&self, out: &mut dyn Write) -> io::Result<()> {
        pretty(self, out)
    }

    fn compact(&self, out: &mut dyn Write) -> io::Result<()> {
        compact(self, out)
    }
}

/// The document of several dumps, written as they come.
#[derive(Debug, Default)]
pub struct Dumps {
    dumps: usize,
}

impl Document for Dumps {
    fn report(&mut self, shown: &dyn Shown, out: &mut dyn Write) -> io::Result<()> {
        shown.data().pretty(out)?;
        out.write_all(b"\n")
    }

    fn dump(&mut self, dump: &Dump, _: &dyn Draw, out: &mut dyn Write) -> io::Result<()> {
        self.comma(out)?;
        pretty(dump, out)
    }

    fn end(&mut self, beside: Beside<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.dumps == 0 {
            self.comma(out)?;
        }
        out.write_all(b"]")?;
        let mut member = |name: &str, data: &dyn Data| {
            write!(out, ",\n\"{name}\": ")?;
            data.pretty(out)
        };
        match beside {
            Beside::Nothing => {}
            Beside::Shared(shared) => {
                member("shared", &shared.shared)?;
                member("outliers", &shared.outliers)?;
            }
            Beside::Namespace(listed) => member("namespace", listed.namespace)?,
        }
        out.write_all(b"}\n")
    }
}

impl Dumps {
    fn comma(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.dumps == 0 {
            write!(out, "{{\"schema\": \"{SCHEMA}\", \"dumps\": [")?;
        } else {
            out.write_all(b",\n")?;
        }
        self.dumps = self.dumps.saturating_add(1);
        Ok(())
    }
}

/// A formatter that puts each member and element on a line of its own, as serde_json's does, but the line's end and all of its
/// indentation at once.
#[derive(Default)]
struct Indented {
    depth: usize,
    /// Whether the object or array that ends has anything in it.
    filled: bool,
}

impl Indented {
    /// A comma, a line's end, and as much indentation as reports have.
    const NEXT: &str = ",\n                                ";

    fn line<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        let indentation = self.depth.saturating_mul(2);
        let from = usize::from(first);
        if let Some(line) = Self::NEXT.get(from..indentation.saturating_add(2)) {
            return writer.write_all(line.as_bytes());
        }
        write!(writer, "{}{:indentation$}", if first { "\n" } else { ",\n" }, "")
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_add(1);
        self.filled = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if self.filled {
            self.line(writer, true)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for Indented {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

/// A formatter whose strings are harmless on a terminal: beside C0, which JSON always escapes, it escapes DEL, C1 and
/// the controls of writing direction and width.
struct Harmless<F>(F);

macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        }
    )*};
}

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Most are: no byte below 0x7f is treacherous.
        if fragment.bytes().fold(0, |any, byte| any | u8::from(byte >= 0x7f)) == 0 {
            return writer.write_all(fragment.as_bytes());
        }
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_treacherous(*c)) {
            writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at.saturating_add(c.len_utf8());
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }

    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }
}
