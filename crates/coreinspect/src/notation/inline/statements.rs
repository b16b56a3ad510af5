//! What stands between two semicolons, but for the fields themselves.

use std::ops::Range;
use std::sync::Arc;

use super::body::{Body, and, padding};
use super::parser::Parser;
use crate::machine::ByteOrder;
use crate::notation::problem::Problem;
use crate::types::expression::{Binary, Expression, Unary};
use crate::types::{Check, Count, Field, Place, Switch, Type};

/// Conditions within each other.
const CONDITIONS: usize = 16;

/// The byte order that a word says.
pub(super) fn order(word: &str) -> Option<ByteOrder> {
    match word {
        "be" | "big" => Some(ByteOrder::Big),
        "le" | "little" => Some(ByteOrder::Little),
        _ => None,
    }
}

impl<'s> Parser<'s> {
    /// Statements up to a `}` or the end.
    pub(super) fn statements(&mut self) -> Result<(), Problem> {
        while !self.at_end() && !self.is_sign("}") {
            self.statement()?;
        }
        Ok(())
    }

    pub(super) fn statement(&mut self) -> Result<(), Problem> {
        let span = self.span();
        if self.took(";") {
            return Ok(());
        }
        let word = self.word();
        let alone = self.sign_follows(";");
        match word {
            "" if self.took("@") => {
                let place = self.place()?;
                self.declaration(place)
            }
            "" => Err(self.expected("a type")),
            _ if self.types.contains_key(word) => self.declaration(Place::Next),
            "const" if self.sign_ahead(2, "=") => self.define_constant(),
            "typedef" => self.define_type(),
            "packed" if alone => {
                self.next();
                self.before_all_fields("packed", span)?;
                self.body()?.packed = true;
                self.end_of_statement()
            }
            "be" | "le" | "big" | "little" if alone => {
                self.next();
                self.order = order(word);
                self.end_of_statement()
            }
            "size" => self.size(),
            "pad" => self.pad(),
            "align" => self.align(),
            "check" => self.check(),
            "if" if self.sign_follows("(") => self.condition(),
            "switch" if self.sign_follows("(") => self.switch(),
            "else" => Err(Problem::new("an `else` without an `if`", span)),
            "case" | "default" => Err(Problem::new(format!("a `{word}` outside of a `switch`"), span)),
            "break" if alone => {
                self.next();
                self.end_of_statement()
            }
            _ => self.declaration(Place::Next),
        }
    }

    fn before_all_fields(&mut self, what: &str, span: Range<usize>) -> Result<(), Problem> {
        match self.body()?.fields.is_empty() {
            true => Ok(()),
            false => Err(Problem::new(format!("`{what};` stands before the first field"), span)),
        }
    }

    /// `@0x40` from the struct's start, `@segment(0x40)` from that of all.
    fn place(&mut self) -> Result<Place, Problem> {
        match self.word() == "segment" && self.sign_follows("(") {
            true => {
                self.next();
                self.next();
                let offset = self.expression()?;
                self.want(")")?;
                Ok(Place::InSegment(offset))
            }
            false => Ok(Place::At(self.expression()?)),
        }
    }

    /// `size 64;`: the bytes of the struct, whatever its fields take.
    fn size(&mut self) -> Result<(), Problem> {
        let span = self.span();
        self.next();
        let size = self.expression()?;
        if self.body()?.when.is_some() {
            return Err(Problem::new("a struct has one size: none under a condition", span));
        }
        if self.body()?.size.replace(size).is_some() {
            return Err(Problem::new("the struct's size is there twice", span));
        }
        self.end_of_statement()
    }

    /// `pad 3;`: bytes that say nothing.
    fn pad(&mut self) -> Result<(), Problem> {
        let span = self.span();
        self.next();
        let count = self.expression()?;
        let span = span.start..self.before();
        self.end_of_statement()?;
        self.add_field(padding(Type::Bytes(Count::Exactly(count)), Place::Next), None, span)
    }

    /// `align 8;`: bytes up to the next multiple, counted from the struct's start.
    fn align(&mut self) -> Result<(), Problem> {
        let span = self.span();
        self.next();
        let (alignment, value_span) = self.constant()?;
        if alignment <= 0 {
            return Err(Problem::new("an alignment is 1 or more", value_span));
        }
        self.end_of_statement()?;
        let binary = |operator, left, right| Expression::Binary(operator, Box::new(left), Box::new(right));
        let over = binary(Binary::Remainder, Expression::Here, Expression::Constant(alignment));
        let left = binary(Binary::Subtract, Expression::Constant(alignment), over);
        let room = binary(Binary::Remainder, left, Expression::Constant(alignment));
        self.add_field(padding(Type::Bytes(Count::Exactly(room)), Place::Next), None, span)
    }

    /// `check count == valid "torn write";`
    fn check(&mut self) -> Result<(), Problem> {
        self.next();
        let span = self.span();
        let holds = self.expression()?;
        let written = self.written(span.start..self.before());
        let says = match self.text_literal() {
            Some(text) => Arc::from(String::from_utf8_lossy(&text)),
            None => Arc::from(format!("`{written}` does not hold")),
        };
        let body = self.body()?;
        let holds = match &body.when {
            None => holds,
            Some(when) => {
                let unless = Expression::Unary(Unary::Not, Box::new(when.clone()));
                Expression::Binary(Binary::Or, Box::new(unless), Box::new(holds))
            }
        };
        body.checks.push(Check { holds, says });
        self.count_parts(1, span)?;
        self.end_of_statement()
    }

    /// `if (version >= 3) u32 extra; else { ... }`
    fn condition(&mut self) -> Result<(), Problem> {
        let span = self.span();
        self.next();
        self.want("(")?;
        let condition = self.expression()?;
        self.want(")")?;
        let branch = self.branches;
        self.branches = self.branches.saturating_add(1);
        let outer = self.body()?.when.clone();
        if self.body()?.branches.len() >= CONDITIONS {
            return Err(Problem::new(format!("more than {CONDITIONS} conditions within each other"), span));
        }
        let otherwise = Expression::Unary(Unary::Not, Box::new(condition.clone()));
        for (side, holds) in [condition, otherwise].into_iter().enumerate() {
            if side == 1 && !self.took_word("else") {
                break;
            }
            let body = self.body()?;
            body.when = Some(match &outer {
                Some(outer) => and(outer.clone(), holds),
                None => holds,
            });
            body.branches.push((branch, side));
            self.deeper(span.clone(), Self::block)?;
            let body = self.body()?;
            body.branches.pop();
            body.when = outer.clone();
        }
        Ok(())
    }

    /// One statement, or several between braces.
    fn block(&mut self) -> Result<(), Problem> {
        match self.took("{") {
            true => {
                self.statements()?;
                self.want("}")
            }
            false => self.statement(),
        }
    }

    /// `switch (kind) { case 1: ... case 2..5: ... default: ... } name;`
    fn switch(&mut self) -> Result<(), Problem> {
        let span = self.span();
        self.next();
        self.want("(")?;
        let on = self.expression()?;
        self.want(")")?;
        let mut size = None;
        if self.took_word("size") {
            let (value, value_span) = self.constant()?;
            size = Some(u64::try_from(value).map_err(|_| Problem::new("no size", value_span))?);
        }
        self.want("{")?;
        let mut switch = Switch { on, cases: Vec::new(), otherwise: None, size };
        let branch = self.branches;
        self.branches = self.branches.saturating_add(1);
        let mut names = Vec::new();
        let mut unnamed = None;
        while !self.took("}") {
            let (labels, default) = self.labels(&switch)?;
            let packed = self.body()?.packed;
            let body = Body { title: super::CASE.to_owned(), packed, ..Body::default() };
            self.bodies.push(body);
            let order = self.order;
            let read = self.deeper(span.clone(), Self::case);
            self.order = order;
            let Some(body) = self.bodies.pop() else { break };
            read?;
            let depth = body.depth.saturating_add(1);
            let outer = self.body()?;
            outer.depth = outer.depth.max(depth);
            let kind = match body.unnamed.clone() {
                Some((kind, span)) => {
                    unnamed = Some(span);
                    kind
                }
                None => {
                    let (fields, found) = body.into_struct(None);
                    names.push(found);
                    fields.into()
                }
            };
            switch.cases.extend(labels.into_iter().map(|(first, last)| (first, last, kind.clone())));
            if default {
                switch.otherwise = Some(kind);
            }
        }
        let kind = Type::Switch(Arc::new(switch));
        let name_span = self.span();
        let name = self.next_if_name();
        self.took(";");
        match (name, unnamed) {
            (Some(name), _) => self.add_field(Field::new(name, kind), None, name_span),
            (None, Some(span)) => {
                Err(Problem::new("this needs a name", span)
                    .help("or give the `switch` a name, behind its `}`"))
            }
            (None, None) => {
                let names = super::body::Names::of_cases(names, branch);
                let field = Field { name: None, ..Field::new("", kind) };
                self.add_field(field, Some(names), span)
            }
        }
    }

    fn next_if_name(&mut self) -> Option<&'s str> {
        let word = self.word();
        let is = !word.is_empty() && (self.sign_follows(";") || self.sign_follows("}"));
        is.then(|| self.next_word())
    }

    /// `case 1: case 2, 5..7:`, and whether `default:` was among them.
    fn labels(&mut self, switch: &Switch) -> Result<(Vec<(i128, i128)>, bool), Problem> {
        let mut labels: Vec<(i128, i128)> = Vec::new();
        let mut default = false;
        loop {
            let span = self.span();
            if self.took_word("default") {
                if default || switch.otherwise.is_some() {
                    return Err(Problem::new("`default` is there twice", span));
                }
                default = true;
                self.want(":")?;
            } else if self.took_word("case") {
                loop {
                    let (first, span) = self.constant()?;
                    let range = self.took("..") || self.took("...");
                    let last = if range { self.constant()?.0 } else { first };
                    let span = span.start..self.before();
                    if last < first {
                        return Err(Problem::new("this range ends before it begins", span));
                    }
                    let known = switch.cases.iter().map(|(first, last, _)| (*first, *last));
                    if known.chain(labels.iter().copied()).any(|(one, other)| one <= last && first <= other) {
                        return Err(Problem::new("another case has this value already", span));
                    }
                    labels.push((first, last));
                    self.count_parts(1, span)?;
                    if !self.took(",") {
                        break;
                    }
                }
                self.want(":")?;
            } else if labels.is_empty() && !default {
                return Err(self.expected("`case` or `default`"));
            } else {
                return Ok((labels, default));
            }
        }
    }

    fn case(&mut self) -> Result<(), Problem> {
        while !self.at_end() && !self.is_sign("}") {
            let label = match self.word() {
                "case" => true,
                "default" => self.sign_follows(":"),
                _ => false,
            };
            if label {
                return Ok(());
            }
            self.statement()?;
        }
        Ok(())
    }
}
