//! Words and small pictures that all parts of a page share.

use std::fmt::Write;

use crate::render::printable::Printable;

/// Bytes of a text of a dump that a page shows.
const MOST: usize = 400;

/// Text of a dump, harmless: no control, nothing that changes the direction of writing. The template escapes it for HTML.
pub(super) fn shown(bytes: &[u8]) -> String {
    let cut = bytes.get(..MOST).unwrap_or(bytes);
    let more = if cut.len() < bytes.len() { "…" } else { "" };
    format!("{}{more}", Printable(cut))
}

/// The text as a sentence begins.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1 segment`, `2 segments`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Bytes as a person says them: `4 KiB`, `1.9 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 5] = [(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = UNITS.iter().find(|(shift, _)| bytes >> shift > 0) else {
        return format!("{bytes} bytes");
    };
    let tenths = u128::from(bytes).saturating_mul(10) >> shift;
    let (whole, tenth) = (tenths.checked_div(10).unwrap_or(0), tenths.checked_rem(10).unwrap_or(0));
    match tenth {
        0 => format!("{whole} {unit}"),
        tenth => format!("{whole}.{tenth} {unit}"),
    }
}

/// `12 288`: digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// How much of what is mapped was saved, as a bar.
pub(super) fn bar(saved: u64, mapped: u64) -> String {
    let percent = share(saved, mapped, 100.0);
    format!(
        r#"<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" class="gone"/><rect width="{percent:.2}" height="8" class="k-sysv"/></svg>"#
    )
}

/// `4 KiB of 12 KiB`.
pub(super) fn of(saved: u64, mapped: u64) -> String {
    format!("{} of {}", size(saved), size(mapped))
}

/// The part that `some` is of `all`, of a length of `length`.
pub(super) fn share(some: u64, all: u64, length: f64) -> f64 {
    if all == 0 { 0.0 } else { (some as f64 / all as f64).min(1.0) * length }
}

/// Text inside of a picture, which no template escapes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A rectangle of a picture.
pub(super) fn rectangle(svg: &mut String, (x, y): (f64, f64), (width, height): (f64, f64), class: &str) {
    // Writing to a String does not fail.
    let _ = write!(svg, r#"<rect x="{x:.1}" y="{y}" width="{width:.1}" height="{height}" class="{class}"/>"#);
}

/// A line of text in a picture; `anchor` is SVG's text-anchor.
pub(super) fn label(svg: &mut String, (x, y): (f64, f64), anchor: &str, class: &str, text: &str) {
    let text = escaped(text);
    let _ = write!(svg, r#"<text x="{x:.1}" y="{y}" text-anchor="{anchor}" class="{class}">{text}</text>"#);
}
