//! Who points into the segments of a dump: by kind, by page, and the first ones.

use std::fmt::Write;

use super::text;
use crate::inspection::Inspection;
use crate::report::{Reference, Refs};

/// What stands in the section of a dump.
pub(super) struct References {
    pub(super) into: &'static str,
    pub(super) about: String,
    pub(super) counts: Vec<(&'static str, String, u64)>,
    pub(super) pages: Vec<String>,
    pub(super) summary: String,
    pub(super) rows: Vec<(String, String, String)>,
}

/// References that are listed, segments whose pages are counted, and bars of a picture.
const MOST_ROWS: usize = 50;
const MOST_PICTURES: usize = 4;
const BARS: u64 = 128;

impl References {
    /// What `found` says of the segments of `inspection`.
    pub(super) fn of(found: &Refs, inspection: &Inspection) -> Self {
        let counts = [
            ("registers", found.registers),
            ("stacks", found.counts.stack),
            ("data of programs and libraries", found.counts.data),
            ("heap blocks (a guess)", found.counts.heap),
            ("other memory", found.counts.mapping),
            ("segments", found.counts.segment),
        ];
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let bar = |count: u64| {
            let width = text::share(count, most, 100.0);
            format!(
                r#"<svg class="cbar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="{width:.2}" height="8"/></svg>"#
            )
        };
        let all = found.total.saturating_add(found.registers);
        let unsearched = match found.not_searched {
            0 => String::new(),
            bytes => format!("; {} are missing and were not searched", text::size(bytes)),
        };
        let rows = found.references.iter().take(MOST_ROWS).map(row).collect::<Vec<_>>();
        let summary = match rows.len() as u64 {
            shown if shown < all => format!("The first {shown} of {}", text::grouped(all)),
            _ => format!("All {}", text::grouped(all)),
        };
        Self {
            into: if inspection.report().segments.len() == 1 { "it" } else { "them" },
            about: format!(
                "{} words in memory and {} registers, of {} that the dump holds{unsearched}.",
                text::grouped(found.total),
                text::grouped(found.registers),
                text::size(found.searched)
            ),
            counts: counts
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(name, count)| (*name, bar(*count), *count))
                .collect(),
            pages: pictures(found, inspection),
            summary,
            rows,
        }
    }
}

fn row(one: &Reference) -> (String, String, String) {
    let mut place = match (one.register, one.thread) {
        (Some(register), Some(thread)) => format!("{register} of thread {thread}"),
        (Some(register), None) => register.to_owned(),
        (None, Some(thread)) => format!("{} of thread {thread}", one.from),
        (None, None) => one.from.to_string(),
    };
    let details = [
        one.function.as_ref().map(|function| text::shown(function.as_bytes())),
        one.symbol.as_ref().map(|symbol| text::shown(symbol.as_bytes())),
        one.mapping.as_ref().map(|mapping| text::shown(mapping.bytes())),
    ];
    for detail in details.into_iter().flatten().take(1) {
        let _ = write!(place, ", {detail}");
    }
    let at = one.at.map_or_else(|| "–".to_owned(), |at| at.to_string());
    (place, at, format!("{}+{:#x}", one.segment, one.offset))
}

/// For segments that many words point into: how many into each part.
fn pictures(found: &Refs, inspection: &Inspection) -> Vec<String> {
    let mut pictures = Vec::new();
    for segment in inspection.segments() {
        let end = segment.memory.end().get();
        if pictures.len() == MOST_PICTURES || end == 0 {
            continue;
        }
        let bars = BARS.min(end.div_ceil(8)).max(1);
        let mut words = vec![0_u64; usize::try_from(bars).unwrap_or(1)];
        let mut add = |offset: u64, count: u64| {
            let at = (u128::from(offset).saturating_mul(u128::from(bars)))
                .checked_div(u128::from(end))
                .unwrap_or(0);
            if let Some(bar) = usize::try_from(at).ok().and_then(|at| words.get_mut(at)) {
                *bar = bar.saturating_add(count);
            }
        };
        let own = |number: usize| number == segment.number();
        // Where not all are listed, the report counts them by parts.
        match found.parts.iter().any(|part| own(part.segment)) {
            true => found
                .parts
                .iter()
                .filter(|part| own(part.segment))
                .for_each(|part| add(part.start, part.words)),
            false => {
                found.references.iter().filter(|one| own(one.segment)).for_each(|one| add(one.offset, 1))
            }
        }
        let (most, total) = (words.iter().copied().max().unwrap_or(0), words.iter().sum::<u64>());
        if total < 8 {
            continue;
        }
        let mut svg = String::from(
            r#"<figure class="heat"><svg viewBox="0 0 1080 48" preserveAspectRatio="none" role="img" aria-label="Words that point into each part">"#,
        );
        let wide = 1080.0 / bars as f64;
        for (at, count) in words.iter().enumerate().filter(|(_, count)| **count > 0) {
            let high = text::share(*count, most, 44.0).max(1.5);
            let (x, y) = (at as f64 * wide, 46.0 - high);
            let _ = write!(svg, r#"<rect x="{x:.1}" y="{y:.1}" width="{wide:.1}" height="{high:.1}"/>"#);
        }
        let _ = write!(
            svg,
            r#"</svg><figcaption>words that point into each part of segment {}, offset 0 to {end:#x}; most, {most}</figcaption></figure>"#,
            segment.number()
        );
        pictures.push(svg);
    }
    pictures
}
