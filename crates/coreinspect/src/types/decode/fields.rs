//! Structs and unions.

use std::borrow::Cow;

use super::{Decoder, Frame, Remembered, Sink, Step, span};
use crate::error::Error;
use crate::lock_shapes;
use crate::position::SegmentOffset;
use crate::types::value::Kind;
use crate::types::{BitPlace, Check, Expected, Field, Integer, Place, Struct, Type, align};

impl<'t> Decoder<'t, '_, '_, '_> {
    /// Decodes a struct at `at` and answers where it ends. `in_parent`: its fields stand in the struct around it.
    pub(super) fn fields(
        &mut self,
        fields: &'t Struct,
        at: u64,
        in_parent: bool,
        sink: &mut impl Sink,
    ) -> Result<u64, Error> {
        let size = fields.size.as_ref().and_then(|size| size.constant());
        if !in_parent && !self.path.is_empty() && !self.window.holds(at) {
            // A part that is missing as a whole is told once, not field by field.
            let whole = size.or_else(|| fields.known_size(self.machine));
            let run = self.window.contents().run(SegmentOffset::new(at));
            if let Some(end) = whole.and_then(|size| at.checked_add(size))
                && run.missing.is_some()
                && run.until.get() >= end
                && end > at
            {
                self.missing(at, end, sink);
                return Ok(end);
            }
        }
        let outer = (self.bound, self.here);
        self.frames.push(Frame { start: at, remembered: Vec::new() });
        if !in_parent {
            sink.begin_struct();
        }
        let read = self.each_field(fields, at, sink);
        let (end, furthest) = read?;
        for check in &fields.checks {
            self.check(check, at, furthest);
        }
        self.bound = outer.0;
        let size = match &fields.size {
            Some(size) if size.constant().is_some() => size.constant(),
            Some(size) => self.offset(size),
            None if fields.packed => furthest.checked_sub(at),
            None => furthest.checked_sub(at).and_then(|size| align(size, fields.alignment(self.machine))),
        };
        self.here = outer.1;
        let end = size.and_then(|size| at.checked_add(size)).unwrap_or(end);
        if !in_parent {
            sink.end_struct(span(at, end));
        }
        if let Some(kind) = fields.name.as_deref().and_then(lock_shapes::Kind::of_type) {
            self.lock(kind, at, end);
        }
        let remembered = self.frames.pop().map(|frame| frame.remembered);
        self.last_number = None;
        self.last_struct = remembered;
        Ok(end)
    }

    /// Decodes every field; answers where the last one ends, and where the furthest does.
    fn each_field(&mut self, fields: &'t Struct, at: u64, sink: &mut impl Sink) -> Result<(u64, u64), Error> {
        let outer_bound = self.bound;
        let (mut end, mut furthest) = (at, at);
        let mut bounded = false;
        // Bits before `end` that a bit field left free.
        let mut spare = 0;
        for (index, field) in fields.fields.iter().enumerate() {
            if self.over || sink.is_full() {
                break;
            }
            self.here = end.saturating_sub(at);
            if let (Some(size), false) = (&fields.size, bounded) {
                // The size may be one of its own fields: known once that was read.
                let size = size.value(self).and_then(|size| u64::try_from(size).ok());
                if let Some(size) = size {
                    self.bound = at.saturating_add(size).min(outer_bound);
                    bounded = true;
                }
            }
            if let Some(when) = &field.when {
                match when.value(self) {
                    Some(0) => continue,
                    Some(_) => {}
                    None => {
                        self.named(field, at, sink);
                        continue;
                    }
                }
            }
            if let (Place::NextBits, Type::Integer(integer)) = (&field.place, &field.kind) {
                let before = end.saturating_sub(at);
                let place = BitPlace::of(integer, fields, before, spare, self.machine);
                let Some(place) = place else {
                    self.named(field, end, sink);
                    continue;
                };
                self.here = place.start;
                self.bit_field(index, field, &place.integer, at.saturating_add(place.start), sink)?;
                (end, spare) = (at.saturating_add(place.end), place.spare);
                furthest = furthest.max(end);
                continue;
            }
            spare = 0;
            let Some(start) = self.place(field, fields, at, end) else {
                self.named(field, end, sink);
                continue;
            };
            self.here = start.saturating_sub(at);
            end = self.field(index, field, start, sink)?;
            furthest = furthest.max(end);
        }
        Ok((end, furthest))
    }

    /// Tells that of a field not even its place is known.
    fn named(&mut self, field: &Field, at: u64, sink: &mut impl Sink) {
        if let (Some(name), false) = (&field.name, field.padding) {
            sink.field(name);
            sink.value(span(at, at), Cow::Owned(Kind::Missing));
        }
    }

    fn place(&mut self, field: &Field, parent: &Struct, at: u64, end: u64) -> Option<u64> {
        match &field.place {
            Place::Next if parent.union => Some(at),
            Place::Next if parent.packed => Some(end),
            Place::Next => at.checked_add(align(end.checked_sub(at)?, field.kind.alignment(self.machine))?),
            Place::At(offset) => match offset.constant() {
                Some(offset) => at.checked_add(offset),
                None => self.offset(offset).and_then(|offset| at.checked_add(offset)),
            },
            Place::InSegment(offset) => self.offset(offset),
            Place::NextBits => None,
        }
    }

    fn field(
        &mut self,
        index: usize,
        field: &'t Field,
        start: u64,
        sink: &mut impl Sink,
    ) -> Result<u64, Error> {
        let end = match (&field.name, &field.kind) {
            (Some(_), _) if field.padding => self.skip(&field.kind, start),
            (Some(name), kind) => {
                sink.field(name);
                self.path.push(Step::Field(name));
                let read = self.kind(kind, start, sink);
                if field.expected.is_some() {
                    self.want(field, start);
                }
                self.path.pop();
                read?
            }
            (None, Type::Struct(inner)) if !field.padding && self.depth < self.limits.depth => {
                self.deeper(|decoder| decoder.fields(inner, start, true, sink))?
            }
            (None, Type::Switch(switch)) if !field.padding && self.depth < self.limits.depth => {
                let chosen = switch.on.value(self).and_then(|value| switch.chosen(value));
                let end = match chosen {
                    Some(Type::Struct(inner)) => {
                        self.deeper(|decoder| decoder.fields(inner, start, true, sink))?
                    }
                    Some(kind) => self.skip(kind, start),
                    None => start,
                };
                switch.size.and_then(|size| start.checked_add(size)).unwrap_or(end)
            }
            (None, kind) => self.skip(kind, start),
        };
        self.remember(index, field);
        Ok(end)
    }

    /// A bit field, whose bits are those of `integer`.
    fn bit_field(
        &mut self,
        index: usize,
        field: &'t Field,
        integer: &Integer,
        start: u64,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        if let (Some(name), false) = (&field.name, field.padding) {
            self.nodes = self.nodes.saturating_add(1);
            self.last_struct = None;
            sink.field(name);
            self.path.push(Step::Field(name));
            let read = self.integer(integer, start, sink);
            self.want(field, start);
            self.path.pop();
            read?;
            self.remember(index, field);
        }
        Ok(())
    }

    /// Keeps the value of the field that was just read, if an expression asks for it.
    fn remember(&mut self, index: usize, field: &Field) {
        if field.remembered
            && let Some(frame) = self.frames.last_mut()
        {
            let value = self.last_number.map(Remembered::Number);
            let value = value.or_else(|| self.last_struct.take().map(Remembered::Struct));
            frame.remembered.extend(value.map(|value| (index, value)));
        }
    }

    /// Where room without a value ends.
    fn skip(&mut self, kind: &Type, start: u64) -> u64 {
        let size = match kind {
            Type::Bytes(count) => {
                let (count, end) = self.extent(count, start);
                Some(count.unwrap_or(end.saturating_sub(start)))
            }
            kind => kind.size(self.machine),
        };
        start.saturating_add(size.unwrap_or(0))
    }

    /// Compares the field that was just read with what it must hold.
    fn want(&mut self, field: &Field, start: u64) {
        let name = || field.name.as_deref().unwrap_or("it");
        match field.expected.as_deref() {
            None => {}
            Some(Expected::Number(expected)) => {
                let Some(value) = self.last_number else { return };
                let size = field.kind.size(self.machine).unwrap_or(0);
                if value == *expected {
                    self.holds(if value == 0 { 0 } else { size });
                    return;
                }
                count(&mut self.tested().magic_broken);
                let offsets = span(start, start.saturating_add(size));
                self.finding(offsets, || format!("{} is {value:#x}, not {expected:#x}", name()));
            }
            Some(Expected::Bytes(expected)) => {
                let offsets = span(start, start.saturating_add(expected.len() as u64));
                let holds = match self.window.bytes(start, expected.len(), self.budget) {
                    Ok(Some(bytes)) => bytes == &**expected,
                    _ => return,
                };
                if holds {
                    let zeroes = expected.iter().all(|byte| *byte == 0);
                    self.holds(if zeroes { 0 } else { expected.len() as u64 });
                    return;
                }
                count(&mut self.tested().magic_broken);
                let expected = expected.escape_ascii();
                self.finding(offsets, || format!("{} does not begin with \"{expected}\"", name()));
            }
        }
    }

    fn holds(&mut self, bytes: u64) {
        let tested = self.tested();
        tested.magic_bytes = tested.magic_bytes.saturating_add(bytes);
    }

    fn check(&mut self, check: &Check, at: u64, end: u64) {
        match check.holds.value(self) {
            None => return,
            Some(0) => count(&mut self.tested().checks_broken),
            Some(_) => {
                count(&mut self.tested().checks_held);
                return;
            }
        }
        let mut values = Vec::<String>::new();
        for reference in check.holds.references() {
            use super::Scope;
            let Some(value) = Scope::field(self, reference) else { continue };
            let value = format!("{} {value}", reference.name);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let says = &check.says;
        self.finding(span(at, end), || match values.is_empty() {
            true => says.to_string(),
            false => format!("{says}: {}", values.join(", ")),
        });
    }
}

fn count(tests: &mut u64) {
    *tests = tests.saturating_add(1);
}
