//! Names of types as C writes them.

use super::ctype::{CType, Kind, Role};
use super::parser::Parser;

/// The name of a type, for a pointer to it and for messages.
pub(super) fn of(parser: &Parser<'_>, kind: &CType) -> String {
    if let Some(name) = &kind.name {
        return name.to_string();
    }
    match &kind.kind {
        Kind::Void => "void".to_owned(),
        Kind::Integer { role: Role::Character, .. } => "char".to_owned(),
        Kind::Integer { role: Role::Boolean, .. } => "bool".to_owned(),
        Kind::Integer { role: Role::Enumeration(_, Some(tag)), .. } => format!("enum {tag}"),
        Kind::Integer { role: Role::Enumeration(_, None), .. } => "enum".to_owned(),
        Kind::Integer { bytes, signed, .. } => {
            let name = match bytes {
                1 => "char",
                2 => "short",
                4 => "int",
                8 if parser.abi.long() == 8 => "long",
                8 => "long long",
                _ => "__int128",
            };
            match (signed, bytes) {
                (true, 1) => "signed char".to_owned(),
                (true, _) => name.to_owned(),
                (false, _) => format!("unsigned {name}"),
            }
        }
        Kind::Float(float) => match float.bytes {
            4 => "float".to_owned(),
            8 => "double".to_owned(),
            _ => "long double".to_owned(),
        },
        Kind::Complex(_) => "complex".to_owned(),
        Kind::Pointer(to) => {
            let to = of(parser, to);
            if to.ends_with('*') { format!("{to}*") } else { format!("{to} *") }
        }
        Kind::Function(returns) => format!("{} ()", of(parser, returns)),
        Kind::Array(element, Some(count)) => format!("{}[{count}]", of(parser, element)),
        Kind::Array(element, None) => format!("{}[]", of(parser, element)),
        Kind::Vector(element, count) => format!("{} vector of {count}", of(parser, element)),
        Kind::Record(number) => {
            let name = parser.records.get(*number).and_then(|record| record.name.as_ref());
            name.map_or_else(|| "struct".to_owned(), |name| name.to_string())
        }
        Kind::Opaque(bytes) => format!("{bytes} bytes"),
    }
}
