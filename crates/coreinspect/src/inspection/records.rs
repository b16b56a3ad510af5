//! The elements of a segment's value, one after the other, however many there are.

use super::InspectedSegment;
use crate::error::Error;
use crate::layout::{Layout, Subject};
use crate::report::repeated;
use crate::types::Budget;
use crate::types::decode::{Limits, Remarks, Sink, decode_into};

/// Records of a segment.
#[derive(Clone, Copy)]
pub struct RecordStream<'l> {
    /// What the bytes are.
    pub layout: &'l dyn Layout,
    /// The offset of the first record.
    pub at: u64,
    /// How many; `None`: what the layout says.
    pub count: Option<u64>,
    /// Parts that are missing, or findings, that are told one by one.
    pub told: usize,
}

impl InspectedSegment<'_> {
    /// Tells the records to `sink` while they are decoded, and answers what is missing of them and what does not hold.
    ///
    /// # Errors
    /// [`Error::NoLayout`], [`Error::Read`], and what the sink says.
    pub fn decode_records(
        &self,
        records: &RecordStream<'_>,
        sink: &mut impl Sink,
    ) -> Result<Option<Remarks>, Error> {
        let contents = self.contents();
        let machine = self.target.identity().machine;
        let budget = Budget::for_records_of(self.target);
        let subject = Subject::new(&contents, self.memory.key, machine, Some(self.target), &budget)
            .called(self.memory.name.as_deref());
        let kind = records.layout.describe(&subject).map_err(|problem| Error::NoLayout { problem })?;
        let repeated = records.count.map(|count| repeated(&kind, count));
        let kind = repeated.as_ref().unwrap_or(&kind);
        let limits = Limits { listed: records.told, ..Limits::streaming() };
        let decoded = subject
            .reader(|window, budget| decode_into(kind, records.at, window, machine, limits, budget, sink));
        decoded.transpose()
    }
}
