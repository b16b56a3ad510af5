//! Texts that are nearly right, over any bytes: each ends in a message, or in a value within the limits.

use coreinspect::internals::notation::inline;
use coreinspect::types::{outline, spelled};

use super::{I386, S390X, X86_64, decode_type};
use crate::random::Random;

/// Texts that use all of the grammar.
const TEXTS: &[&str] = &[
    "u8 flag { 0=empty 1=ready 2=read }; cstr message",
    "struct item { u8 kind; be u32 v; char name[4]; }; u8 n; item items[n]; bytes rest[until 40]; u8 last[]",
    "u8 x; u32 a : 3, b : 5; u32 : 0; unsigned long c : 24; i16 d[2][3], *e; flags u16 f { 1=x 2=y }",
    "u8 k; switch (k & 3) size 8 { case 0: u32 a; case 1..2: cstr s; default: struct { u8 z; } q[k]; } body; align 8; u8 e",
    "u32 magic = 0x1234; char m[8] = \"PHP\\0\"; check magic == 4 && m != 0 \"torn\"; if (magic > 5) u16 v; else { pad 3; f32 w }",
    "packed; be; union { u32 whole; struct { u8 low; u8 high; }; }; @0x10 u8 at; @segment(low * 2) u16 there; size high + 20",
    "enum color : u8 { red, green = 5 }; typedef color paint; const N = 3; paint p[N]; time_ms u64 t; struct timespec ts; utf16 u[4]",
    "struct record { u8 length; size length; text s; }; record all[]",
    "struct node { u32 value; struct node *next; void (*call)(int); }; node[2]",
    "u64 count; struct { u8 list[count]; } rows[count]; bytes b[count << 60]; u8 c[here + segment_size / sizeof(long)]",
];

/// Pieces that a mutant may get.
const PIECES: &[&str] = &[
    ";",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    "=",
    "@",
    "*",
    "..",
    "u8",
    "u128",
    "cstr",
    "[]",
    "0",
    "-1",
    "255",
    "0x7fffffffffffffffffffffffffffffff",
    "18446744073709551615",
    "size 0;",
    "pad 0xffffffffffffffff;",
    "struct {",
    "union",
    "if (1)",
    "else",
    "case 1:",
    "default:",
    "check 0;",
    "until",
    "here",
    "\"",
    "'",
    "//",
    "/*",
    "\u{e4}",
    "\n",
    "i8 : 0;",
    "align 3;",
    "be",
    "packed",
    "sizeof(u8)",
    "switch (1) {",
    "[until 5]",
    "% 0",
    "<< 200",
];

fn mutant(random: &mut Random) -> String {
    let mut text = (*random.pick::<&str>(TEXTS)).to_owned();
    for _ in 0..=random.below(4) {
        let boundary = |random: &mut Random, text: &str| {
            let at = random.below(text.len() + 1);
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap()
        };
        let at = boundary(random, &text);
        match random.below(4) {
            0 => text.insert_str(at, random.pick::<&str>(PIECES)),
            1 => {
                let end = boundary(random, &text);
                let (start, end) = (at.min(end), at.max(end).min(at.min(end) + 12));
                if text.is_char_boundary(end) {
                    text.replace_range(start..end, random.pick::<&str>(PIECES));
                }
            }
            2 => text.truncate(at),
            _ => {
                let other: &str = random.pick::<&str>(TEXTS);
                text.insert_str(at, &other[boundary(random, other)..]);
            }
        }
    }
    text
}

#[test]
fn mutants_end_in_a_message_or_a_bounded_value() {
    let mut random = Random::new(23);
    let (mut parsed, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let text = mutant(&mut random);
        match inline::parse(&text) {
            Ok(kind) => {
                parsed += 1;
                let length = random.below(64);
                let bytes: Vec<u8> =
                    (0..length).map(|_| random.next() as u8 & *random.pick(&[0xff, 3, 0])).collect();
                let machine = *random.pick(&[X86_64, I386, S390X]);
                let decoded = decode_type(&kind, &bytes, machine);
                assert!(decoded.remarks.findings.len() <= 1000, "{text}");
                serde_json::to_string(&coreinspect::report::Value(decoded.value)).unwrap();
                assert!(outline(&kind, machine).len() <= 6000 && !spelled(&kind).is_empty(), "{text}");
            }
            Err(problem) => {
                refused += 1;
                let told = problem.in_text(&text, "mutant").to_string();
                assert!(told.lines().count() >= 5 && told.contains('^'), "{told}");
            }
        }
    }
    assert!(parsed > 500 && refused > 1000, "{parsed} are taken, {refused} refused");
}
