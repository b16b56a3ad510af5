//! Text into words, numbers, strings and signs.

use std::ops::Range;

use crate::notation::problem::Problem;

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Its bytes in the text.
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a word of the grammar.
    Word,
    /// A number, and whether it was written in hex.
    Number(i128, bool),
    /// What stood between quotes.
    Text(Vec<u8>),
    /// A sign.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// Longer ones first.
const SIGNS: &[&str] = &[
    "...", "..", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "{", "}", "[", "]", "(", ")", ";", ",", ":",
    "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", ".", "@", "?",
];

/// Splits `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = skip_blanks(text, at)?;
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { break };
        let (kind, length) = if first.is_ascii_alphabetic() || first == '_' {
            (TokenKind::Word, word(rest))
        } else if first.is_ascii_digit() {
            number(rest, at)?
        } else if first == '"' || first == '\'' {
            quoted(rest, at, first)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (TokenKind::Sign(sign), sign.len())
        } else {
            let problem = Problem::new(
                format!("`{}` has no meaning here", first.escape_default()),
                at..at.saturating_add(first.len_utf8()),
            );
            return Err(match first {
                '#' => problem
                    .help("constants are written `const N = 4;`; headers are read by `--layout FILE.h:TYPE`"),
                '$' => problem.help("did the shell expand a variable? Put the layout between single quotes"),
                _ => problem.help("names are made of letters, digits and `_`"),
            });
        };
        let end = at.saturating_add(length);
        tokens.push(Token { kind, span: at..end });
        at = end;
    }
    tokens.push(Token { kind: TokenKind::End, span: text.len()..text.len() });
    Ok(tokens)
}

/// Behind blanks and comments.
fn skip_blanks(text: &str, mut at: usize) -> Result<usize, Problem> {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest.len().saturating_sub(rest.trim_start().len());
        let rest = rest.trim_start();
        at = at.saturating_add(blanks);
        if rest.starts_with("//") {
            at = at.saturating_add(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            let end = rest.get(2..).and_then(|rest| rest.find("*/"));
            let Some(end) = end else {
                return Err(Problem::new("this comment does not end", at..at.saturating_add(2))
                    .help("it ends with `*/`"));
            };
            at = at.saturating_add(end).saturating_add(4);
        } else {
            return Ok(at);
        }
    }
}

fn word(rest: &str) -> usize {
    rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len())
}

/// A number as C writes it: decimal, 0x, 0b, octal with a leading 0; `_` between digits; suffixes u and l.
fn number(rest: &str, at: usize) -> Result<(TokenKind, usize), Problem> {
    let length = word(rest);
    let written = rest.get(..length).unwrap_or_default();
    let span = at..at.saturating_add(length);
    let lower = written.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)),
        Some("0b") => (2, lower.get(2..)),
        Some("0o") => (8, lower.get(2..)),
        _ if lower.starts_with('0') && lower.len() > 1 => (8, lower.get(1..)),
        _ => (10, Some(lower.as_str())),
    };
    let digits: String = digits.unwrap_or_default().trim_end_matches(['u', 'l']).replace('_', "");
    if digits.is_empty() && radix == 8 && !lower.contains('o') {
        return Ok((TokenKind::Number(0, false), length));
    }
    let wrong = digits.chars().find(|digit| !digit.is_digit(radix));
    let value = match wrong {
        None if digits.is_empty() => Err("digits are missing".to_owned()),
        None => i128::from_str_radix(&digits, radix).map_err(|_| "it needs more than 127 bits".to_owned()),
        Some(wrong) if radix == 8 => Err(format!("`{wrong}` is no octal digit, and a leading 0 means octal")),
        Some(wrong) => Err(format!("`{wrong}` is no digit of it")),
    };
    let fraction = rest.get(length..).unwrap_or_default().strip_prefix('.');
    if fraction.is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit())) {
        return Err(Problem::new("numbers here are whole", span));
    }
    match value {
        Ok(value) => Ok((TokenKind::Number(value, radix == 16), length)),
        Err(why) => Err(Problem::new(format!("`{written}` is no number: {why}"), span)),
    }
}

/// A string, or a character as the number that C makes of it.
fn quoted(rest: &str, at: usize, quote: char) -> Result<(TokenKind, usize), Problem> {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().peekable();
    chars.next();
    let here = |offset: usize, length: usize| {
        let start = at.saturating_add(offset);
        start..start.saturating_add(length)
    };
    let mut ended = None;
    while let Some((offset, char)) = chars.next() {
        match char {
            '\n' => break,
            char if char == quote => {
                ended = Some(offset.saturating_add(1));
                break;
            }
            '\\' => {
                let Some((_, escaped)) = chars.next() else { break };
                let byte = match escaped {
                    'n' => b'\n',
                    't' => b'\t',
                    'r' => b'\r',
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'v' => 11,
                    'e' => 27,
                    '\\' => b'\\',
                    '"' => b'"',
                    '\'' => b'\'',
                    'x' => {
                        let mut value = 0_u8;
                        let mut digits = 0_u8;
                        while digits < 2
                            && let Some(digit) = chars.peek().and_then(|(_, char)| char.to_digit(16))
                        {
                            value = value << 4 | u8::try_from(digit).unwrap_or(0);
                            digits = digits.saturating_add(1);
                            chars.next();
                        }
                        if digits == 0 {
                            return Err(Problem::new("`\\x` wants two hex digits", here(offset, 2)));
                        }
                        value
                    }
                    digit @ '0'..='7' => {
                        let mut value = digit.to_digit(8).unwrap_or(0);
                        let mut digits = 1_u8;
                        while digits < 3
                            && let Some(digit) = chars.peek().and_then(|(_, char)| char.to_digit(8))
                        {
                            value = value << 3 | digit;
                            digits = digits.saturating_add(1);
                            chars.next();
                        }
                        u8::try_from(value)
                            .map_err(|_| Problem::new("an octal escape above `\\377`", here(offset, 4)))?
                    }
                    other => {
                        let length = 1_usize.saturating_add(other.len_utf8());
                        return Err(Problem::new(
                            format!("`\\{}` is no escape", other.escape_default()),
                            here(offset, length),
                        )
                        .help("there are \\n \\t \\r \\0 \\\\ \\\" \\' \\xNN and octal ones"));
                    }
                };
                bytes.push(byte);
            }
            char => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    let Some(length) = ended else {
        return Err(Problem::new(format!("this {quote} has no other that ends it"), here(0, 1)));
    };
    match (quote, bytes.as_slice()) {
        ('"', _) => Ok((TokenKind::Text(bytes), length)),
        (_, [byte]) => Ok((TokenKind::Number(i128::from(*byte), false), length)),
        _ => Err(Problem::new("one byte stands between ' and '", here(0, length))
            .help("text stands between \" and \"")),
    }
}
