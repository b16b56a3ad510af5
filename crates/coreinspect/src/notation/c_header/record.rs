//! Structs and unions (ISO C11 6.7.2.1).

use std::collections::HashSet;
use std::rc::Rc;

use super::attributes::Attributes;
use super::ctype::{Body, CField, CType, DEPTH, Kind, LARGEST, Record, Role};
use super::parser::{Parser, Tag};
use super::placement::{Rules, place};
use super::problem::{Place, Problem};
use super::token::{self, Token};

impl Parser<'_> {
    /// A struct or a union, defined or named; and whether it is defined without a tag.
    pub(super) fn record(&mut self) -> Result<(CType, bool), Problem> {
        let keyword = self.next();
        let mut attributes = Attributes::default();
        self.attributes(&mut attributes)?;
        let tag = (self.peek().kind == token::Kind::Identifier).then(|| self.next());
        self.attributes(&mut attributes)?;
        if !self.peek().is("{") {
            let Some(tag) = tag else { return Err(self.unexpected("expected a tag or `{`")) };
            return Ok((self.named_record(&keyword, &tag)?, false));
        }
        let number = self.begin_record(&keyword, tag.as_ref())?;
        let fields = self.members()?;
        self.attributes(&mut attributes)?;
        let union = &*keyword.text == "union";
        let body = self.finished(fields, union, &attributes, keyword.place)?;
        let kind = CType::record(number, Some(&body));
        if let Some(record) = self.records.get_mut(number) {
            record.body = Some(body);
        }
        match tag {
            Some(tag) => {
                self.defined(format!("{} {}", keyword.text, tag.text), number, &tag);
                if let Some(known) = self.tags.get_mut(&tag.text) {
                    known.kind = kind.clone();
                }
                Ok((kind, false))
            }
            None => Ok((kind, true)),
        }
    }

    /// `struct queue` without a body: what was defined, or what will be.
    fn named_record(&mut self, keyword: &Token, tag: &Token) -> Result<CType, Problem> {
        if let Some(known) = self.tags.get(&tag.text) {
            if known.keyword == keyword.text {
                return Ok(known.kind.clone());
            }
            if !known.given {
                let message = format!("`{}` is a {}, not a {}", tag.text, known.keyword, keyword.text);
                return Err(self.problem(tag.place, message));
            }
        }
        let number = self.declare(keyword, Some(tag));
        Ok(CType::record(number, None))
    }

    fn declare(&mut self, keyword: &Token, tag: Option<&Token>) -> usize {
        let number = self.records.len();
        let name = tag.map(|tag| Rc::from(format!("{} {}", keyword.text, tag.text)));
        self.records.push(Record { name, union: &*keyword.text == "union", body: None, held: false });
        if let Some(tag) = tag {
            let kind = CType::record(number, None);
            let keyword = keyword.text.clone();
            self.tags.insert(tag.text.clone(), Tag { kind, keyword, given: self.giving });
        }
        number
    }

    /// The number of a record whose body follows.
    fn begin_record(&mut self, keyword: &Token, tag: Option<&Token>) -> Result<usize, Problem> {
        let known = tag.and_then(|tag| self.tags.get(&tag.text)).filter(|known| !self.may_be_replaced(known));
        if let (Some(known), Some(tag)) = (known, tag) {
            let Kind::Record(number) = known.kind.kind else {
                return Err(self.problem(tag.place, format!("`{}` is an enum", tag.text)));
            };
            if known.keyword != keyword.text {
                let message = format!("`{}` is a {}, not a {}", tag.text, known.keyword, keyword.text);
                return Err(self.problem(tag.place, message));
            }
            if self.records.get(number).is_some_and(|known| known.body.is_some()) {
                return Err(
                    self.problem(tag.place, format!("`{} {}` is defined twice", keyword.text, tag.text))
                );
            }
            return Ok(number);
        }
        Ok(self.declare(keyword, tag))
    }

    /// Whether a header may define a tag that is known: one that the prelude defined, not one that it only named.
    fn may_be_replaced(&self, known: &Tag) -> bool {
        let named_only = match known.kind.kind {
            Kind::Record(number) => self.records.get(number).is_some_and(|record| record.body.is_none()),
            _ => false,
        };
        known.given && !self.giving && !named_only
    }

    /// A tag of an enum.
    pub(super) fn define_tag(&mut self, tag: &Token, keyword: &str, kind: CType) -> Result<(), Problem> {
        if self.tags.get(&tag.text).is_some_and(|known| !known.given) {
            return Err(self.problem(tag.place, format!("`{keyword} {}` is defined twice", tag.text)));
        }
        let new = Tag { kind, keyword: keyword.into(), given: self.giving };
        self.tags.insert(tag.text.clone(), new);
        Ok(())
    }

    fn members(&mut self) -> Result<Vec<CField>, Problem> {
        self.want("{")?;
        let mut fields = Vec::new();
        while !self.takes("}") {
            let token = self.peek();
            if token.kind == token::Kind::Pack {
                self.take_pack();
            } else if token.is(";") {
                self.next();
            } else if token.is("_Static_assert") || token.is("static_assert") {
                self.next();
                self.skip_brackets()?;
            } else {
                self.member(&mut fields)?;
            }
        }
        Ok(fields)
    }

    fn member(&mut self, fields: &mut Vec<CField>) -> Result<(), Problem> {
        let place = self.peek().place;
        let specifiers = self.specifiers()?;
        if self.takes(";") {
            // A struct with a tag and no name is declared here, but is no member (6.7.2.1, 13).
            if specifiers.unnamed_record {
                let kind = specifiers.kind;
                self.add(fields, None, kind, None, specifiers.attributes, place)?;
            }
            return Ok(());
        }
        loop {
            let (name, kind, mut attributes) = match self.peek().is(":") {
                true => (None, specifiers.kind.clone(), Attributes::default()),
                false => self.declarator(specifiers.kind.clone(), false)?,
            };
            let place = name.as_ref().map_or(self.peek().place, |name| name.place);
            let bits = match self.takes(":") {
                true => Some(self.width(&kind, name.as_ref())?),
                false if name.is_none() => return Err(self.unexpected("expected a member's name")),
                false => None,
            };
            self.attributes_behind(&mut attributes)?;
            let attributes = specifiers.attributes.clone().and(attributes);
            self.add(fields, name, kind, bits, attributes, place)?;
            if self.takes(",") {
                continue;
            }
            return self.want(";");
        }
    }

    /// The width of a bit field.
    fn width(&mut self, kind: &CType, name: Option<&Token>) -> Result<u64, Problem> {
        let place = self.peek().place;
        let width = self.constant()?;
        let Kind::Integer { bytes, role, .. } = &kind.kind else {
            return Err(self.problem(place, "only whole numbers can be bit fields"));
        };
        let most = if *role == Role::Boolean { 1 } else { bytes.saturating_mul(8) };
        let Some(width) = u64::try_from(width).ok().filter(|width| *width <= most) else {
            return Err(self.problem(place, format!("a bit field of {width} bits in a type of {most}")));
        };
        match (width, name) {
            (0, Some(name)) => Err(self.problem(name.place, "a bit field of no bits has no name")),
            _ => Ok(width),
        }
    }

    fn add(
        &mut self,
        fields: &mut Vec<CField>,
        name: Option<Token>,
        kind: CType,
        bits: Option<u64>,
        attributes: Attributes,
        place: Place,
    ) -> Result<(), Problem> {
        let kind = self.shaped(kind, &attributes, place)?;
        if self.size(&kind).is_none() && !matches!(kind.kind, Kind::Array(_, None))
            || matches!(kind.kind, Kind::Void | Kind::Function(_))
        {
            let of = super::names::of(self, &kind);
            let problem = self.problem(place, format!("a member of type `{of}`, whose size is not known"));
            return Err(problem
                .help("define it before, or have a compiler put all into one file: gcc -E HEADER > flat.h"));
        }
        if let Kind::Record(number) = kind.innermost().kind
            && let Some(record) = self.records.get_mut(number)
        {
            record.held = true;
        }
        let packed = attributes.packed && can_be_packed(&kind, bits);
        fields.push(CField {
            name: name.map(|name| name.text),
            place,
            kind,
            bits,
            packed,
            aligned: attributes.aligned,
            offset: 0,
        });
        Ok(())
    }

    /// Places the members.
    fn finished(
        &mut self,
        mut fields: Vec<CField>,
        union: bool,
        attributes: &Attributes,
        at: Place,
    ) -> Result<Body, Problem> {
        self.distinct(&fields)?;
        let last = fields.len().saturating_sub(1);
        for (index, field) in fields.iter_mut().enumerate() {
            field.packed |= attributes.packed && can_be_packed(&field.kind, field.bits);
            if matches!(field.kind.kind, Kind::Array(_, None)) && index != last && !union {
                let problem =
                    self.sources.problem(field.place, "an array without a size must be the last member");
                return Err(problem);
            }
        }
        let rules = Rules {
            abi: self.abi,
            union,
            pack: self.pack,
            aligned: attributes.aligned.unwrap_or(1),
            user_aligned: attributes.aligned.is_some(),
        };
        let sizes: Vec<u64> = fields.iter().map(|field| self.size(&field.kind).unwrap_or(0)).collect();
        let mut body = place(fields, &sizes, &rules)
            .filter(|body| body.size <= LARGEST)
            .ok_or_else(|| self.problem(at, "this has more than 2^48 bytes"))?;
        let inner = body.fields.iter().filter_map(|field| match field.kind.innermost().kind {
            Kind::Record(number) => self.records.get(number)?.body.as_ref().map(|body| body.depth),
            _ => None,
        });
        body.depth = inner.max().map_or(1, |depth| depth.saturating_add(1));
        if body.depth > DEPTH {
            return Err(self.problem(at, format!("structs are nested more than {DEPTH} deep")));
        }
        body.reversed = attributes.big_endian.is_some_and(|big| big != self.abi.is_big_endian());
        Ok(body)
    }

    /// No two members may have one name, not even inside anonymous ones.
    fn distinct(&self, fields: &[CField]) -> Result<(), Problem> {
        let mut seen = HashSet::new();
        let mut left: Vec<(&CField, Place)> = fields.iter().rev().map(|field| (field, field.place)).collect();
        let mut budget = 1_000_000_u32;
        while let Some((field, at)) = left.pop() {
            budget = budget.saturating_sub(1);
            match (&field.name, &field.kind.kind) {
                (Some(name), _) if !seen.insert(name.clone()) => {
                    return Err(self.problem(at, format!("two members are named `{name}`")));
                }
                (None, Kind::Record(number)) if budget > 0 => {
                    let body = self.records.get(*number).and_then(|record| record.body.as_ref());
                    left.extend(
                        body.into_iter().flat_map(|body| body.fields.iter().rev().map(|inner| (inner, at))),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether `packed` changes a member: what is aligned to a byte anyway stays as it is (gcc/c-family/c-attribs.c,
/// handle_packed_attribute).
fn can_be_packed(kind: &CType, bits: Option<u64>) -> bool {
    bits.is_some() || kind.alignment > 1
}
