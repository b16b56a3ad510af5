//! Addresses that another process stored in a segment, and the fault of whoever followed one.

use std::cell::{OnceCell, RefCell};

use serde::Serialize;

use super::{Fault, Hex};
use crate::error::Error;
use crate::position::Position;
use crate::refs::{self, Followed, Pace, Places, Reach, Search};
use crate::shm::Segment;
use crate::targets::Target;

/// A base at which another process has a segment, as the addresses say that it stored there: a guess.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Foreign {
    /// Where offset 0 of the segment is for that process.
    pub base: Hex,
    /// How many words of the segment are addresses there, and lead nowhere in this process.
    pub words: u64,
    /// How many other bases fit these words as well.
    pub other_bases: u64,
}

/// The word of a segment that led to a fault.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FaultWord {
    /// The number of the segment that holds it.
    pub segment: usize,
    /// Its offset there.
    pub offset: u64,
    /// What it holds.
    pub value: Hex,
    /// How many bytes behind that the fault is.
    pub distance: u64,
    /// How many other words of that segment hold the same.
    pub others: u64,
    /// Where another process has the segment, if enough words agree on it: for that process the value is right.
    pub foreign: Option<Foreign>,
    /// The offset in the segment that the value means to it.
    pub meant: Option<u64>,
}

/// What is asked of the segments of a process, and made when it is asked first.
pub(super) struct Elsewhere<'t> {
    target: &'t dyn Target,
    segments: &'t [Segment],
    /// Whether all of each segment is looked at.
    closely: bool,
    places: OnceCell<Places<'t>>,
    /// That of all segments: many can show the same bytes of the file.
    budget: RefCell<refs::Budget>,
}

impl From<refs::Foreign> for Foreign {
    fn from(foreign: refs::Foreign) -> Self {
        Self { base: foreign.base.into(), words: foreign.words, other_bases: foreign.other_bases }
    }
}

impl Foreign {
    /// The same in words, of segment `number`.
    pub fn sentence(&self, number: usize) -> String {
        let Self { base, words, other_bases } = self;
        let others = match other_bases {
            0 => String::new(),
            1 => ", or at 1 other base".to_owned(),
            others => format!(", or at one of {others} other bases"),
        };
        format!(
            "{words} words of segment {number} are addresses as a process sees them that has it at {base}{others} (a guess); here they lead nowhere"
        )
    }
}

impl<'t> Elsewhere<'t> {
    pub(super) fn new(target: &'t dyn Target, segments: &'t [Segment], closely: bool) -> Self {
        let budget = RefCell::new(refs::Budget::of(target));
        Self { target, segments, closely, places: OnceCell::new(), budget }
    }

    fn search(&self) -> Search<'_> {
        let places = self.places.get_or_init(|| Places::of(self.target, self.segments));
        let reach = if self.closely { Reach::WHOLE } else { Reach::START };
        Search { target: self.target, places, segments: self.segments, reach, pace: Pace::default() }
    }

    /// Where another process has the segment at `index`. A listing does not ask.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(super) fn base(&self, index: usize) -> Result<Option<refs::Foreign>, Error> {
        match self.closely {
            true => self.search().base(index, &mut self.budget.borrow_mut()),
            false => Ok(None),
        }
    }

    /// The same fault, tied to the word of a segment that led there.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(super) fn explained(&self, mut fault: Fault) -> Result<Fault, Error> {
        let Some(address) = self.target.process().fault_address.filter(|_| fault.leads_nowhere(self.target))
        else {
            return Ok(fault);
        };
        let Some(word) = self.search().followed(address)? else { return Ok(fault) };
        let word = FaultWord::from(word);
        fault.message = word.sentence(fault.address);
        fault.from = Some(word);
        Ok(fault)
    }
}

impl From<Followed> for FaultWord {
    fn from(word: Followed) -> Self {
        let meant = word.foreign.and_then(|foreign| foreign.offset(word.value));
        Self {
            segment: word.segment.saturating_add(1),
            offset: word.offset.get(),
            value: word.value.into(),
            distance: word.distance,
            others: word.others,
            foreign: word.foreign.map(Foreign::from),
            meant: meant.map(Position::get),
        }
    }
}

impl FaultWord {
    fn sentence(&self, fault: Hex) -> String {
        let Self { segment, offset, value, .. } = self;
        let word = format!("the word at {segment}+{offset:#x}");
        let place = match self.distance {
            0 => format!("the address that {word} holds"),
            1 => format!("1 byte behind {value}, which {word} holds"),
            distance => format!("{distance} bytes behind {value}, which {word} holds"),
        };
        let why = match (self.foreign, self.meant) {
            (Some(foreign), Some(meant)) => format!(
                "an address of another process: {} words of segment {segment} fit one attach at {} (a guess), so it means {segment}+{meant:#x} here",
                foreign.words, foreign.base
            ),
            _ => "nothing is mapped there: another process stored its own address, or that memory is gone"
                .to_owned(),
        };
        format!("fault at {fault}: {place}; {why}")
    }
}
