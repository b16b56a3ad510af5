//! What a segment that is shown in full is told beyond a listing.

use std::cell::LazyCell;

use super::{Inspection, Read};
use crate::debug_files::symbols::Symbols;
use crate::error::Error;
use crate::look::{Budget, Surroundings};
use crate::page_map::PageMap;
use crate::position::Address;
use crate::report::{self, Look};
use crate::types;

impl Inspection {
    /// Looks closer than a listing does at what no layout is sure of.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn look_closely(&mut self) -> Result<(), Error> {
        let Some(Read { target, segments, .. }) = &self.read else { return Ok(()) };
        let surroundings = LazyCell::new(|| Surroundings::of(&**target));
        let budget = types::Budget::close_look_at(&**target);
        for segment in &mut self.report.segments {
            let dumped = segment.number.checked_sub(1).and_then(|index| segments.get(index));
            let dumped = dumped.filter(|dumped| dumped.saved() > 0 || dumped.filled() > 0);
            let unsure = segment.content.as_mut().filter(|content| content.layout.is_none());
            if let (Some(dumped), Some(content)) = (dumped, unsure) {
                let closer = Look::within(&budget, &**target, || &*surroundings, dumped, Budget::SHOW)?;
                content.look = closer.or(content.look.take());
            }
        }
        Ok(())
    }

    /// Adds to each segment of the report for which `wanted` holds the map of its pages.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn map_pages(&mut self, wanted: impl Fn(&report::Segment) -> bool) -> Result<(), Error> {
        let Some(Read { target, segments, .. }) = &self.read else { return Ok(()) };
        let surroundings = LazyCell::new(|| Surroundings::of(&**target));
        for segment in self.report.segments.iter_mut().filter(|segment| wanted(segment)) {
            let dumped = segment.number.checked_sub(1).and_then(|index| segments.get(index));
            let map = dumped.map(|dumped| PageMap::of(&**target, &surroundings, dumped)).transpose()?;
            segment.map = map.map(report::PageMap::from);
        }
        Ok(())
    }

    /// Names what is at the addresses of pointers that lead into mapped files. The programs are opened when the first one does.
    pub fn name_pointers(&mut self) {
        let Some(read) = &self.read else { return };
        let symbols = LazyCell::new(|| Symbols::of(&*read.target, read.debug_folders()));
        self.report.name_pointers(|address| Some(symbols.at(Address::new(address))?.to_string()));
    }
}
