//! The address space of a process to scale. What is empty is cut out, and nothing is thinner than it can be seen.

use std::fmt::Write;

use super::paint::Paint;
use super::text::{label, rectangle, size};
use crate::report::{AddressSpace, MappingRow};

/// The picture, for a wide page and for a narrow one.
pub(super) struct Strip {
    pub(super) about: String,
    pub(super) wide: String,
    pub(super) slim: String,
    pub(super) legend: Vec<(&'static str, &'static str, String)>,
}

/// Mappings that lie close together.
struct Cluster<'a> {
    rows: &'a [MappingRow],
    start: u64,
    end: u64,
}

impl Cluster<'_> {
    fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// What a reader knows it by: what most of it is.
    fn name(&self) -> &'static str {
        let mut lengths = [0_u64; Paint::LEGEND.len()];
        for row in self.rows {
            let paint = Paint::of(row.what);
            let at = Paint::LEGEND.iter().position(|(of, _)| *of == paint);
            if let Some(length) = at.and_then(|at| lengths.get_mut(at)) {
                *length = length.saturating_add(length_of(row));
            }
        }
        let most = Paint::LEGEND.iter().zip(lengths).max_by_key(|(_, length)| *length);
        match most {
            Some(((Paint::Library, _), _)) => "libraries",
            Some(((Paint::Segment | Paint::Shared, _), _)) => "shared memory",
            Some(((Paint::Stack, _), _)) => "stack",
            Some(((_, name), _)) => name,
            None => "",
        }
    }
}

/// Gaps that are cut out at most: the largest.
const MOST_GAPS: usize = 7;
/// Segments whose keys stand above.
const MOST_KEYS: usize = 6;
/// The bar.
const TOP: f64 = 36.0;
const HIGH: f64 = 34.0;

fn length_of(row: &MappingRow) -> u64 {
    row.end.0.saturating_sub(row.start.0)
}

impl Strip {
    /// The picture of `space`; `None` where nothing is mapped.
    pub(super) fn of(space: &AddressSpace) -> Option<Self> {
        // What the kernel lends at the top of all addresses is nobody's.
        let user = space.mappings.iter().take_while(|row| row.start.0 < 1 << 63).count();
        let rows = space.mappings.get(..user)?;
        let total = rows.iter().map(length_of).fold(0, u64::saturating_add);
        let saved = rows.iter().map(|row| row.saved).fold(0, u64::saturating_add);
        let clusters = clusters(rows, total);
        if clusters.is_empty() {
            return None;
        }
        let missing = total.saturating_sub(saved);
        let about = match missing {
            0 => format!("To scale, but for the gaps. The dump holds all {}.", size(total)),
            missing => format!(
                "To scale, but for the gaps. Hatched was mapped and is not in the dump: {} of {}.",
                size(missing),
                size(total)
            ),
        };
        let legend = Paint::LEGEND.iter().filter_map(|(paint, name)| {
            let of = rows.iter().filter(|row| Paint::of(row.what) == *paint);
            let length = of.map(length_of).fold(0, u64::saturating_add);
            (length > 0).then(|| (paint.class(), *name, size(length)))
        });
        Some(Self {
            about,
            wide: draw(&clusters, 1080.0, 54.0, "wide"),
            slim: draw(&clusters, 360.0, 30.0, "slim"),
            legend: legend.collect(),
        })
    }
}

/// Rows, parted at the largest gaps.
fn clusters(rows: &[MappingRow], total: u64) -> Vec<Cluster<'_>> {
    let worth = (total / 8).max(1 << 20);
    let gap = |at: usize| -> Option<u64> {
        Some(rows.get(at)?.start.0.saturating_sub(rows.get(at.checked_sub(1)?)?.end.0))
    };
    let mut gaps: Vec<(u64, usize)> =
        (1..rows.len()).filter_map(|at| Some((gap(at)?, at))).filter(|(gap, _)| *gap > worth).collect();
    gaps.sort_unstable_by(|one, other| other.cmp(one));
    gaps.truncate(MOST_GAPS);
    let mut cuts: Vec<usize> = gaps.into_iter().map(|(_, at)| at).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([rows.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let parts = starts.zip(ends).filter_map(|(start, end)| rows.get(start..end));
    let clusters = parts.filter_map(|rows| {
        Some(Cluster { rows, start: rows.first()?.start.0, end: rows.iter().map(|row| row.end.0).max()? })
    });
    clusters.collect()
}

/// Draws the clusters `width` wide, with `between` for each gap.
fn draw(clusters: &[Cluster<'_>], width: f64, between: f64, class: &str) -> String {
    let total = clusters.iter().map(Cluster::length).fold(0, u64::saturating_add);
    let gaps = clusters.len().saturating_sub(1) as f64 * between;
    let least = 8.0;
    let room = (width - gaps - clusters.len() as f64 * least).max(0.0);
    let mut svg = String::new();
    let name = format!("Address space, to scale but for {} gaps", clusters.len().saturating_sub(1));
    let _ = write!(svg, r#"<svg viewBox="0 0 {width} 114" class="{class}" role="img" aria-label="{name}">"#);
    let mut left = 0.0;
    let mut keys = 0_usize;
    let mut taken = 0.0;
    let mut before: Option<&Cluster<'_>> = None;
    for cluster in clusters {
        if let Some(before) = before {
            let middle = left + between / 2.0;
            let (one, other) = (middle - 6.0, middle + 2.0);
            let _ = write!(svg, r#"<path d="M{one:.1} 72l4 -38M{other:.1} 72l4 -38" class="cut"/>"#);
            label(&mut svg, (middle, 28.0), "middle", "dim", &size(cluster.start.saturating_sub(before.end)));
            left += between;
        }
        let wide = least + super::text::share(cluster.length(), total, room);
        paint(&mut svg, cluster, left, wide);
        // Names below, where there is room for them.
        let middle = left + wide / 2.0;
        let half = if class == "slim" { 32.0 } else { 30.0 };
        let (x, anchor) = match () {
            () if middle < half => (0.0, "start"),
            () if middle > width - half => (width, "end"),
            () => (middle, "middle"),
        };
        if wide + between > half * 2.0 || class == "wide" {
            label(&mut svg, (x, 92.0), anchor, "", cluster.name());
            label(&mut svg, (x, 107.0), anchor, "dim", &size(cluster.length()));
        }
        for row in cluster.rows.iter().filter(|row| row.segment.is_some() && row.offset.unwrap_or(0) == 0) {
            let Some(key) = row.key.as_ref().filter(|_| keys < MOST_KEYS) else { continue };
            let x = left + position(cluster, row.start.0, wide);
            // Two keys do not stand on each other.
            if keys > 0 && x < taken {
                continue;
            }
            keys = keys.saturating_add(1);
            taken = x + 90.0;
            let anchor = if x < 40.0 {
                "start"
            } else if x > width - 40.0 {
                "end"
            } else {
                "middle"
            };
            label(&mut svg, (x, 13.0), anchor, "key", key);
            let _ = write!(svg, r#"<path d="M{x:.1} 17v17" class="lead"/>"#);
        }
        if let Some(row) = cluster.rows.iter().find(|row| row.fault) {
            let x = left + position(cluster, row.start.0, wide);
            let _ = write!(
                svg,
                r#"<path d="M{x:.1} {}v44" class="fault"><title>the fault</title></path>"#,
                TOP - 5.0
            );
        }
        left += wide;
        before = Some(cluster);
    }
    svg.push_str("</svg>");
    svg
}

fn position(cluster: &Cluster<'_>, address: u64, wide: f64) -> f64 {
    super::text::share(address.saturating_sub(cluster.start), cluster.length(), wide)
}

/// Paints a cluster, half a pixel at a time, so that no mapping is too thin to be seen and many are not many rectangles.
fn paint(svg: &mut String, cluster: &Cluster<'_>, left: f64, wide: f64) {
    rectangle(svg, (left, TOP), (wide, HIGH), "void");
    let columns = (1_usize..).find(|columns| *columns as f64 >= wide * 2.0).unwrap_or(1);
    let mut painted: Vec<Option<Paint>> = vec![None; columns];
    let column = |address: u64| {
        let inside = u128::from(address.saturating_sub(cluster.start)).saturating_mul(columns as u128);
        let at = inside.checked_div(u128::from(cluster.length())).and_then(|at| usize::try_from(at).ok());
        at.unwrap_or(columns).min(columns.saturating_sub(1))
    };
    for row in cluster.rows {
        let paint = Paint::of(row.what);
        // How much of it was saved is known, not which part: the first.
        let saved = row.start.0.saturating_add(row.saved.min(length_of(row)));
        // A segment is what the reader looks for: three pixels at least.
        let least = if paint == Paint::Segment { 5_usize } else { 0 };
        let mut fill = |from: u64, to: u64, paint: Paint| {
            let last = column(to.saturating_sub(1));
            let last =
                if paint == Paint::Segment { last.max(column(from).saturating_add(least)) } else { last };
            for one in painted.iter_mut().take(last.saturating_add(1)).skip(column(from)) {
                if one.is_none_or(|there| there < Paint::Segment || paint == Paint::Segment) {
                    *one = Some(paint);
                }
            }
        };
        if saved < row.end.0 {
            fill(saved, row.end.0, Paint::Gone);
        }
        if saved > row.start.0 {
            fill(row.start.0, saved, paint);
        }
    }
    let mut at = 0_usize;
    for run in painted.chunk_by(|one, next| one == next) {
        if let Some(Some(paint)) = run.first() {
            let x = left + at as f64 / 2.0;
            rectangle(svg, (x, TOP), ((run.len() as f64 / 2.0).min(left + wide - x), HIGH), paint.class());
        }
        at = at.saturating_add(run.len());
    }
}
