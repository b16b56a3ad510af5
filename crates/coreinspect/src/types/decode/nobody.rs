//! A sink that keeps nothing: who wants the remarks alone.

use std::borrow::Cow;
use std::sync::Arc;

use super::Sink;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::Kind;

/// Is told of all values and keeps none.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Sink for Nobody {
    fn keeps(&self) -> bool {
        false
    }
    fn begin_struct(&mut self) {}
    fn field(&mut self, _: &Arc<str>) {}
    fn end_struct(&mut self, _: Interval<SegmentOffset>) {}
    fn begin_array(&mut self) {}
    fn end_array(&mut self, _: Interval<SegmentOffset>, _: u64) {}
    fn value(&mut self, _: Interval<SegmentOffset>, _: Cow<'_, Kind>) {}
}
