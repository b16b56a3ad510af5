//! The one place where text from a dump becomes harmless on a terminal.

use std::fmt::{self, Write};

/// Bytes of a dump as printable text: controls (C0, DEL, C1), characters that change the writing direction or have no
/// width, and bytes that are not UTF-8 are shown as escapes.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a [u8]);

/// As [`Printable`], in quotes; quotes and backslashes in it are escaped too, so that the text can be told whole.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a [u8]);

/// Whether a terminal, or a person, could take `c` for something else than it is: DEL, C1, and what Unicode calls
/// default-ignorable (no width of its own, changes of writing direction, variation selectors, tags), line and paragraph
/// separators, annotations.
pub fn is_treacherous(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn escape(bytes: &[u8], quoted: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                '"' | '\\' if quoted => write!(f, "\\{c}")?,
                c if u32::from(c) < 0x20 || c == '\u{7f}' => write!(f, "\\x{:02x}", u32::from(c))?,
                c if is_treacherous(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, false, f)
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        escape(self.0, true, f)?;
        f.write_char('"')
    }
}

/// Bytes as one word of a shell's command line (bash(1), "Quoting"): in `$'...'` where they are more than a plain path.
#[derive(Clone, Copy, Debug)]
pub struct ShellWord<'a>(pub &'a [u8]);

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:,@%".contains(byte);
        if !self.0.is_empty() && self.0.iter().all(plain) {
            return write!(f, "{}", String::from_utf8_lossy(self.0));
        }
        f.write_str("$'")?;
        for byte in self.0 {
            match byte {
                b'\'' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_char('\'')
    }
}
