//! What `fill` filled, and what it was filled with where such a core is listed.

use std::io;

use super::canvas::{Canvas, Draw};
use super::printable::Printable;
use super::style::Tone;
use crate::report::{Dump, Filling};
use crate::sidecar::FillSource;

impl Draw for Filling {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let name = |source: usize| self.sources.get(source).map_or_else(String::new, words);
        for segment in &self.segments {
            let key = segment.key.as_deref().unwrap_or("without a key");
            let text = format!(
                "segment {} {key}: {} of {} missing bytes filled",
                segment.number, segment.filled, segment.missing
            );
            canvas.heading(&[(Tone::Name, &text)])?;
            for from in &segment.from {
                let by = from.matched_by.map_or_else(String::new, |by| format!(", the same by its {by}"));
                canvas.prose(2, &format!("{} bytes from {}{by}", from.bytes, name(from.source)))?;
            }
            for conflict in &segment.conflicts {
                let first =
                    conflict.first.map_or_else(String::new, |first| format!(", the first at {first:#x}"));
                let text = format!(
                    "{} of the {} bytes that both have differ in {}{first}: the core's own stay",
                    conflict.different,
                    conflict.compared,
                    name(conflict.source)
                );
                canvas.prose(2, &text)?;
            }
        }
        let written = self.path.as_ref().map(|path| Printable(path.bytes()).to_string());
        let overlay = self.overlay.as_ref().map(|path| Printable(path.path.as_bytes()).to_string());
        for path in written.into_iter().chain(overlay) {
            canvas.line(0, &[(Tone::Plain, &path)])?;
        }
        Ok(())
    }
}

fn words(with: &FillSource) -> String {
    Printable(with.words().as_bytes()).to_string()
}

/// Says of which segments bytes were filled, and from where.
pub(super) fn draw(dump: &Dump, canvas: &mut dyn Canvas) -> io::Result<()> {
    for segment in dump.segments.iter().filter(|segment| segment.filled > 0) {
        let names = segment.filled_from.iter().filter_map(|from| dump.filled_with.get(*from)).map(words);
        let text = format!(
            "segment {}: {} bytes are not of this dump: coreinspect fill took them from {}",
            segment.number,
            segment.filled,
            names.collect::<Vec<_>>().join(", ")
        );
        canvas.gap()?;
        canvas.prose(0, &text)?;
    }
    Ok(())
}
