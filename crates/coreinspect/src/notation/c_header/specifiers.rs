//! What stands before the name in a declaration (ISO C11 6.7.1 to 6.7.5).

use super::attributes::Attributes;
use super::ctype::{CType, Kind, Role};
use super::parser::Parser;
use super::problem::Problem;
use super::token::{self, Token};

/// The specifiers of a declaration.
#[derive(Clone, Debug)]
pub(super) struct Specifiers {
    pub(super) kind: CType,
    pub(super) typedef: bool,
    /// Those that belong to what is declared, not to a struct's definition.
    pub(super) attributes: Attributes,
    /// Whether a struct or union without a tag is defined here: it may be an anonymous member.
    pub(super) unnamed_record: bool,
}

/// Words that change nothing of a type, wherever they stand.
pub(super) const QUALIFIERS: [&str; 11] = [
    "const",
    "__const",
    "__const__",
    "volatile",
    "__volatile",
    "__volatile__",
    "restrict",
    "__restrict",
    "__restrict__",
    "_Nullable",
    "_Nonnull",
];
const STORAGE: [&str; 15] = [
    "__extension__",
    "extern",
    "static",
    "auto",
    "register",
    "inline",
    "__inline",
    "__inline__",
    "_Noreturn",
    "_Thread_local",
    "__thread",
    "thread_local",
    "constexpr",
    "__signed_qualifier",
    "noreturn",
];
const ARITHMETIC: [&str; 18] = [
    "char",
    "short",
    "int",
    "long",
    "float",
    "double",
    "signed",
    "__signed",
    "__signed__",
    "unsigned",
    "_Bool",
    "_Complex",
    "__complex__",
    "__complex",
    "void",
    "__int128",
    "__int128_t",
    "__uint128_t",
];
const TYPEOF: [&str; 4] = ["typeof", "__typeof", "__typeof__", "typeof_unqual"];

/// Whether a keyword can begin a type.
pub(super) fn is_keyword(word: &str) -> bool {
    QUALIFIERS.contains(&word)
        || word == "__extension__"
        || ARITHMETIC.contains(&word)
        || TYPEOF.contains(&word)
        || floating(word).is_some()
        || ["struct", "union", "enum", "_Atomic", "__opaque", "_BitInt", "__attribute__"].contains(&word)
}

/// The types of ISO/IEC TS 18661-3 and of GNU C, by their bytes; 0 stands for `long double`'s.
fn floating(word: &str) -> Option<u64> {
    Some(match word {
        "_Float16" | "__fp16" => 2,
        "_Float32" => 4,
        "_Float64" | "_Float32x" => 8,
        "_Float128" | "__float128" | "__ieee128" => 16,
        "_Float64x" | "__float80" | "__ibm128" => 0,
        _ => return None,
    })
}

/// The words of an arithmetic type, counted.
#[derive(Default)]
struct Words {
    long: u32,
    short: bool,
    signed: bool,
    unsigned: bool,
    complex: bool,
    /// `char`, `int`, `double` ...
    base: Option<Token>,
}

impl Parser<'_> {
    pub(super) fn specifiers(&mut self) -> Result<Specifiers, Problem> {
        let first = self.peek().clone();
        let mut words = Words::default();
        let mut specifiers = Specifiers {
            kind: CType::void(),
            typedef: false,
            attributes: Attributes::default(),
            unnamed_record: false,
        };
        let (mut found, mut arithmetic, mut atomic) = (None, false, false);
        loop {
            if self.attributes(&mut specifiers.attributes)? {
                continue;
            }
            let token = self.peek().clone();
            let word = &*token.text;
            if token.kind != token::Kind::Identifier {
                break;
            }
            if QUALIFIERS.contains(&word) || STORAGE.contains(&word) {
                self.next();
            } else if word == "typedef" {
                self.next();
                specifiers.typedef = true;
            } else if word == "_Atomic" {
                self.next();
                atomic = true;
                if self.takes("(") {
                    found = Some(self.deeper(Self::type_name)?);
                    self.want(")")?;
                }
            } else if ARITHMETIC.contains(&word) && found.is_none() {
                self.next();
                arithmetic = true;
                words.add(&token).map_err(|message| self.problem(token.place, message))?;
            } else if found.is_some() || arithmetic {
                break;
            } else if word == "struct" || word == "union" {
                let (kind, unnamed) = self.deeper(Self::record)?;
                specifiers.unnamed_record = unnamed;
                found = Some(kind);
            } else if word == "enum" {
                found = Some(self.deeper(Self::enumeration)?);
            } else if TYPEOF.contains(&word) {
                self.next();
                self.want("(")?;
                found = Some(match self.begins_type() {
                    true => self.deeper(Self::type_name)?,
                    false => self.deeper(|parser| parser.expression().map(|operand| operand.kind))?,
                });
                self.want(")")?;
            } else if word == "__opaque" && self.sources.is_given(token.place) {
                self.next();
                found = Some(self.opaque()?);
            } else if let Some(bytes) = floating(word) {
                self.next();
                found = Some(CType::float(match bytes {
                    0 => self.abi.long_double(),
                    2 => super::abi::FloatType {
                        bytes: 2,
                        alignment: 2,
                        format: Some(crate::types::FloatFormat::Half),
                    },
                    4 => self.abi.float(),
                    8 => self.abi.double(),
                    _ => self.abi.quadruple(),
                }));
            } else if let Some(bytes) = decimal(word) {
                self.next();
                found = Some(CType::opaque(bytes, self.abi.natural(bytes)));
            } else if let Some(known) = self.typedefs.get(&token.text) {
                found = Some(known.clone());
                self.next();
            } else {
                return Err(self.unknown(&token, "type name"));
            }
        }
        let kind = match found {
            Some(kind) if words.complex => match kind.kind {
                Kind::Float(float) => CType::complex(float),
                _ => kind,
            },
            Some(kind) => self.refreshed(kind),
            None if arithmetic => self.arithmetic(&words, &first)?,
            None => return Err(self.unexpected("expected a type")),
        };
        specifiers.kind = if atomic { self.atomic(kind) } else { kind };
        Ok(specifiers)
    }

    /// `_Atomic` aligns what has the size of a machine word, or of two, to that size.
    fn atomic(&self, mut kind: CType) -> CType {
        kind.atomic = true;
        if let Some(size @ (1 | 2 | 4 | 8 | 16)) = self.size(&kind) {
            kind.alignment = kind.alignment.max(self.abi.atomic(size));
        }
        kind
    }

    /// `__opaque(bytes, alignment)`: the prelude's word for what only its library looks into.
    fn opaque(&mut self) -> Result<CType, Problem> {
        self.want("(")?;
        let bytes = self.constant()?;
        self.want(",")?;
        let alignment = self.constant()?;
        self.want(")")?;
        Ok(CType::opaque(u64::try_from(bytes).unwrap_or(0), u64::try_from(alignment).unwrap_or(1)))
    }

    fn arithmetic(&self, words: &Words, first: &Token) -> Result<CType, Problem> {
        let abi = self.abi;
        let signed = !words.unsigned;
        let number = |bytes| CType::integer(bytes, signed, Role::Number, abi);
        let float = |float| if words.complex { CType::complex(float) } else { CType::float(float) };
        let base = words.base.as_ref().map(|token| &*token.text);
        Ok(match (base, words.short, words.long) {
            (Some("void"), false, 0) => CType::void(),
            (Some("_Bool"), false, 0) => CType::integer(1, false, Role::Boolean, abi),
            (Some("char"), false, 0) => {
                let plain = !words.signed && !words.unsigned;
                let role = if plain { Role::Character } else { Role::Number };
                CType::integer(1, if plain { abi.char_is_signed() } else { signed }, role, abi)
            }
            (Some("float"), false, 0) => float(abi.float()),
            (Some("double"), false, 0) => float(abi.double()),
            (None, false, 0) if words.complex => float(abi.double()),
            (Some("double"), false, 1) => float(abi.long_double()),
            (Some("__int128" | "__int128_t"), false, 0) if abi.has_int128() => number(16),
            (Some("__uint128_t"), false, 0) if abi.has_int128() => {
                CType::integer(16, false, Role::Number, abi)
            }
            (None | Some("int"), true, 0) => number(2),
            (None | Some("int"), false, 0) => number(4),
            (None | Some("int"), false, 1) => number(abi.long()),
            (None | Some("int"), false, 2) => number(8),
            _ => return Err(self.problem(first.place, "these words make no type")),
        })
    }

    /// `enum color { RED, GREEN = 5 }` (6.7.2.2); its type is what gcc takes without -fshort-enums.
    fn enumeration(&mut self) -> Result<CType, Problem> {
        self.next();
        let mut attributes = Attributes::default();
        self.attributes(&mut attributes)?;
        let tag = (self.peek().kind == token::Kind::Identifier).then(|| self.next());
        self.attributes(&mut attributes)?;
        // `enum color : short { ... }` of C23; in a struct `enum color : 3;` is a bit field without a name.
        let colon = self.position();
        let fixed = match self.takes(":") && self.begins_type() {
            true => Some(self.type_name()?),
            false => {
                self.go_to(colon);
                None
            }
        };
        let name = tag.as_ref().map(|tag| tag.text.clone());
        if !self.takes("{") {
            let Some(tag) = tag else { return Err(self.unexpected("expected the enum's tag or its values")) };
            if let Some(known) = self.tags.get(&tag.text).filter(|known| &*known.keyword == "enum") {
                return Ok(known.kind.clone());
            }
            // GNU C lets an enum be named before it is defined; it is then as large as an unsigned int.
            return Ok(CType::integer(4, false, Role::Enumeration(None, name), self.abi));
        }
        let mut values = Vec::new();
        let mut next = 0_i128;
        while !self.takes("}") {
            let constant = self.next();
            if constant.kind != token::Kind::Identifier {
                return Err(self.problem(constant.place, "expected the name of a value"));
            }
            self.attributes(&mut Attributes::default())?;
            if self.takes("=") {
                next = self.constant()?;
            }
            values.push((next, std::sync::Arc::from(&*constant.text)));
            let kind = match i32::try_from(next) {
                Ok(_) => CType::int(self.abi),
                Err(_) => CType::integer(8, next < i128::from(i64::MAX), Role::Number, self.abi),
            };
            self.constants.insert(constant.text, (next, kind));
            next = next.saturating_add(1);
            if !self.takes(",") {
                self.want("}")?;
                break;
            }
        }
        self.attributes(&mut attributes)?;
        let least = values.iter().map(|(value, _)| *value).min().unwrap_or(0);
        let most = values.iter().map(|(value, _)| *value).max().unwrap_or(0);
        let names = std::sync::Arc::new(crate::types::Names::new(values));
        let role = Role::Enumeration(Some(names), name);
        let (bytes, signed) = match fixed.map(|fixed| fixed.kind) {
            Some(Kind::Integer { bytes, signed, .. }) => (bytes, signed),
            _ => (enum_bytes(least, most, attributes.packed), least < 0),
        };
        let mut kind = CType::integer(bytes, signed, role, self.abi);
        if let Some(aligned) = attributes.aligned {
            kind.alignment = aligned;
            kind.user_aligned = true;
        }
        if let Some(tag) = tag {
            self.define_tag(&tag, "enum", kind.clone())?;
        }
        Ok(kind)
    }
}

/// Bytes of an enum with these values.
fn enum_bytes(least: i128, most: i128, packed: bool) -> u64 {
    let fits = |bytes: u32| {
        let bits = bytes.saturating_mul(8);
        match least < 0 {
            true => least >= -1 << bits.saturating_sub(1) && most < 1 << bits.saturating_sub(1),
            false => most < 1 << bits,
        }
    };
    let least_bytes = if packed { 1 } else { 4 };
    [1, 2, 4].into_iter().find(|bytes| *bytes >= least_bytes && fits(*bytes)).unwrap_or(8).into()
}

fn decimal(word: &str) -> Option<u64> {
    match word {
        "_Decimal32" => Some(4),
        "_Decimal64" => Some(8),
        "_Decimal128" => Some(16),
        "__bf16" => Some(2),
        _ => None,
    }
}

impl Words {
    fn add(&mut self, token: &Token) -> Result<(), String> {
        match &*token.text {
            "long" if self.long < 2 => self.long = self.long.saturating_add(1),
            "short" => self.short = true,
            "signed" | "__signed" | "__signed__" => self.signed = true,
            "unsigned" => self.unsigned = true,
            "_Complex" | "__complex__" | "__complex" => self.complex = true,
            _ if self.base.is_none() && &*token.text != "long" => self.base = Some(token.clone()),
            word => return Err(format!("`{word}` makes no type with what stands before it")),
        }
        Ok(())
    }
}
