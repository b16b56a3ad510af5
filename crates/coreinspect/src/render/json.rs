//! The contract `coreinspect/1`: one document (`json`), or one dump a line (`jsonl`).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::printable::is_treacherous;
use crate::report::{Dump, Line, Namespace, NamespaceLine, SCHEMA, Shared};

/// Writes `value` over several lines, indented.
///
/// # Errors
/// What writing said.
pub fn pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Harmless(PrettyFormatter::new())))?;
    Ok(())
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
    value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?;
    out.write_all(b"\n")
}

/// Writes `dump` as one line of `jsonl`.
///
/// # Errors
/// What writing said.
pub fn line(dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
    compact(&Line { schema: SCHEMA, time: None, dump }, out)
}

/// As [`line()`], of a dump at `time`, in seconds since 1970.
///
/// # Errors
/// What writing said.
pub fn line_at(time: f64, dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
    compact(&Line { schema: SCHEMA, time: Some(time), dump }, out)
}

/// Writes `namespace` as one line of `jsonl`.
///
/// # Errors
/// What writing said.
pub fn namespace_line(namespace: &Namespace, out: &mut dyn Write) -> io::Result<()> {
    compact(&NamespaceLine { schema: SCHEMA, namespace }, out)
}

/// The document of several dumps, written as they come: memory does not add up over a thousand of them.
#[derive(Debug, Default)]
pub struct Document {
    dumps: usize,
}

impl Document {
    /// Adds `dump`.
    ///
    /// # Errors
    /// What writing said.
    pub fn dump(&mut self, dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
        self.comma(out)?;
        pretty(dump, out)
    }

    /// Ends the document.
    ///
    /// # Errors
    /// What writing said.
    pub fn end(self, out: &mut dyn Write) -> io::Result<()> {
        self.end_with(None, out)
    }

    /// Ends the document, with what its dumps share.
    ///
    /// # Errors
    /// What writing said.
    pub fn end_with(mut self, shared: Option<&Shared>, out: &mut dyn Write) -> io::Result<()> {
        if self.dumps == 0 {
            self.comma(out)?;
        }
        if let Some(shared) = shared {
            out.write_all(b"],\n\"shared\": ")?;
            pretty(&shared.shared, out)?;
            out.write_all(b",\n\"outliers\": ")?;
            pretty(&shared.outliers, out)?;
            return out.write_all(b"}\n");
        }
        out.write_all(b"]}\n")
    }

    /// Ends the document of all processes, with the segments of their IPC namespace.
    ///
    /// # Errors
    /// What writing said.
    pub fn end_with_namespace(mut self, namespace: &Namespace, out: &mut dyn Write) -> io::Result<()> {
        if self.dumps == 0 {
            self.comma(out)?;
        }
        out.write_all(b"],\n\"namespace\": ")?;
        pretty(namespace, out)?;
        out.write_all(b"}\n")
    }

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
