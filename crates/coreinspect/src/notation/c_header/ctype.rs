//! Types of C, with the bytes and alignment that the ABI gives them.

use std::rc::Rc;
use std::sync::Arc;

use super::abi::{Abi, FloatType};
use super::problem::Place;
use crate::types::Names;

/// Types within types. Sixty-four are what the decoder follows.
pub(super) const DEPTH: u32 = 64;
/// Bytes of a type: no memory has more.
pub(super) const LARGEST: u64 = 1 << 48;

/// A type of C.
#[derive(Clone, Debug)]
pub(super) struct CType {
    pub(super) kind: Kind,
    /// The last typedef by which it was named.
    pub(super) name: Option<Rc<str>>,
    /// Bytes of which its address is a multiple.
    pub(super) alignment: u64,
    /// Whether the header asked for that alignment.
    pub(super) user_aligned: bool,
    pub(super) atomic: bool,
    /// Pointers, arrays and functions of which it is made, up to a struct.
    pub(super) depth: u32,
}

/// What a type is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Void,
    Integer {
        bytes: u64,
        signed: bool,
        role: Role,
    },
    Float(FloatType),
    Complex(FloatType),
    Pointer(Rc<CType>),
    Function(Rc<CType>),
    /// `None`: `[]`.
    Array(Rc<CType>, Option<u64>),
    Vector(Rc<CType>, u64),
    /// Struct or union, by its number.
    Record(usize),
    /// Bytes of which nothing is known but how many.
    Opaque(u64),
}

/// What an integer is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Number,
    /// Plain `char`: text.
    Character,
    Boolean,
    /// An enum; `None` if it was only declared.
    Enumeration(Option<Arc<Names>>, Option<Rc<str>>),
}

/// A struct or a union.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// `struct queue`; a typedef's name if it has no tag.
    pub(super) name: Option<Rc<str>>,
    pub(super) union: bool,
    /// `None`: only declared.
    pub(super) body: Option<Body>,
    /// Whether another struct holds one.
    pub(super) held: bool,
}

/// What a struct or a union is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub(super) fields: Vec<CField>,
    pub(super) size: u64,
    pub(super) alignment: u64,
    pub(super) user_aligned: bool,
    /// Structs within it.
    pub(super) depth: u32,
    /// Whether numbers in it stand in the byte order that is not the target's (`scalar_storage_order`).
    pub(super) reversed: bool,
}

/// A member.
#[derive(Clone, Debug)]
pub(super) struct CField {
    pub(super) name: Option<Rc<str>>,
    pub(super) place: Place,
    pub(super) kind: CType,
    /// The width of a bit field.
    pub(super) bits: Option<u64>,
    pub(super) packed: bool,
    /// Bytes that `aligned` or `_Alignas` asks for.
    pub(super) aligned: Option<u64>,
    /// Where it begins, in bits.
    pub(super) offset: u64,
}

impl CType {
    fn plain(kind: Kind, alignment: u64) -> Self {
        Self { kind, name: None, alignment, user_aligned: false, atomic: false, depth: 0 }
    }

    pub(super) fn void() -> Self {
        Self::plain(Kind::Void, 1)
    }

    pub(super) fn integer(bytes: u64, signed: bool, role: Role, abi: Abi) -> Self {
        Self::plain(Kind::Integer { bytes, signed, role }, abi.natural(bytes))
    }

    pub(super) fn int(abi: Abi) -> Self {
        Self::integer(4, true, Role::Number, abi)
    }

    pub(super) fn size_t(abi: Abi) -> Self {
        Self::integer(abi.long(), false, Role::Number, abi)
    }

    pub(super) fn float(float: FloatType) -> Self {
        Self::plain(Kind::Float(float), float.alignment)
    }

    pub(super) fn complex(float: FloatType) -> Self {
        Self::plain(Kind::Complex(float), float.alignment)
    }

    pub(super) fn opaque(bytes: u64, alignment: u64) -> Self {
        Self::plain(Kind::Opaque(bytes), alignment)
    }

    pub(super) fn record(number: usize, body: Option<&Body>) -> Self {
        let mut new = Self::plain(Kind::Record(number), body.map_or(1, |body| body.alignment));
        new.user_aligned = body.is_some_and(|body| body.user_aligned);
        new
    }

    pub(super) fn pointer(to: CType, abi: Abi) -> Self {
        let mut new = Self::plain(Kind::Void, abi.natural(abi.long()));
        new.depth = to.depth.saturating_add(1);
        new.kind = Kind::Pointer(Rc::new(to));
        new
    }

    pub(super) fn function(returns: CType) -> Self {
        let mut new = Self::plain(Kind::Void, 1);
        new.depth = returns.depth.saturating_add(1);
        new.kind = Kind::Function(Rc::new(returns));
        new
    }

    pub(super) fn array(element: CType, count: Option<u64>) -> Self {
        let mut new = Self::plain(Kind::Void, element.alignment);
        new.user_aligned = element.user_aligned;
        new.depth = element.depth.saturating_add(1);
        new.kind = Kind::Array(Rc::new(element), count);
        new
    }

    /// `__attribute__((vector_size(bytes)))`
    pub(super) fn vector(element: CType, count: u64, bytes: u64) -> Self {
        let mut new = Self::plain(Kind::Void, bytes.max(1));
        new.depth = element.depth.saturating_add(1);
        new.kind = Kind::Vector(Rc::new(element), count);
        new
    }

    /// The type of an array's elements, of whatever dimension; else the type itself.
    pub(super) fn innermost(&self) -> &CType {
        let mut kind = self;
        while let Kind::Array(element, _) = &kind.kind {
            kind = element;
        }
        kind
    }
}
