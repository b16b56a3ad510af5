//! What the pages of a segment are like, where that is asked for.

use serde::Serialize;

use crate::page_map::{self, PageState};

/// The map of a segment's pages: in JSON the runs alone.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct PageMap {
    /// The runs, by offset, as long as one thing holds: they tile the segment from offset 0.
    pub runs: Vec<PageRun>,
    /// The same as cells, for people.
    #[serde(skip)]
    pub(crate) pages: page_map::PageMap,
}

/// A run of a segment in one state.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PageRun {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// "data", "text", "pointers", "zero", "not-saved", "cut-off", "filled", "differs" or "hole".
    pub state: PageState,
}

impl From<page_map::PageMap> for PageMap {
    fn from(pages: page_map::PageMap) -> Self {
        let run = |run: &page_map::Run| PageRun {
            start: run.offsets.start().get(),
            end: run.offsets.end().get(),
            state: run.state,
        };
        Self { runs: pages.runs.iter().map(run).collect(), pages }
    }
}
