//! Sentences in lines.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::{Style, Tone};

/// Writes `text` behind `first`, and what does not fit in lines behind `rest`.
pub(super) fn write_wrapped(
    text: &str,
    first: &str,
    rest: &str,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = style.width.unwrap_or(usize::MAX).saturating_sub(rest.len()).max(20);
    for (number, line) in wrap(text, width).iter().enumerate() {
        match if number == 0 { first } else { rest } {
            "" => writeln!(out, "{line}")?,
            before => writeln!(out, "{}{line}", style.paint(Tone::Faint, before))?,
        }
    }
    Ok(())
}

/// `text` in lines of at most `width` columns; those after the first are indented.
pub(crate) fn in_lines(text: &str, width: usize) -> String {
    wrap(text, width.saturating_sub(2).max(20)).join("\n  ")
}

/// `text` in lines of at most `width` columns, broken at spaces where there are some.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut columns = 0_usize;
    for word in text.split_inclusive(' ') {
        let fits = columns.saturating_add(word.trim_end().width()) <= width;
        if !fits && columns > 0 {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            columns = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if columns.saturating_add(wide) > width && c != ' ' && columns > 0 {
                lines.push(std::mem::take(&mut line));
                columns = 0;
            }
            line.push(c);
            columns = columns.saturating_add(wide);
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_spaces_and_inside_what_is_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("漢字漢字", 4), ["漢字", "漢字"]);
    }
}
