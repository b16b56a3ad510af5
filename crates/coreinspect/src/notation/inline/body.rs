//! The fields of a struct while they are read, and who may ask for them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::parser::Parser;
use crate::notation::problem::{Problem, meant};
use crate::types::expression::{Expression, Reference};
use crate::types::{Check, Field, Place, Struct, Type};

/// A type that the text defines.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) kind: Type,
    /// Its own parts and those of its parts.
    pub(super) parts: u64,
    /// Structs within it.
    pub(super) depth: u32,
}

/// A side of an `if`, or a case of a `switch`: which one, and which side of it. Fields of two sides never are both there.
pub(super) type Branch = (u32, usize);

/// A field that has a name in a body.
#[derive(Clone, Debug)]
struct Entry {
    /// The index of the field, and of fields inside it that have no name; `None`: nobody may ask for it.
    path: Option<Vec<usize>>,
    branches: Vec<Branch>,
}

/// A struct, a union or a case while its fields are read.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// What it is called in messages.
    pub(super) title: String,
    pub(super) fields: Vec<Field>,
    pub(super) checks: Vec<Check>,
    pub(super) size: Option<Expression>,
    pub(super) aligned: Option<u64>,
    pub(super) packed: bool,
    pub(super) union: bool,
    /// Whether it sees only its own fields, because it can stand elsewhere too.
    pub(super) alone: bool,
    /// What must hold for the fields that are read now.
    pub(super) when: Option<Expression>,
    /// The branches that are read now.
    pub(super) branches: Vec<Branch>,
    /// The deepest struct of its fields.
    pub(super) depth: u32,
    /// Its parts so far.
    pub(super) parts: u64,
    /// A type without a name, and where it stands: it is all that there is.
    pub(super) unnamed: Option<(Type, Range<usize>)>,
    pub(super) names: Names,
}

fn exclusive(one: &[Branch], other: &[Branch]) -> bool {
    one.iter().any(|(branch, side)| other.iter().any(|(known, other)| branch == known && side != other))
}

impl Body {
    pub(super) fn into_struct(self, name: Option<Arc<str>>) -> (Struct, Names) {
        let Self { fields, checks, size, aligned, packed, union, names, .. } = self;
        (Struct { name, fields, union, packed, size, aligned, checks }, names)
    }

    /// Enters the name of the field that comes next.
    fn enter(&mut self, name: &Arc<str>, path: Option<Vec<usize>>, branches: Vec<Branch>) -> Result<(), ()> {
        let entries = self.names.0.entry(name.clone()).or_default();
        if entries.iter().any(|entry| !exclusive(&entry.branches, &branches)) {
            return Err(());
        }
        entries.push(Entry { path, branches });
        Ok(())
    }

    /// The field called `name`, as seen from the branches that are read now.
    fn find(&self, name: &str) -> Found<'_> {
        let Some(entries) = self.names.0.get(name) else { return Found::Nothing };
        let mut seen = entries.iter().filter(|entry| !exclusive(&entry.branches, &self.branches));
        match (seen.next(), seen.next()) {
            (None, _) => Found::Nothing,
            (Some(_), Some(_)) => Found::Twice,
            (Some(Entry { path: Some(path), .. }), None) => Found::Field(path),
            (Some(_), None) => Found::Hidden,
        }
    }
}

/// The names of a body.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Arc<str>, Vec<Entry>>);

impl Names {
    /// Those of the cases of a switch: nobody outside may ask for them, and two cases may have the same.
    pub(super) fn of_cases(cases: Vec<Self>, branch: u32) -> Self {
        let mut names: HashMap<Arc<str>, Vec<Entry>> = HashMap::new();
        for (case, Self(inside)) in cases.into_iter().enumerate() {
            for (name, entries) in inside {
                let entries = entries.into_iter().map(|entry| {
                    let branches = std::iter::once((branch, case)).chain(entry.branches).collect();
                    Entry { path: None, branches }
                });
                names.entry(name).or_default().extend(entries);
            }
        }
        Self(names)
    }
}

enum Found<'b> {
    Nothing,
    /// In both sides of a branch.
    Twice,
    /// In a case of a switch.
    Hidden,
    Field(&'b [usize]),
}

impl<'s> Parser<'s> {
    /// The body whose fields are read.
    pub(super) fn body(&mut self) -> Result<&mut Body, Problem> {
        let span = self.span();
        self.bodies.last_mut().ok_or_else(|| Problem::new("a field outside of a struct", span))
    }

    /// Adds a field with the name, or with those of its own fields if it has none.
    pub(super) fn add_field(
        &mut self,
        mut field: Field,
        inner: Option<Names>,
        span: Range<usize>,
    ) -> Result<(), Problem> {
        let body = self.body()?;
        let index = body.fields.len();
        let mut twice = None;
        if let Some(name) = &field.name {
            let branches = body.branches.clone();
            if body.enter(name, Some(vec![index]), branches).is_err() {
                twice = Some(name.clone());
            }
        }
        // One side of a branch or case may hold what another holds too.
        let mut inner: Vec<_> = inner.map(|Names(names)| names.into_iter().collect()).unwrap_or_default();
        inner.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, entries) in inner {
            for entry in entries {
                let path = entry.path.map(|path| std::iter::once(index).chain(path).collect());
                let branches = body.branches.iter().copied().chain(entry.branches).collect();
                if body.enter(&name, path, branches).is_err() {
                    twice = Some(name.clone());
                }
            }
        }
        if let Some(name) = twice {
            return Err(Problem::new(format!("`{name}` is there twice in {}", body.title), span)
                .help("each name stands for one field of a struct"));
        }
        field.when = match (body.when.clone(), field.when) {
            (Some(outer), Some(inner)) => Some(Box::new(and(outer, *inner))),
            (outer, inner) => outer.map(Box::new).or(inner),
        };
        body.fields.push(field);
        self.count_parts(1, span)
    }

    /// Counts parts of types, against texts that double a type forty times.
    pub(super) fn count_parts(&mut self, parts: u64, span: Range<usize>) -> Result<(), Problem> {
        self.parts = self.parts.saturating_add(parts);
        if let Some(body) = self.bodies.last_mut() {
            body.parts = body.parts.saturating_add(parts);
        }
        match self.parts > super::PARTS {
            true => Err(Problem::new(
                format!("more than {} fields, those of fields counted too", super::PARTS),
                span,
            )),
            false => Ok(()),
        }
    }

    /// Whether a field that may be asked for has this name.
    pub(super) fn field_is_known(&self, name: &str) -> bool {
        self.in_sight().any(|body| !matches!(body.find(name), Found::Nothing))
    }

    /// Whether a field of this name is there, but not for the struct that asks.
    pub(super) fn is_hidden(&self, name: &str) -> bool {
        self.bodies.iter().any(|body| !matches!(body.find(name), Found::Nothing))
    }

    /// The bodies from the innermost outwards.
    fn in_sight(&self) -> impl Iterator<Item = &Body> {
        let alone = self.bodies.iter().rposition(|body| body.alone).unwrap_or(0);
        self.bodies.get(alone..).unwrap_or_default().iter().rev()
    }

    /// Every name that an expression may use here.
    pub(super) fn names_in_sight(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> =
            self.in_sight().flat_map(|body| body.names.0.keys().cloned()).collect();
        names.extend(self.constants.keys().cloned());
        names.extend(["here", "segment_size", "sizeof"].map(Arc::from));
        names.sort();
        names
    }

    /// What the fields `names`, each in the one before it, are to an expression; `None` if no field has the first.
    pub(super) fn reference(
        &mut self,
        names: &[&str],
        span: Range<usize>,
    ) -> Result<Option<Expression>, Problem> {
        let Some((first, rest)) = names.split_first() else { return Ok(None) };
        let found = self.in_sight().enumerate().map(|(up, body)| (up, body.find(first)));
        let found = found.into_iter().find(|(_, found)| !matches!(found, Found::Nothing));
        let (up, path) = match found {
            None => return Ok(None),
            Some((_, Found::Twice)) => {
                return Err(Problem::new(format!("`{first}` is two fields, of which one is there"), span)
                    .help(
                        "ask for it where it stands, or give both one name and one type in front of the `if`",
                    ));
            }
            Some((_, Found::Hidden)) => {
                return Err(Problem::new(
                    format!("`{first}` stands in a case of a `switch`: it may not be there"),
                    span,
                )
                .help("put the field that asks for it into the same case"));
            }
            Some((up, Found::Field(path))) => (up, path.to_vec()),
            Some((_, Found::Nothing)) => return Ok(None),
        };
        let position = self.bodies.len().checked_sub(up.saturating_add(1));
        let Some(body) = position.and_then(|position| self.bodies.get_mut(position)) else { return Ok(None) };
        let path = remember(&mut body.fields, &path, rest, &span)?;
        Ok(Some(Expression::Field(Reference { up, path, name: names.join(".").into() })))
    }
}

/// Marks the field at `path`, and `rest` inside it by their names, as asked for. Answers the whole path.
fn remember(
    fields: &mut [Field],
    path: &[usize],
    rest: &[&str],
    span: &Range<usize>,
) -> Result<Vec<usize>, Problem> {
    let mut whole = Vec::new();
    let (mut fields, mut path, mut rest) = (fields, path.iter().copied(), rest.iter());
    let mut next = path.next();
    while let Some(index) = next {
        let Some(field) = fields.get_mut(index) else { break };
        field.remembered = true;
        whole.push(index);
        let name = field.name.clone();
        let called = name.as_deref().unwrap_or("it");
        match (&mut field.kind, path.next(), rest.as_slice().first()) {
            (Type::Struct(inner), Some(step), _) => {
                fields = &mut Arc::make_mut(inner).fields;
                next = Some(step);
            }
            (Type::Struct(inner), None, Some(name)) => {
                let steps = field_in(inner, name).ok_or_else(|| {
                    let problem = Problem::new(format!("`{called}` has no field `{name}`"), span.clone());
                    let known = inner.fields.iter().filter_map(|field| field.name.as_deref());
                    match meant(name, known) {
                        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                        None => problem,
                    }
                })?;
                rest.next();
                return remember(&mut Arc::make_mut(inner).fields, &steps, rest.as_slice(), span)
                    .map(|inside| whole.into_iter().chain(inside).collect());
            }
            (Type::Integer(_) | Type::Pointer(_), None, None) => return Ok(whole),
            (_, None, Some(_)) => {
                return Err(Problem::new(
                    format!("`{called}` is no struct, so it has no fields"),
                    span.clone(),
                ));
            }
            _ => {
                return Err(Problem::new(
                    format!("`{called}` is no number, so no sum can hold it"),
                    span.clone(),
                )
                .help("integers, enums, flags, times and pointers are numbers"));
            }
        }
    }
    Err(Problem::new("this field cannot be asked for", span.clone()))
}

/// The indices that lead to the field `name`, through fields without a name.
fn field_in(fields: &Struct, name: &str) -> Option<Vec<usize>> {
    let direct = fields.fields.iter().position(|field| field.name.as_deref() == Some(name));
    direct.map(|index| vec![index]).or_else(|| {
        fields.fields.iter().enumerate().find_map(|(index, field)| match (&field.name, &field.kind) {
            (None, Type::Struct(inner)) => {
                let mut path = field_in(inner, name)?;
                path.insert(0, index);
                Some(path)
            }
            _ => None,
        })
    })
}

/// Both hold.
pub(super) fn and(one: Expression, other: Expression) -> Expression {
    use crate::types::expression::Binary;
    Expression::Binary(Binary::And, Box::new(one), Box::new(other))
}

impl Named {
    /// A type without parts.
    pub(super) fn plain(kind: Type) -> Self {
        Self { kind, parts: 0, depth: 0 }
    }
}

/// Room without a value.
pub(super) fn padding(kind: Type, place: Place) -> Field {
    Field { name: None, place, padding: true, ..Field::new("", kind) }
}
