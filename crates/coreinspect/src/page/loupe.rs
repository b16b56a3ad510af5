//! The pages around the address whose access killed the process.

use std::fmt::Write;

use super::paint::Paint;
use super::text::label;
use crate::address_space::What;
use crate::report::{AddressSpace, Dump, MappingRow};

/// The picture, for a wide page and for a narrow one; `None` where no fault is known, or none that has to do with a
/// segment.
pub(super) fn picture(space: &AddressSpace, dump: &Dump) -> Option<String> {
    Some(draw(space, dump, (1080.0, 4), "wide")? + &draw(space, dump, (360.0, 1), "slim")?)
}

/// Draws it `width` wide, with so many pages on each side.
fn draw(space: &AddressSpace, dump: &Dump, (width, beside): (f64, u64), name: &str) -> Option<String> {
    let fault = dump.fault.as_ref().filter(|fault| fault.segment.is_some())?.address.0;
    let page = dump.page_size.filter(|size| size.is_power_of_two()).unwrap_or(4096);
    let middle = fault & !page.saturating_sub(1);
    let first = middle.saturating_sub(page.saturating_mul(beside));
    let pages = beside.saturating_mul(2).saturating_add(1);
    let wide = width / pages as f64;
    let mut svg = String::new();
    let _ = write!(
        svg,
        r#"<svg viewBox="0 0 {width} 86" class="{name}" role="img" aria-label="{pages} pages around the fault, one box a page">"#
    );
    for number in 0..pages {
        let address = first.saturating_add(page.saturating_mul(number));
        let row = space.mappings.iter().find(|row| row.start.0 <= address && address < row.end.0);
        let x = number as f64 * wide;
        let class = row.map_or("void", |row| class(row, address, page, dump));
        let edge = if row.is_some_and(|row| row.what == What::Segment) { " edge" } else { "" };
        let inner = wide - 1.6;
        let _ = write!(
            svg,
            r#"<rect x="{x:.1}" y="18" width="{inner:.1}" height="30" rx="2" class="{class}{edge}"/>"#
        );
        if let Some(rights) = row.and_then(|row| row.permissions.as_deref()) {
            label(&mut svg, (x + wide / 2.0, 62.0), "middle", "dim mono", rights);
        }
        if number == 0 || row.is_some_and(|row| row.start.0 == address && row.what == What::Segment) {
            label(&mut svg, (x, 12.0), "start", "mono", &format!("{address:#x}"));
        }
    }
    let inside = super::text::share(fault.saturating_sub(first), page.saturating_mul(pages), width);
    let access = dump.fault.as_ref().and_then(|fault| fault.access).unwrap_or("fault");
    let _ = write!(svg, r#"<path d="M{inside:.1} 16v52" class="fault"/>"#);
    let text = if access == "fault" { "the fault".to_owned() } else { format!("{access} that faulted") };
    label(&mut svg, (inside, 80.0), "middle", "fault-t", &text);
    svg.push_str("</svg>");
    Some(svg)
}

/// How a page is painted: by what it is, and hatched where the dump lacks it.
fn class(row: &MappingRow, address: u64, page: u64, dump: &Dump) -> &'static str {
    let missing = |address: u64| {
        let segment = row.segment.and_then(|number| dump.segments.iter().find(|one| one.number == number));
        let mappings = segment.into_iter().flat_map(|one| &one.attachments).flat_map(|one| &one.mappings);
        mappings.flat_map(|mapping| &mapping.missing).any(|run| run.start.0 <= address && address < run.end.0)
    };
    let saved = match row.what {
        What::Segment => !missing(address),
        _ => row.saved > address.saturating_sub(row.start.0).saturating_add(page.saturating_sub(1)),
    };
    if saved { Paint::of(row.what) } else { Paint::Gone }.class()
}
