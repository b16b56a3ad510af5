//! The name in a declaration, and what stands round it (ISO C11 6.7.6, 6.7.7).

use super::attributes::Attributes;
use super::ctype::{CType, DEPTH};
use super::parser::Parser;
use super::problem::{Place, Problem};
use super::specifiers::QUALIFIERS;
use super::token::{self, Token};

/// `[8]` or `(int)` behind a name.
enum Suffix {
    Array(Option<u64>, Place),
    Function,
}

impl Parser<'_> {
    /// Reads a declarator; answers its name, the type of what it names, and attributes before the name.
    /// `named_not`: it need not have a name, and what is in brackets may be parameters.
    pub(super) fn declarator(
        &mut self,
        base: CType,
        named_not: bool,
    ) -> Result<(Option<Token>, CType, Attributes), Problem> {
        self.deeper(|parser| parser.declarator_inside(base, named_not))
    }

    fn declarator_inside(
        &mut self,
        mut base: CType,
        named_not: bool,
    ) -> Result<(Option<Token>, CType, Attributes), Problem> {
        let mut attributes = Attributes::default();
        loop {
            let place = self.peek().place;
            if self.takes("*") || self.takes("^") {
                base = CType::pointer(base, self.abi);
                self.not_too_deep(&base, place)?;
                let mut of_pointer = Attributes::default();
                loop {
                    let word = self.peek();
                    if word.is("_Atomic") || is_qualifier(word) {
                        self.next();
                    } else if !self.attributes(&mut of_pointer)? {
                        break;
                    }
                }
            } else if !(self.peek().is("__attribute__") && self.attributes(&mut attributes)?) {
                break;
            }
        }
        if self.peek().is("(") && self.nests(named_not) {
            let inside = self.position().saturating_add(1);
            self.skip_brackets()?;
            let base = self.suffixes(base)?;
            let behind = self.position();
            self.go_to(inside);
            let (name, kind, inner) = self.declarator(base, named_not)?;
            self.want(")")?;
            self.go_to(behind);
            return Ok((name, kind, attributes.and(inner)));
        }
        let name = (self.peek().kind == token::Kind::Identifier && !named_not).then(|| self.next());
        let kind = self.suffixes(base)?;
        Ok((name, kind, attributes))
    }

    /// Whether the bracket that follows holds a declarator, not parameters.
    fn nests(&self, named_not: bool) -> bool {
        let next = self.ahead(1);
        match named_not {
            true => ["*", "^", "(", "["].iter().any(|text| next.is(text)),
            false => true,
        }
    }

    fn suffixes(&mut self, base: CType) -> Result<CType, Problem> {
        let mut suffixes = Vec::new();
        loop {
            let token = self.peek().clone();
            if token.is("[") && !self.ahead(1).is("[") {
                self.next();
                while is_qualifier(self.peek()) || self.peek().is("static") {
                    self.next();
                }
                let star = self.peek().is("*") && self.ahead(1).is("]");
                let count = if self.peek().is("]") || star {
                    if star {
                        self.next();
                    }
                    None
                } else {
                    let place = self.peek().place;
                    let count = self.constant()?;
                    let count = u64::try_from(count);
                    Some(
                        count
                            .map_err(|_| self.problem(place, "an array of a negative number of elements"))?,
                    )
                };
                self.want("]")?;
                suffixes.push(Suffix::Array(count, token.place));
            } else if token.is("(") {
                self.skip_brackets()?;
                suffixes.push(Suffix::Function);
            } else {
                break;
            }
        }
        let mut kind = base;
        for suffix in suffixes.into_iter().rev() {
            kind = match suffix {
                Suffix::Array(count, place) => {
                    let array = self.array(kind, count, place)?;
                    self.not_too_deep(&array, place)?;
                    array
                }
                Suffix::Function => CType::function(kind),
            };
        }
        Ok(kind)
    }

    fn not_too_deep(&self, kind: &CType, place: Place) -> Result<(), Problem> {
        match kind.depth > DEPTH {
            true => {
                Err(self.problem(place, format!("pointers and arrays are nested more than {DEPTH} deep")))
            }
            false => Ok(()),
        }
    }
}

fn is_qualifier(token: &Token) -> bool {
    QUALIFIERS.iter().any(|word| token.is(word))
}
