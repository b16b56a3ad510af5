//! What several dumps share: a table a segment.

use askama::Template;

use super::text;
use crate::report::{Shared, SharedCopy, SharedSegment};

/// Segments, and copies of each, that are listed at most.
const MOST_SEGMENTS: usize = 20;
const MOST_COPIES: usize = 60;

#[derive(Template)]
#[template(path = "shared.html")]
struct Section {
    about: String,
    segments: Vec<One>,
}

struct One {
    title: String,
    about: String,
    copies: Vec<Copy>,
    left_out: usize,
}

struct Copy {
    dump: String,
    process: String,
    number: usize,
    bar: String,
    saved: String,
    bytes: String,
}

/// The section; `None` where the dumps share nothing.
pub(super) fn section(shared: &Shared) -> Option<String> {
    if shared.shared.is_empty() {
        return None;
    }
    let left_out = shared.shared.len().saturating_sub(MOST_SEGMENTS);
    let more = if left_out > 0 { format!(" The first {MOST_SEGMENTS} are listed.") } else { String::new() };
    let section = Section {
        about: format!(
            "{} share {}.{more}",
            text::count(shared.dumps, "dump"),
            text::count(shared.shared.len(), "segment")
        ),
        segments: shared.shared.iter().take(MOST_SEGMENTS).map(one).collect(),
    };
    section.render().ok()
}

fn one(segment: &SharedSegment) -> One {
    let reference = segment.reference.and_then(|at| segment.copies.get(at));
    let differing = match (reference, segment.differing) {
        (None, _) => "None of its bytes is in a dump.".to_owned(),
        (Some(_), 0) => "No copy differs in a byte that it holds.".to_owned(),
        (Some(reference), count) => format!(
            "{} from that of {}, which most have.",
            if count == 1 { "1 copy differs".to_owned() } else { format!("{count} copies differ") },
            text::shown(reference.path.path.as_bytes())
        ),
    };
    // Those that differ come first: they are what a reader looks for.
    let mut copies: Vec<&SharedCopy> = segment.copies.iter().collect();
    copies.sort_by_key(|copy| copy.same != Some(false));
    One {
        title: format!("Segment {}", segment.key.as_deref().unwrap_or("without a key")),
        about: format!("In {}. {differing}", text::count(segment.dumps, "dump")),
        copies: copies.iter().take(MOST_COPIES).map(|copy| row(copy)).collect(),
        left_out: copies.len().saturating_sub(MOST_COPIES),
    }
}

fn row(copy: &SharedCopy) -> Copy {
    let command = copy.command.as_ref().map_or_else(String::new, |command| text::shown(command.bytes()));
    let pid = copy.pid.map_or_else(String::new, |pid| format!(" {pid}"));
    let bytes = match (copy.same, copy.different, &copy.first) {
        (Some(true), _, _) => "the same".to_owned(),
        (Some(false), Some(count), Some(first)) => {
            format!("{} differ, first {:#x} to {:#x}", text::grouped(count), first.start, first.end)
        }
        (Some(false), _, _) => "differ".to_owned(),
        (None, _, _) => "not compared".to_owned(),
    };
    Copy {
        dump: text::shown(copy.path.path.as_bytes()),
        process: format!("{command}{pid}").trim().to_owned(),
        number: copy.segment,
        bar: text::bar(copy.saved, copy.mapped),
        saved: text::of(copy.saved, copy.mapped),
        bytes,
    }
}
