//! A sink that keeps all: the tree of values.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Sink, span};
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Kind, Member, Value};

/// Builds a [`Value`].
#[derive(Debug, Default)]
pub struct Tree {
    /// The structs and arrays that are open, outermost first.
    open: Vec<Open>,
    root: Option<Value>,
}

#[derive(Debug)]
enum Open {
    Struct { members: Vec<Member>, next: Option<Arc<str>> },
    Array(Vec<Value>),
}

impl Tree {
    /// The value; missing if nothing was told.
    pub fn into_value(self) -> Value {
        self.root.unwrap_or(Value { offsets: span(0, 0), kind: Kind::Missing })
    }

    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::Array(elements)) => elements.push(value),
            Some(Open::Struct { members, next }) => {
                members.extend(next.take().map(|name| Member { name, value }));
            }
        }
    }
}

impl Sink for Tree {
    fn begin_struct(&mut self) {
        self.open.push(Open::Struct { members: Vec::new(), next: None });
    }

    fn field(&mut self, name: &Arc<str>) {
        if let Some(Open::Struct { next, .. }) = self.open.last_mut() {
            *next = Some(name.clone());
        }
    }

    fn end_struct(&mut self, offsets: Interval<SegmentOffset>) {
        if let Some(Open::Struct { members, .. }) = self.open.pop() {
            self.add(Value { offsets, kind: Kind::Struct(members) });
        }
    }

    fn begin_array(&mut self) {
        self.open.push(Open::Array(Vec::new()));
    }

    fn end_array(&mut self, offsets: Interval<SegmentOffset>, omitted: u64) {
        if let Some(Open::Array(elements)) = self.open.pop() {
            self.add(Value { offsets, kind: Kind::Array(elements, omitted) });
        }
    }

    fn value(&mut self, offsets: Interval<SegmentOffset>, kind: Cow<'_, Kind>) {
        self.add(Value { offsets, kind: kind.into_owned() });
    }
}
