//! What differs by machine: types in a byte order of their own, and sizes.

use std::sync::Arc;

use crate::machine::{ByteOrder, Class, Machine};
use crate::types::expression::{Binary, Expression};
use crate::types::{Array, Float, Integer, Pointer, Struct, Switch, Type};

/// `kind` with all its numbers in `order`, but for those that have one of their own.
pub(super) fn with_order(kind: &Type, order: ByteOrder) -> Type {
    let own = |own: Option<ByteOrder>| own.or(Some(order));
    match kind {
        Type::Integer(integer) => Type::Integer(Integer { order: own(integer.order), ..integer.clone() }),
        Type::Float(float) => Type::Float(Float { order: own(float.order), ..*float }),
        Type::Pointer(pointer) => Type::Pointer(Pointer { order: own(pointer.order), ..pointer.clone() }),
        Type::Text(_) | Type::Bytes(_) | Type::Encoded(_) => kind.clone(),
        Type::Array(array) => Type::Array(Arc::new(Array {
            element: with_order(&array.element, order),
            count: array.count.clone(),
        })),
        Type::Struct(inner) => {
            let mut inner = Struct::clone(inner);
            for field in &mut inner.fields {
                field.kind = with_order(&field.kind, order);
            }
            inner.into()
        }
        Type::Switch(inner) => {
            let mut inner = Switch::clone(inner);
            for (.., kind) in &mut inner.cases {
                *kind = with_order(kind, order);
            }
            inner.otherwise = inner.otherwise.map(|kind| with_order(&kind, order));
            Type::Switch(Arc::new(inner))
        }
    }
}

const I386: Machine = Machine { number: 3, class: Class::Bits32, byte_order: ByteOrder::Little };
const ARM: Machine = Machine { number: 40, ..I386 };
const X86_64: Machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };

/// The size of `kind` as a constant, or as one with so many `long`s; `None` if it hangs on more of the machine.
pub(super) fn size_on_all_machines(kind: &Type) -> Option<Expression> {
    let constant = |size: u64| Expression::Constant(size.into());
    let (narrow, wide) = (kind.size(ARM)?, kind.size(X86_64)?);
    if kind.size(I386)? != narrow {
        return None;
    }
    let longs = wide.checked_sub(narrow)?;
    if longs == 0 {
        return Some(constant(narrow));
    }
    let rest = narrow.checked_sub(longs)?;
    if longs % 4 != 0 {
        return None;
    }
    let binary = |operator, left, right| Expression::Binary(operator, Box::new(left), Box::new(right));
    let longs = binary(Binary::Multiply, constant(longs / 4), Expression::LongSize);
    Some(binary(Binary::Add, constant(rest), longs))
}
