//! A layout in a line of text, as a C programmer would write it:
//!
//! ```text
//! u8 flag { 0=empty 1=ready 2=read }; cstr message
//! ```
//!
//! Fields are declared as in C and stand where C puts them: each aligned as its type is on the machine of the dump;
//! `packed` switches that off. Definitions come first, then the fields of the whole. A text of definitions alone means
//! the last struct; a type without a name is the whole by itself: `struct item { u32 id; f64 value; }; item[]`.
//!
//! **Types.** C's own (`unsigned int`, `long`, `char`, `bool`, `double`) and `uint32_t`, `size_t`, `pid_t`, `time_t`
//! and their like; `u8` to `u128` and `i8` to `i128` in steps of 8 bits, `f16`, `f32`, `f64`, `f80`, `f128`.
//! `char name[16]` is text up to its NUL, and takes its room; `cstr s` ends at its NUL; `text s` is the same and shows
//! its length and whether the NUL was there; `utf16` and `utf32` end at their NUL, or have room: `utf16 s[8]`. `bytes data[16]`
//! is shown as hex, `u8 data[16]` as numbers. `T *p` is a pointer of the machine, `ptr32` and `ptr64` are pointers of one
//! size. `encoded(php) value[length]` is read by an [`Encoding`](crate::types::encoding). `char` has a sign, as on x86.
//!
//! **Words before a type.** `be` and `le` (byte order), `hex`, `time_s`, `time_ms`, `time_us`, `time_ns` (an integer since
//! 1970), `flags` (bits with names), `packed` (before `struct`). `be;`, `le;` and `packed;` hold for all that follows.
//!
//! **Names of values.** `u8 state { 0=empty 1=ready }`, `flags u32 mode { 1=read 2=write }`, `enum color : u8 { red, green = 5 };
//! color c`, `flags access : u8 { read, write, run };`. A field's `= 0x4c524550` or `= "PHP_SM\0"` is its magic.
//!
//! **How many.** `item list[count]`, `bytes rest[header.length - 8]`, `u16 table[4][8]`, `item all[]` to the end of what holds
//! it, `item some[until end]` up to an offset in the struct. Expressions are C's, over fields before it, constants
//! (`const N = 4;`, names of values), `sizeof(T)`, `here` (the offset in the struct) and `segment_size`.
//!
//! **Where.** `@0x40 u32 x` counts from the struct, `@segment(0x40) u32 x` from the segment. `pad 3;` leaves bytes out, `align 8;`
//! those up to a multiple. `size 64;` is the struct's size, whatever its fields take; `struct size 64 align 64 { ... }` too.
//! `u32 a : 3, b : 5;` are bit fields, packed as C packs them.
//!
//! **Which.** `if (version >= 3) u32 extra; else { ... }`, and `switch (kind) { case 1: u32 a; case 2..5: cstr s; default:
//! bytes raw[8]; } body;`; without a name the fields of a case stand in the struct.
//!
//! **What holds.** `check count == valid "torn write";`
//!
//! **Structs.** `struct item { ... };` defines, `struct { ... } head;` is a field, `struct { ... };` lends its fields to the struct
//! around it, and so does `union`. One without a tag may ask for fields around it. `typedef` gives a type another name.

mod body;
mod byte_order;
mod declarator;
mod definitions;
mod expressions;
mod fields;
mod lexer;
mod names;
mod parser;
mod statements;

pub(crate) use crate::notation::problem::Problem;
use crate::types::Type;
use body::Body;
use parser::Parser;

/// Bytes of a text that is read.
pub(crate) const LENGTH: usize = 1 << 20;
/// Fields of a layout, those of fields of fields counted too.
const PARTS: u64 = 50_000;
/// What a case of a switch is called.
const CASE: &str = "this case";
/// What the whole is called in messages.
const WHOLE: &str = "this layout";

/// The type that `text` describes, by the grammar of this module.
///
/// # Errors
/// The first thing that is wrong, with its place: `Problem::in_text` shows it.
///
/// ```
/// use coreinspect::internals::notation::inline;
///
/// assert!(inline::parse("u8 flag { 0=empty 1=ready 2=read }; cstr message").is_ok());
///
/// let text = "u32 cnt; u8 list[count]";
/// let problem = inline::parse(text).unwrap_err();
/// assert_eq!(problem.message, "no field before it, and no constant, is called `count`");
/// assert_eq!(problem.help.as_deref(), Some("did you mean `cnt`?"));
/// assert_eq!(problem.place(text), (1, 18));
/// ```
pub fn parse(text: &str) -> Result<Type, Problem> {
    if text.len() > LENGTH {
        return Err(Problem::new(format!("a layout has at most {LENGTH} bytes"), 0..0));
    }
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser::new(text, tokens);
    parser.bodies.push(Body { title: WHOLE.to_owned(), ..Body::default() });
    parser.statements()?;
    if !parser.at_end() {
        return Err(parser.expected("a field or the end"));
    }
    let Some(mut body) = parser.bodies.pop() else { return Err(Problem::new("nothing is described", 0..0)) };
    if let Some((kind, span)) = body.unnamed.take() {
        if body.fields.is_empty() {
            return Ok(kind);
        }
        return Err(Problem::new("a field needs a name", span)
            .help("a type without a name may stand alone only: `struct item { ... }; item[]`"));
    }
    if body.fields.is_empty() {
        let last = parser.last_struct.and_then(|name| parser.types.get(name));
        return match last {
            Some(named) => Ok(named.kind.clone()),
            None => Err(Problem::new("nothing is described here", 0..text.len())
                .help("fields are a type and a name: `u8 flag; cstr message`")),
        };
    }
    Ok(body.into_struct(None).0.into())
}
