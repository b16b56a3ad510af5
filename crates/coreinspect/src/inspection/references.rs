//! What points into the segments of a dump.

use super::Inspection;
use crate::debug_files::symbols::Symbols;
use crate::error::Error;
use crate::position::{Address, Interval, SegmentOffset};
use crate::refs::frames;
use crate::refs::{Budget, Kind, Pace, Places, Reach, References, Request, Search, Stored, Wanted};
use crate::report::{AddressSpace, Names, Refs};

impl Inspection {
    /// Every mapping of the process.
    pub fn address_space(&self) -> AddressSpace {
        match &self.read {
            Some(read) => AddressSpace::of(&self.report, &*read.target, &read.segments),
            None => AddressSpace::failed(&self.report),
        }
    }

    /// What points into the segments of the report, and where what is stored in them points. Of a segment whose number is in
    /// `parts`, those parts alone are meant. Words that point into a segment are listed up to `limit`, each kind its share, and all
    /// are counted.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn references(
        &self,
        parts: &[(usize, Interval<SegmentOffset>)],
        limit: usize,
        pace: Pace<'_>,
    ) -> Result<Refs, Error> {
        let path = &self.report.path.path;
        let Some(read) = &self.read else {
            return Ok(self
                .report
                .error
                .clone()
                .map_or_else(|| Refs::empty(path), |error| Refs::failed(path, error)));
        };
        let (target, segments) = (&*read.target, read.segments.as_slice());
        let wanted = self.segments().map(|segment| {
            let own = parts.iter().filter(|(number, _)| *number == segment.number());
            let parts = own.map(|(_, part)| *part).collect();
            Wanted { index: segment.number().saturating_sub(1), parts }
        });
        let wanted: Vec<_> = wanted.collect();
        let places = Places::of(target, segments);
        let request = Request { segments, wanted: &wanted, limit, pace };
        let found = request.references(target, &places)?;
        let mut budget = Budget::of(target);
        let asked = wanted.iter().filter_map(|one| Some((one, segments.get(one.index)?)));
        let search = Search { target, places: &places, segments, reach: Reach::WHOLE, pace };
        let mut again = Budget::of(target);
        let stored = asked.map(|(one, segment)| {
            let foreign = search.base(one.index, &mut again)?;
            Stored::of(target, &places, (one, segment), (foreign, limit, pace), &mut budget)
        });
        let stored = stored.collect::<Result<Vec<_>, _>>()?;
        let folders = read.debug_folders();
        let symbols = Symbols::of(target, read.debug_folders());
        let frames = frames::name(target, &places, &symbols, &folders, &on_stacks(&found, &places));
        let frame = |thread, address| frames.get(&(thread, address)).cloned();
        let names = Names { symbol: &|address| symbols.at(address), frame: &frame };
        Ok(Refs::of(&self.report, &wanted, target, segments, (&places, &found, &stored), names))
    }
}

/// The words that stand on the live part of a stack: the index of its thread, and where.
fn on_stacks(found: &References, places: &Places<'_>) -> Vec<(usize, Address)> {
    let on_stacks = found.words.iter().filter_map(|word| {
        let place = places.get(word.place).filter(|_| word.kind == Kind::Stack)?;
        let on = places.on_stack(place, word.at)?;
        (on.live == Some(true)).then_some((on.thread, word.at))
    });
    on_stacks.collect()
}
