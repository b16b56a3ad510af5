//! A sink that keeps all: the tree of values.

use std::borrow::Cow;
use std::sync::Arc;

use super::Sink;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Kind, Member, Value, push};
use crate::types::{Budget, Paid};

/// Builds a [`Value`] of what its budget pays for; what was told before that was spent stays.
#[derive(Debug)]
pub struct Tree<'b> {
    budget: &'b Budget,
    /// The structs and arrays that are open, outermost first.
    open: Vec<Open>,
    root: Option<Value>,
    /// Whether a value was left out.
    full: bool,
}

/// A struct or an array is paid for when it begins, so that it can end when nothing is left.
#[derive(Debug)]
enum Open {
    Struct { paid: Option<Paid>, members: Vec<Member>, next: Option<Arc<str>> },
    Array { paid: Option<Paid>, elements: Vec<Value>, lost: u64 },
}

impl<'b> Tree<'b> {
    /// A tree that `budget` pays for.
    pub fn new(budget: &'b Budget) -> Self {
        Self { budget, open: Vec::new(), root: None, full: false }
    }

    /// The value; `None` if nothing was told, or paid for.
    pub fn into_value(self) -> Option<Value> {
        self.root
    }

    /// Pays for a value that has parts.
    fn pay(&mut self) -> Option<Paid> {
        let paid = self.budget.pay(Value::MEMORY.saturating_add(Value::LIST)).ok();
        self.full |= paid.is_none();
        paid
    }

    fn add(&mut self, value: Option<Value>) {
        self.full |= value.is_none();
        match (self.open.last_mut(), value) {
            (None, value) => self.root = value,
            (Some(Open::Array { elements, .. }), Some(value)) => push(elements, value),
            (Some(Open::Array { lost, .. }), None) => *lost = lost.saturating_add(1),
            (Some(Open::Struct { members, next, .. }), value) => {
                if let Some((name, value)) = next.take().zip(value) {
                    push(members, Member { name, value });
                }
            }
        }
    }
}

impl Sink for Tree<'_> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn begin_struct(&mut self) {
        let paid = self.pay();
        self.open.push(Open::Struct { paid, members: Vec::new(), next: None });
    }

    fn field(&mut self, name: &Arc<str>) {
        if let Some(Open::Struct { next, .. }) = self.open.last_mut() {
            *next = Some(name.clone());
        }
    }

    fn end_struct(&mut self, offsets: Interval<SegmentOffset>) {
        if let Some(Open::Struct { paid, members, .. }) = self.open.pop() {
            self.add(paid.map(|paid| Value::new(paid, offsets, Kind::Struct(members))));
        }
    }

    fn begin_array(&mut self) {
        let paid = self.pay();
        self.open.push(Open::Array { paid, elements: Vec::new(), lost: 0 });
    }

    fn end_array(&mut self, offsets: Interval<SegmentOffset>, omitted: u64) {
        if let Some(Open::Array { paid, elements, lost }) = self.open.pop() {
            let kind = Kind::Array(elements, omitted.saturating_add(lost));
            self.add(paid.map(|paid| Value::new(paid, offsets, kind)));
        }
    }

    fn value(&mut self, offsets: Interval<SegmentOffset>, kind: Cow<'_, Kind>) {
        let value = Value::kept(self.budget, offsets, kind.into_owned());
        self.add(value.ok());
    }
}
