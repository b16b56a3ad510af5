//! Constant expressions (ISO C11 6.6): array sizes, enum values, bit-field widths, `sizeof`, `offsetof`.

use super::ctype::{CType, Kind, Role};
use super::literal;
use super::parser::Parser;
use super::problem::Problem;
use super::token::{self, Token};

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) kind: CType,
    /// Its value; of an lvalue its address. `None` if it is not constant.
    pub(super) value: Option<i128>,
    /// Whether it is an object in memory.
    lvalue: bool,
}

impl Operand {
    fn new(kind: CType, value: Option<i128>) -> Self {
        Self { kind, value, lvalue: false }
    }
}

/// The operators between two operands, those that bind least first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Parser<'_> {
    /// A constant whole number.
    pub(super) fn constant(&mut self) -> Result<i128, Problem> {
        let first = self.peek().clone();
        let operand = self.expression()?;
        match operand.value {
            Some(value) if !operand.lvalue => Ok(value),
            _ => Err(self.problem(first.place, "this is no constant whole number")),
        }
    }

    /// The whole of an `#if`.
    pub(super) fn whole_condition(&mut self) -> Result<i128, Problem> {
        let value = self.constant()?;
        match self.peek().kind {
            token::Kind::End => Ok(value),
            _ => Err(self.unexpected("expected the condition's end")),
        }
    }

    /// A conditional expression (6.5.15).
    pub(super) fn expression(&mut self) -> Result<Operand, Problem> {
        self.deeper(|parser| {
            let condition = parser.binary(0)?;
            if !parser.takes("?") {
                return Ok(condition);
            }
            // GNU C: without a middle operand the condition is the value.
            let chosen = match parser.peek().is(":") {
                true => condition.clone(),
                false => parser.expression()?,
            };
            parser.want(":")?;
            let other = parser.expression()?;
            let kind = match parser.is_arithmetic(&chosen) && parser.is_arithmetic(&other) {
                true => parser.common(&chosen.kind, &other.kind),
                false => chosen.kind.clone(),
            };
            let value = match condition.value {
                Some(0) => other.value,
                Some(_) => chosen.value,
                None => None,
            };
            Ok(Operand::new(kind.clone(), parser.wrapped(value, &kind)))
        })
    }

    fn binary(&mut self, level: usize) -> Result<Operand, Problem> {
        let Some(operators) = LEVELS.get(level) else { return self.cast() };
        let above = level.saturating_add(1);
        let mut left = self.binary(above)?;
        while let Some(operator) = operators.iter().find(|operator| self.peek().is(operator)) {
            self.next();
            let right = self.binary(above)?;
            left = self.apply_binary(operator, left, right);
        }
        Ok(left)
    }

    fn is_arithmetic(&self, operand: &Operand) -> bool {
        matches!(operand.kind.kind, Kind::Integer { .. })
    }

    fn apply_binary(&self, operator: &str, left: Operand, right: Operand) -> Operand {
        let int = CType::int(self.abi);
        let (a, b) = match (left.value, right.value) {
            (Some(a), Some(b)) if !left.lvalue && !right.lvalue => (a, b),
            (Some(a), _) if operator == "&&" && a == 0 => return Operand::new(int, Some(0)),
            (Some(a), _) if operator == "||" && a != 0 => return Operand::new(int, Some(1)),
            _ => return Operand::new(int, None),
        };
        // An address plus a number counts in elements.
        if let (Kind::Pointer(to), true) = (&left.kind.kind, self.is_arithmetic(&right)) {
            let step = self.size(to).map(i128::from);
            let moved = step.and_then(|step| b.checked_mul(step)).and_then(|moved| match operator {
                "+" => a.checked_add(moved),
                "-" => a.checked_sub(moved),
                _ => None,
            });
            return Operand::new(left.kind, moved);
        }
        let kind = match operator {
            "<<" | ">>" => self.promoted(&left.kind),
            _ => self.common(&left.kind, &right.kind),
        };
        let (a, b) = match operator {
            "<<" | ">>" => (self.wrap(a, &kind), b),
            _ => (self.wrap(a, &kind), self.wrap(b, &kind)),
        };
        let shift = u32::try_from(b).ok().filter(|shift| *shift < 127);
        let number = match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "/" => a.checked_div(b),
            "%" => a.checked_rem(b),
            "<<" => shift.map(|shift| a.wrapping_shl(shift)),
            ">>" => shift.and_then(|shift| a.checked_shr(shift)),
            "&" => Some(a & b),
            "^" => Some(a ^ b),
            "|" => Some(a | b),
            _ => {
                let holds = match operator {
                    "&&" => a != 0 && b != 0,
                    "||" => a != 0 || b != 0,
                    "==" => a == b,
                    "!=" => a != b,
                    "<" => a < b,
                    ">" => a > b,
                    "<=" => a <= b,
                    _ => a >= b,
                };
                return Operand::new(int, Some(holds.into()));
            }
        };
        Operand::new(kind.clone(), self.wrapped(number, &kind))
    }

    /// A cast, or a unary expression (6.5.4, 6.5.3).
    fn cast(&mut self) -> Result<Operand, Problem> {
        self.deeper(Self::cast_inside)
    }

    fn cast_inside(&mut self) -> Result<Operand, Problem> {
        while self.takes("__extension__") {}
        let token = self.peek().clone();
        if token.is("(") {
            let position = self.position();
            self.next();
            if self.begins_type() {
                let kind = self.type_name()?;
                self.want(")")?;
                if self.peek().is("{") {
                    self.skip_brackets()?;
                    return Ok(Operand::new(kind, None));
                }
                let operand = self.cast()?;
                let value = operand.value.filter(|_| !operand.lvalue);
                let value = match kind.kind {
                    Kind::Integer { role: Role::Boolean, .. } => value.map(|value| i128::from(value != 0)),
                    _ => self.wrapped(value, &kind),
                };
                return Ok(Operand::new(kind, value));
            }
            self.go_to(position);
        }
        let unary = ["-", "+", "~", "!", "&", "*"].into_iter().find(|operator| token.is(operator));
        let Some(operator) = unary else { return self.unary() };
        self.next();
        let operand = self.cast()?;
        let value = operand.value.filter(|_| !operand.lvalue);
        let promoted = self.promoted(&operand.kind);
        Ok(match operator {
            "&" if operand.lvalue => Operand::new(CType::pointer(operand.kind, self.abi), operand.value),
            "*" => self.object_at(&operand, None),
            "!" => Operand::new(CType::int(self.abi), value.map(|value| i128::from(value == 0))),
            "-" => Operand::new(promoted.clone(), self.wrapped(value.and_then(i128::checked_neg), &promoted)),
            "~" => Operand::new(promoted.clone(), self.wrapped(value.map(|value| !value), &promoted)),
            "+" => Operand::new(promoted, value),
            _ => Operand::new(operand.kind, None),
        })
    }

    /// `*pointer`, or `array[index]`.
    fn object_at(&self, operand: &Operand, index: Option<i128>) -> Operand {
        let (to, start) = match &operand.kind.kind {
            Kind::Pointer(to) => (to, operand.value.filter(|_| !operand.lvalue)),
            Kind::Array(element, _) => (element, operand.value),
            _ => return Operand::new(operand.kind.clone(), None),
        };
        let step = self.size(to).map(i128::from);
        let moved = step.and_then(|step| step.checked_mul(index.unwrap_or(0)));
        let value = start.and_then(|start| start.checked_add(moved?));
        Operand { kind: self.refreshed((**to).clone()), value, lvalue: true }
    }

    fn unary(&mut self) -> Result<Operand, Problem> {
        let token = self.next();
        let mut operand = match &*token.text {
            "(" if token.kind == token::Kind::Punctuator => {
                let inside = self.expression()?;
                self.want(")")?;
                inside
            }
            "sizeof" => self.size_of(&token)?,
            "_Alignof" | "alignof" | "__alignof__" | "__alignof" => self.align_of(&token)?,
            "offsetof" | "__builtin_offsetof" => self.offset_of()?,
            _ => self.primary(&token)?,
        };
        loop {
            let dot = self.peek().is(".");
            if dot || self.peek().is("->") {
                self.next();
                let object = if dot { operand } else { self.object_at(&operand, None) };
                let name = self.next();
                operand = self.member_of(&object, &name)?;
            } else if self.peek().is("[") {
                self.next();
                let index = self.constant()?;
                self.want("]")?;
                operand = self.object_at(&operand, Some(index));
            } else {
                return Ok(operand);
            }
        }
    }

    fn primary(&mut self, token: &Token) -> Result<Operand, Problem> {
        let int = CType::int(self.abi);
        match token.kind {
            token::Kind::Number => match literal::number(&token.text, self.abi, self.in_condition) {
                Some((value, kind)) => Ok(Operand::new(kind, value)),
                None => Err(self.problem(token.place, format!("`{}` is no number", token.text))),
            },
            token::Kind::Character => Ok(Operand::new(int, literal::character(&token.text))),
            token::Kind::String => {
                let mut length = literal::length(&token.text);
                while self.peek().kind == token::Kind::String {
                    length = length.saturating_add(literal::length(&self.next().text));
                }
                let char = CType::integer(1, self.abi.char_is_signed(), Role::Character, self.abi);
                Ok(Operand::new(CType::array(char, length.checked_add(1)), None))
            }
            token::Kind::Identifier => {
                if let Some((value, kind)) = self.constants.get(&token.text) {
                    return Ok(Operand::new(kind.clone(), Some(*value)));
                }
                match self.object(&token.text) {
                    Some(kind) => Ok(Operand { kind: kind.clone(), value: None, lvalue: true }),
                    None if token.is("true") || token.is("false") => {
                        Ok(Operand::new(int, Some(token.is("true").into())))
                    }
                    None => Err(self.unknown(token, "name")),
                }
            }
            _ => Err(self.problem(token.place, "expected a constant")),
        }
    }

    /// The type behind `sizeof` and its kin.
    fn operand_type(&mut self) -> Result<CType, Problem> {
        if self.peek().is("(") {
            let position = self.position();
            self.next();
            if self.begins_type() {
                let kind = self.deeper(Self::type_name)?;
                self.want(")")?;
                return Ok(self.refreshed(kind));
            }
            self.go_to(position);
        }
        self.deeper(Self::unary).map(|operand| operand.kind)
    }

    fn size_of(&mut self, token: &Token) -> Result<Operand, Problem> {
        let kind = self.operand_type()?;
        match self.size(&kind) {
            Some(size) => Ok(Operand::new(CType::size_t(self.abi), Some(size.into()))),
            None => {
                let name = super::names::of(self, &kind);
                Err(self.problem(token.place, format!("the size of `{name}` is not known here")))
            }
        }
    }

    /// `_Alignof` is the alignment in a struct, GNU C's `__alignof__` the one that a variable gets.
    fn align_of(&mut self, token: &Token) -> Result<Operand, Problem> {
        let kind = self.operand_type()?;
        let bits = kind.alignment.saturating_mul(8);
        let alignment = match token.text.starts_with("__") || kind.user_aligned {
            true => bits,
            false => super::placement::field_alignment(&kind, bits, self.abi),
        };
        Ok(Operand::new(CType::size_t(self.abi), Some(alignment.div_ceil(8).into())))
    }

    fn offset_of(&mut self) -> Result<Operand, Problem> {
        self.want("(")?;
        let kind = self.type_name()?;
        self.want(",")?;
        let mut object = Operand { kind, value: Some(0), lvalue: true };
        loop {
            let name = self.next();
            object = self.member_of(&object, &name)?;
            while self.takes("[") {
                let index = self.constant()?;
                self.want("]")?;
                object = self.object_at(&object, Some(index));
            }
            if !self.takes(".") {
                break;
            }
        }
        self.want(")")?;
        Ok(Operand::new(CType::size_t(self.abi), object.value))
    }

    fn member_of(&self, object: &Operand, name: &Token) -> Result<Operand, Problem> {
        let Kind::Record(number) = object.kind.kind else {
            return Err(self.problem(name.place, "what stands before the member is no struct"));
        };
        let Some((kind, offset)) = self.find_member(number, &name.text) else {
            return Err(self.problem(name.place, format!("no member is named `{}`", name.text)));
        };
        let value = object.value.and_then(|value| value.checked_add(offset.into()));
        Ok(Operand { kind, value, lvalue: true })
    }

    /// A member of a record or of its anonymous ones, and its offset in bytes.
    fn find_member(&self, number: usize, name: &str) -> Option<(CType, u64)> {
        let body = self.records.get(number)?.body.as_ref()?;
        for field in &body.fields {
            let offset = field.offset.checked_div(8)?;
            match (&field.name, &field.kind.kind) {
                (Some(known), _) if &**known == name => return Some((field.kind.clone(), offset)),
                (None, Kind::Record(inner)) => {
                    if let Some((kind, inside)) = self.find_member(*inner, name) {
                        return Some((kind, offset.checked_add(inside)?));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The integer promotions (6.3.1.1).
    fn promoted(&self, kind: &CType) -> CType {
        match kind.kind {
            Kind::Integer { bytes, .. } if bytes < 4 && !self.in_condition => CType::int(self.abi),
            Kind::Integer { bytes, signed, .. } => CType::integer(bytes, signed, Role::Number, self.abi),
            _ => kind.clone(),
        }
    }

    /// The usual arithmetic conversions (6.3.1.8).
    fn common(&self, left: &CType, right: &CType) -> CType {
        let (left, right) = (self.promoted(left), self.promoted(right));
        match (&left.kind, &right.kind) {
            (Kind::Integer { bytes: a, signed: sa, .. }, Kind::Integer { bytes: b, signed: sb, .. }) => {
                let bytes = *a.max(b);
                let unsigned = !sa && *a == bytes || !sb && *b == bytes;
                CType::integer(bytes, !unsigned, Role::Number, self.abi)
            }
            _ => left,
        }
    }

    fn wrapped(&self, value: Option<i128>, kind: &CType) -> Option<i128> {
        match kind.kind {
            Kind::Float(_) | Kind::Complex(_) | Kind::Record(_) | Kind::Void => None,
            _ => value.map(|value| self.wrap(value, kind)),
        }
    }

    /// The value that an integer type makes of a number: its low bits.
    fn wrap(&self, value: i128, kind: &CType) -> i128 {
        let (bytes, signed) = match kind.kind {
            Kind::Integer { bytes, signed, .. } => (bytes, signed),
            _ => (self.abi.long(), false),
        };
        let bits = u32::try_from(bytes.saturating_mul(8)).unwrap_or(128);
        let Some(above) = 128_u32.checked_sub(bits).filter(|above| *above > 0) else { return value };
        let top = value.wrapping_shl(above);
        if signed { top.wrapping_shr(above) } else { (top.cast_unsigned().wrapping_shr(above)).cast_signed() }
    }
}
