//! What C and this grammar call their types.

use crate::machine::ByteOrder;
use crate::types::encoding::Encoding;
use crate::types::{
    Characters, Field, Float, FloatFormat, Integer, Meaning, Pointer, Struct, TimeUnit, Type, Width,
};

/// What a name of a type stands for, before its declarator.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// A type as it is.
    Type(Type),
    /// A character; an array of them is text.
    Character(Characters, Integer),
    /// A string: up to its NUL, or with room if a length follows.
    String(Characters, bool),
    /// A string up to its NUL, and nothing else.
    CString,
    /// Bytes without a meaning.
    Bytes,
    /// Bytes in an encoding of their own.
    Encoded(&'static dyn Encoding),
    /// Nothing: only a pointer to it is something.
    Void,
}

/// Words of which C makes one type: `unsigned long int`.
pub(super) const C_WORDS: &[&str] =
    &["unsigned", "signed", "char", "short", "int", "long", "float", "double", "__int128", "_Bool", "bool"];

fn integer(width: Width, signed: bool) -> Integer {
    Integer { width, ..Integer::new(0, signed) }
}

fn number(width: Width, signed: bool) -> Base {
    Base::Type(integer(width, signed).into())
}

fn float(format: FloatFormat, order: Option<ByteOrder>) -> Base {
    Base::Type(Type::Float(Float { format, order }))
}

fn boolean() -> Base {
    Base::Type(Integer::new(1, false).meaning(Meaning::Boolean).into())
}

fn time(width: Width) -> Base {
    Base::Type(integer(width, true).meaning(Meaning::Time(TimeUnit::Seconds)).into())
}

fn character(bytes: u8, signed: bool, characters: Characters) -> Base {
    Base::Character(characters, Integer::new(bytes, signed).meaning(Meaning::Character))
}

/// What C makes of several of [`C_WORDS`]; why it makes nothing of them.
pub(super) fn c_type(words: &[&str]) -> Result<Base, String> {
    let count = |word: &str| words.iter().filter(|known| **known == word).count();
    let (unsigned, signed) = (count("unsigned"), count("signed"));
    let (char, short, int, long) = (count("char"), count("short"), count("int"), count("long"));
    let (float_, double, wide) = (count("float"), count("double"), count("__int128"));
    let boolean_ = count("bool").saturating_add(count("_Bool"));
    let kinds = [char, short, float_, wide, boolean_].iter().filter(|count| **count > 0).count();
    let written = words.join(" ");
    let no = || Err(format!("`{written}` is no type of C"));
    if unsigned > 1 || signed > 1 || (unsigned > 0 && signed > 0) || kinds > 1 || long > 2 || int > 1 {
        return no();
    }
    let sign = unsigned == 0;
    let has_sign = unsigned > 0 || signed > 0;
    match (char, short, long, float_, double, wide, boolean_) {
        (1, 0, 0, 0, 0, 0, 0) if int == 0 && !has_sign => Ok(character(1, true, Characters::Bytes)),
        (1, 0, 0, 0, 0, 0, 0) if int == 0 => Ok(number(Width::Bytes(1), sign)),
        (0, 1, 0, 0, 0, 0, 0) => Ok(number(Width::Bytes(2), sign)),
        (0, 0, 0, 0, 0, 0, 0) => Ok(number(Width::Bytes(4), sign)),
        (0, 0, 1, 0, 0, 0, 0) => Ok(number(Width::Long, sign)),
        (0, 0, 2, 0, 0, 0, 0) => Ok(number(Width::Bytes(8), sign)),
        (0, 0, 0, 1, 0, 0, 0) if int == 0 && !has_sign => Ok(float(FloatFormat::Single, None)),
        (0, 0, 0, 0, 1, 0, 0) if int == 0 && !has_sign => Ok(float(FloatFormat::Double, None)),
        (0, 0, 1, 0, 1, 0, 0) if int == 0 && !has_sign => Err(
            "`long double` differs by machine: write `f80` (x86-64), `f80_12` (i386), `f128` (aarch64, riscv, s390x) or `f64`"
                .to_owned(),
        ),
        (0, 0, 0, 0, 0, 1, 0) if int == 0 => Ok(number(Width::Bytes(16), sign)),
        (0, 0, 0, 0, 0, 0, 1) if int == 0 && !has_sign => Ok(boolean()),
        _ => no(),
    }
}

/// Names of one word, for messages and completion; integers of other sizes (`u24`) are known too.
pub(super) const NAMES: &[&str] = &[
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uchar",
    "ushort",
    "uint",
    "ulong",
    "size_t",
    "ssize_t",
    "ptrdiff_t",
    "intptr_t",
    "uintptr_t",
    "off_t",
    "off64_t",
    "loff_t",
    "pid_t",
    "uid_t",
    "gid_t",
    "mode_t",
    "key_t",
    "ino_t",
    "dev_t",
    "clock_t",
    "socklen_t",
    "time_t",
    "time32",
    "time64",
    "f16",
    "f32",
    "f64",
    "f80",
    "f80_12",
    "f128",
    "char16_t",
    "char32_t",
    "wchar_t",
    "cstr",
    "text",
    "utf16",
    "utf32",
    "bytes",
    "void",
    "ptr32",
    "ptr64",
    "bool8",
    "bool32",
    "intmax_t",
    "uintmax_t",
    "byte",
    "word",
    "dword",
    "qword",
];

/// The type with a name of one word.
pub(super) fn named(name: &str) -> Option<Base> {
    let bytes = |bytes: u8, signed: bool| number(Width::Bytes(bytes), signed);
    Some(match name {
        "uchar" | "u_char" | "byte" => bytes(1, false),
        "ushort" | "u_short" | "word" => bytes(2, false),
        "uint" | "u_int" | "dword" | "uid_t" | "gid_t" | "mode_t" | "socklen_t" => bytes(4, false),
        "pid_t" | "id_t" => bytes(4, true),
        "key_t" => Base::Type(Integer::new(4, false).meaning(Meaning::Hexadecimal).into()),
        "ulong" | "u_long" | "size_t" | "uintptr_t" | "ino_t" => number(Width::Long, false),
        "ssize_t" | "ptrdiff_t" | "intptr_t" | "off_t" | "clock_t" | "suseconds_t" => {
            number(Width::Long, true)
        }
        "qword" | "dev_t" | "uintmax_t" | "ino64_t" => bytes(8, false),
        "off64_t" | "loff_t" | "intmax_t" => bytes(8, true),
        "bool8" => boolean(),
        "bool32" => Base::Type(Integer::new(4, false).meaning(Meaning::Boolean).into()),
        "time_t" => time(Width::Long),
        "time32" => time(Width::Bytes(4)),
        "time64" => time(Width::Bytes(8)),
        "f16" => float(FloatFormat::Half, None),
        "f80" => float(FloatFormat::Extended(16), None),
        "f80_12" => float(FloatFormat::Extended(12), None),
        "f128" | "_Float128" | "__float128" => float(FloatFormat::Quadruple, None),
        "char16_t" => character(2, false, Characters::Utf16),
        "char32_t" => character(4, false, Characters::Utf32),
        "wchar_t" => character(4, true, Characters::Utf32),
        "cstr" => Base::CString,
        "text" => Base::String(Characters::Bytes, true),
        "utf16" => Base::String(Characters::Utf16, false),
        "utf32" => Base::String(Characters::Utf32, false),
        "bytes" => Base::Bytes,
        "void" => Base::Void,
        "ptr32" => pointer(4),
        "ptr64" => pointer(8),
        _ => return sized(name),
    })
}

fn pointer(bytes: u8) -> Base {
    Base::Type(Type::Pointer(Pointer { width: Width::Bytes(bytes), order: None, to: None }))
}

/// `u32`, `i24`, `f64`, `uint32_t`, `__u32`, and with a byte order: `u32be`, `be32`, `__le16`.
fn sized(name: &str) -> Option<Base> {
    let kernel = name.strip_prefix("__").unwrap_or(name);
    let (rest, order) = match (name.strip_suffix("be"), name.strip_suffix("le")) {
        (Some(rest), _) => (rest, Some(ByteOrder::Big)),
        (_, Some(rest)) => (rest, Some(ByteOrder::Little)),
        _ => (kernel, None),
    };
    if let Some(bits) = kernel.strip_prefix("be") {
        return unsigned(bits, ByteOrder::Big);
    }
    if let Some(bits) = kernel.strip_prefix("le") {
        return unsigned(bits, ByteOrder::Little);
    }
    let c = rest.strip_suffix("_t").filter(|_| order.is_none());
    let spelled = [
        (rest.strip_prefix('u'), false),
        (rest.strip_prefix('i'), true),
        (rest.strip_prefix('s'), true),
        (c.and_then(|name| name.strip_prefix("uint")), false),
        (c.and_then(|name| name.strip_prefix("u_int")), false),
        (c.and_then(|name| name.strip_prefix("int")), true),
    ];
    for (bits, signed) in spelled {
        if let Some(bytes) = bits.and_then(whole_bytes) {
            let mut integer = Integer::new(bytes, signed);
            integer.order = order;
            return Some(Base::Type(integer.into()));
        }
    }
    match rest.strip_prefix('f') {
        Some("32") => Some(float(FloatFormat::Single, order)),
        Some("64") => Some(float(FloatFormat::Double, order)),
        Some("16") => Some(float(FloatFormat::Half, order)),
        _ => None,
    }
}

fn unsigned(bits: &str, order: ByteOrder) -> Option<Base> {
    let mut integer = Integer::new(whole_bytes(bits)?, false);
    integer.order = Some(order);
    Some(Base::Type(integer.into()))
}

/// "24" are 3 bytes.
fn whole_bytes(bits: &str) -> Option<u8> {
    let plain = !bits.is_empty() && !bits.starts_with('0') && bits.bytes().all(|byte| byte.is_ascii_digit());
    let bits: u8 = bits.parse().ok().filter(|_| plain)?;
    (bits.is_multiple_of(8) && bits <= 128).then_some(bits / 8)
}

/// Whether a name is one of an integer, but of bits that are no bytes: `u12`.
pub(super) fn odd_bits(name: &str) -> bool {
    let bits = name.strip_prefix(['u', 'i', 's']).and_then(|bits| bits.parse::<u8>().ok());
    bits.is_some_and(|bits| (1..128).contains(&bits) && !bits.is_multiple_of(8))
}

/// Structs of the C library that are the same on every machine but for the width of `long`.
pub(super) fn known_struct(name: &str) -> Option<Type> {
    let (name, rest) = match name {
        "timespec" => ("struct timespec", "tv_nsec"),
        "timeval" => ("struct timeval", "tv_usec"),
        _ => return None,
    };
    let seconds = integer(Width::Long, true).meaning(Meaning::Time(TimeUnit::Seconds));
    let fields =
        vec![Field::new("tv_sec", seconds.into()), Field::new(rest, integer(Width::Long, true).into())];
    Some(Struct { name: Some(name.into()), fields, ..Struct::default() }.into())
}
