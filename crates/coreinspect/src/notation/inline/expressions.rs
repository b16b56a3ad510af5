//! C's expressions over numbers, constants and fields.

use std::ops::Range;

use super::lexer::TokenKind;
use super::parser::Parser;
use crate::notation::problem::{Problem, meant};
use crate::types::expression::{Binary, Expression, Nothing, Unary};

/// Operators within operators: what the decoder computes, and room for those that a parser adds.
const DEPTH: u32 = 40;

/// C's precedence: higher binds closer.
const OPERATORS: &[(Binary, u8)] = &[
    (Binary::Or, 1),
    (Binary::And, 2),
    (Binary::BitOr, 3),
    (Binary::BitXor, 4),
    (Binary::BitAnd, 5),
    (Binary::Equal, 6),
    (Binary::NotEqual, 6),
    (Binary::Less, 7),
    (Binary::LessOrEqual, 7),
    (Binary::Greater, 7),
    (Binary::GreaterOrEqual, 7),
    (Binary::ShiftLeft, 8),
    (Binary::ShiftRight, 8),
    (Binary::Add, 9),
    (Binary::Subtract, 9),
    (Binary::Multiply, 10),
    (Binary::Divide, 10),
    (Binary::Remainder, 10),
];

/// What stands around an expression, and how deep it is.
type Deep = (Expression, u32);

impl<'s> Parser<'s> {
    /// An expression over the fields before it.
    pub(super) fn expression(&mut self) -> Result<Expression, Problem> {
        let start = self.span().start;
        let (expression, depth) = self.operators(0)?;
        self.not_too_deep(depth, start)?;
        Ok(folded(expression))
    }

    /// An expression without fields, and where it stands.
    pub(super) fn constant(&mut self) -> Result<(i128, Range<usize>), Problem> {
        let start = self.span().start;
        let expression = self.expression()?;
        let span = start..self.before();
        match expression {
            Expression::Constant(value) => Ok((value, span)),
            expression if expression.references().is_empty() => {
                Err(Problem::new("no number can be made of this", span)
                    .help("a division by zero, more than 127 bits, or what differs by machine"))
            }
            _ => Err(Problem::new("a constant is needed here, not a field", span)
                .help("numbers, `const` names and names of an enum are constants")),
        }
    }

    fn not_too_deep(&self, depth: u32, start: usize) -> Result<(), Problem> {
        match depth > DEPTH {
            true => Err(Problem::new(
                format!("more than {DEPTH} operators within each other"),
                start..self.before(),
            )),
            false => Ok(()),
        }
    }

    fn operators(&mut self, least: u8) -> Result<Deep, Problem> {
        let start = self.span().start;
        let (mut left, mut depth) = self.operand()?;
        while let TokenKind::Sign(sign) = self.kind() {
            let operator = OPERATORS.iter().find(|(operator, _)| operator.symbol() == *sign);
            let Some((operator, precedence)) = operator.filter(|(_, precedence)| *precedence > least) else {
                break;
            };
            self.next();
            let (right, right_depth) = self.operators(*precedence)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
            depth = depth.max(right_depth).saturating_add(1);
            self.not_too_deep(depth, start)?;
        }
        Ok((left, depth))
    }

    fn operand(&mut self) -> Result<Deep, Problem> {
        let span = self.span();
        let operator = match self.kind() {
            TokenKind::Sign("-") => Some(Unary::Minus),
            TokenKind::Sign("!") => Some(Unary::Not),
            TokenKind::Sign("~") => Some(Unary::Invert),
            TokenKind::Sign("+") => {
                self.next();
                return self.deeper(span, |parser| parser.operand());
            }
            _ => None,
        };
        if let Some(operator) = operator {
            self.next();
            let (operand, depth) = self.deeper(span.clone(), |parser| parser.operand())?;
            self.not_too_deep(depth.saturating_add(1), span.start)?;
            return Ok((Expression::Unary(operator, Box::new(operand)), depth.saturating_add(1)));
        }
        match self.kind().clone() {
            TokenKind::Number(value, _) => {
                self.next();
                Ok((Expression::Constant(value), 0))
            }
            TokenKind::Sign("(") => {
                self.next();
                let inner = self.deeper(span, |parser| parser.operators(0))?;
                self.want(")")?;
                Ok(inner)
            }
            TokenKind::Word if self.word() == "sizeof" && self.sign_follows("(") => {
                self.next();
                self.next();
                let size = self.deeper(span, Self::size_of)?;
                self.want(")")?;
                // The size of a type is a constant, or one multiple of `long` more.
                Ok((size, 2))
            }
            TokenKind::Word => self.name_in_expression().map(|name| (name, 0)),
            TokenKind::Text(_) => Err(Problem::new("a number is needed here, not text", span)),
            _ => Err(self.expected("a number or the name of a field")),
        }
    }

    fn name_in_expression(&mut self) -> Result<Expression, Problem> {
        let span = self.span();
        let first = self.next_word();
        let mut names = vec![first];
        while self.is_sign(".") {
            self.next();
            names.push(self.name("the name of a field of it")?.0);
        }
        if let TokenKind::Sign("[") = self.kind()
            && self.field_is_known(first)
        {
            // `@offset [...]` never follows a field: brackets behind one could only mean an element.
            return Err(Problem::new("elements of arrays cannot be asked for", span.start..self.span().end)
                .help("give the number a field of its own"));
        }
        let span = span.start..self.before();
        if let Some(found) = self.reference(&names, span.clone())? {
            return Ok(found);
        }
        if names.len() == 1 {
            if let Some(constant) = self.constant_called(first, &span)? {
                return Ok(Expression::Constant(constant));
            }
            match first {
                "here" => return Ok(Expression::Here),
                "segment_size" => return Ok(Expression::SegmentSize),
                "true" => return Ok(Expression::Constant(1)),
                "false" => return Ok(Expression::Constant(0)),
                _ => {}
            }
        }
        let first_span = span.start..span.start.saturating_add(first.len());
        let problem =
            Problem::new(format!("no field before it, and no constant, is called `{first}`"), first_span);
        let known = self.names_in_sight();
        Err(match meant(first, known.iter().map(|name| &**name)) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None if self.is_hidden(first) => problem.help(
                "a struct with a name can stand anywhere: it sees its own fields alone; one without a name sees those around it",
            ),
            None => problem,
        })
    }
}

/// Sums of constants are constants.
fn folded(expression: Expression) -> Expression {
    match expression.value(&Nothing) {
        Some(value) => Expression::Constant(value),
        None => expression,
    }
}
