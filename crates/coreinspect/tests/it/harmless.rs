//! What may reach a terminal: `\n`, printable UTF-8, and the colours that the program itself writes.

/// Characters that move the cursor, change the direction of writing, or cannot be seen. Unicode 15: general categories Cc, Zl
/// and Zp, Bidi_Control, Default_Ignorable_Code_Point, and the interlinear annotations.
const DANGEROUS: &[(u32, u32)] = &[
    (0x00, 0x1f),
    (0x7f, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

pub(crate) fn is_dangerous(char: char) -> bool {
    DANGEROUS.iter().any(|(first, last)| (*first..=*last).contains(&char.into()))
}

/// The length of `ESC [ digits ; digits m` at the start of `text`; `None` if something else stands there.
fn colour(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|char: char| !char.is_ascii_digit() && char != ';')?;
    body[end..].starts_with('m').then_some(2 + end + 1)
}

/// What is wrong with `output` on a terminal, if anything.
pub(crate) fn complaint(output: &[u8], colours: bool) -> Option<String> {
    let text = match std::str::from_utf8(output) {
        Ok(text) => text,
        Err(error) => return Some(format!("not UTF-8: {error}")),
    };
    let mut at = 0;
    loop {
        // Nearly everything is plain ASCII; a million mutants are quicker through it byte by byte.
        at += output[at..].iter().take_while(|byte| matches!(byte, b'\n' | b' '..=b'~')).count();
        let char = text[at..].chars().next()?;
        let skip = match char {
            '\x1b' if colours && colour(&text[at..]).is_some() => colour(&text[at..])?,
            _ if is_dangerous(char) => {
                let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                return Some(format!("U+{:04X} after {:?}", u32::from(char), &text[line..at]));
            }
            _ => char.len_utf8(),
        };
        at += skip;
    }
}

#[test]
fn complains_of_what_is_not_harmless() {
    let escapes: &[&[u8]] = &[
        b"\x1b[2J",
        b"\x1b]0;x\x07",
        b"\x1b[3",
        b"\x1b",
        b"a\rb",
        b"\t",
        b"\xff",
        "\u{9b}2J".as_bytes(),
        "\u{202e}".as_bytes(),
    ];
    for output in escapes {
        assert!(complaint(output, true).is_some(), "{output:?}");
    }
    for output in ["", "plain\n", "Grüße \u{65e5}\n", "\x1b[1;31mred\x1b[0m\n", "\x1b[m"] {
        assert_eq!(complaint(output.as_bytes(), true), None, "{output:?}");
    }
    assert!(complaint(b"\x1b[31m", false).is_some());
}
