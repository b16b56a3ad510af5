//! Sums over fields that were read before: counts, offsets, conditions, invariants.

use std::fmt;
use std::sync::Arc;

/// A whole number that is known once the fields before it are read. All is computed with 128 bits; what passes them,
/// and a division by zero, has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number.
    Constant(i128),
    /// A field's value.
    Field(Reference),
    /// Bytes from the struct's start up to where the field would begin.
    Here,
    /// Bytes of all: up to the segment's last mapped byte.
    SegmentSize,
    /// Bytes of the target's `long`.
    LongSize,
    /// An operator before its operand.
    Unary(Unary, Box<Expression>),
    /// An operator between two.
    Binary(Binary, Box<Expression>, Box<Expression>),
}

/// A field that was read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// How many structs to go outwards from the one whose field asks.
    pub up: usize,
    /// The index of a field there, and of fields inside it.
    pub path: Vec<usize>,
    /// As it was written.
    pub name: Arc<str>,
}

/// C's operators before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `~`
    Invert,
}

/// C's operators between two operands; comparisons give 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, towards zero
    Divide,
    /// `%`
    Remainder,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// What an expression may ask for.
pub trait Scope {
    /// The value of a field; `None` if it was not read, or is no number.
    fn field(&self, reference: &Reference) -> Option<i128>;
    /// See [`Expression::Here`].
    fn here(&self) -> Option<i128>;
    /// See [`Expression::SegmentSize`].
    fn segment_size(&self) -> Option<i128>;
    /// See [`Expression::LongSize`].
    fn long_size(&self) -> Option<i128>;
}

/// A scope in which nothing is known.
pub(crate) struct Nothing;

impl Scope for Nothing {
    fn field(&self, _: &Reference) -> Option<i128> {
        None
    }
    fn here(&self) -> Option<i128> {
        None
    }
    fn segment_size(&self) -> Option<i128> {
        None
    }
    fn long_size(&self) -> Option<i128> {
        None
    }
}

impl From<u64> for Expression {
    fn from(value: u64) -> Self {
        Self::Constant(value.into())
    }
}

/// Expressions within expressions that are computed.
const DEPTH: u32 = 64;

impl Expression {
    /// Its value if no field is asked for, as a count or an offset.
    pub fn constant(&self) -> Option<u64> {
        match self {
            Self::Constant(value) => u64::try_from(*value).ok(),
            _ => u64::try_from(self.value(&Nothing)?).ok(),
        }
    }

    /// Its value in `scope`.
    pub fn value(&self, scope: &dyn Scope) -> Option<i128> {
        self.value_within(scope, DEPTH)
    }

    fn value_within(&self, scope: &dyn Scope, depth: u32) -> Option<i128> {
        let depth = depth.checked_sub(1)?;
        match self {
            Self::Constant(value) => Some(*value),
            Self::Field(reference) => scope.field(reference),
            Self::Here => scope.here(),
            Self::SegmentSize => scope.segment_size(),
            Self::LongSize => scope.long_size(),
            Self::Unary(operator, operand) => {
                let operand = operand.value_within(scope, depth)?;
                match operator {
                    Unary::Minus => operand.checked_neg(),
                    Unary::Not => Some(i128::from(operand == 0)),
                    Unary::Invert => Some(!operand),
                }
            }
            Self::Binary(operator, left, right) => {
                let left = left.value_within(scope, depth)?;
                // As in C, the right side is not asked if the left one decides.
                match (operator, left) {
                    (Binary::And, 0) => return Some(0),
                    (Binary::Or, left) if left != 0 => return Some(1),
                    _ => {}
                }
                operator.apply(left, right.value_within(scope, depth)?)
            }
        }
    }

    /// The fields that it asks for, in the order in which they are written.
    pub fn references(&self) -> Vec<&Reference> {
        let mut found = Vec::new();
        let mut left = vec![self];
        while let Some(next) = left.pop() {
            match next {
                Self::Field(reference) => found.push(reference),
                Self::Unary(_, operand) => left.push(operand),
                Self::Binary(_, one, other) => left.extend([other.as_ref(), one.as_ref()]),
                Self::Constant(_) | Self::Here | Self::SegmentSize | Self::LongSize => {}
            }
        }
        found
    }
}

impl Binary {
    fn apply(self, left: i128, right: i128) -> Option<i128> {
        let shift = || u32::try_from(right).ok();
        let truth = |holds: bool| Some(i128::from(holds));
        match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide => left.checked_div(right),
            Self::Remainder => left.checked_rem(right),
            Self::ShiftLeft => {
                let shifted = left.checked_shl(shift()?)?;
                (shifted.checked_shr(shift()?)? == left).then_some(shifted)
            }
            Self::ShiftRight => left.checked_shr(shift()?),
            Self::BitAnd => Some(left & right),
            Self::BitOr => Some(left | right),
            Self::BitXor => Some(left ^ right),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
            Self::Less => truth(left < right),
            Self::LessOrEqual => truth(left <= right),
            Self::Greater => truth(left > right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::And => truth(left != 0 && right != 0),
            Self::Or => truth(left != 0 || right != 0),
        }
    }

    /// As C writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Field(reference) => f.write_str(&reference.name),
            Self::Here => f.write_str("here"),
            Self::SegmentSize => f.write_str("segment_size"),
            Self::LongSize => f.write_str("sizeof(long)"),
            Self::Unary(operator, operand) => {
                let symbol = match operator {
                    Unary::Minus => '-',
                    Unary::Not => '!',
                    Unary::Invert => '~',
                };
                write!(f, "{symbol}{operand}")
            }
            Self::Binary(operator, left, right) => {
                write!(f, "({left} {} {right})", operator.symbol())
            }
        }
    }
}
