//! What is wrong with a header, where, and what to do.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::notation::problem;

/// Some bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Place {
    pub(super) fn new(file: usize, start: usize, end: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { file: narrow(file), start: narrow(start), end: narrow(end) }
    }
}

/// What is wrong with a header. As text it is what a compiler writes: file, line and column, the line with a caret
/// under what is wrong, and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub path: String,
    /// What is wrong, the bytes of the text that it is about, and what to do.
    pub what: Box<problem::Problem>,
    /// Where its line comes from, if the file is a compiler's `-E` output: "queue.h:12".
    pub origin: Option<String>,
    /// The file's text; `None` if the file as a whole is meant.
    text: Option<Arc<str>>,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(crate) fn of_file(path: &str, message: impl Into<String>) -> Self {
        let what = Box::new(problem::Problem::new(message, 0..0));
        Self { path: path.to_owned(), what, origin: None, text: None }
    }

    /// The same with advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.what.help = Some(help.into());
        self
    }

    /// The line and the column, both from 1; `None` if the file as a whole is meant.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.text.as_deref().map(|text| self.what.place(text))
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.origin {
            Some(origin) => format!("{} (from {origin})", self.path),
            None => self.path.clone(),
        };
        match (&self.text, &self.what.help) {
            (Some(text), _) => self.what.in_text(text, &name).fmt(f),
            (None, None) => write!(f, "error: {name}: {}", self.what.message),
            (None, Some(help)) => write!(f, "error: {name}: {}\n = help: {help}", self.what.message),
        }
    }
}

/// A file and what is known of it.
#[derive(Debug)]
struct Source {
    path: String,
    text: Arc<str>,
    /// `# 12 "queue.h" 2`: from this offset on lines come from there.
    markers: Vec<Marker>,
}

/// A line marker of a preprocessor (the manual of GNU CPP, 9 "Preprocessor Output").
#[derive(Clone, Debug)]
pub(super) struct Marker {
    /// Where the line behind it begins.
    pub(super) offset: u32,
    /// That line's number in its file.
    pub(super) line: usize,
    /// That file.
    pub(super) path: Rc<str>,
    /// Whether the file is a system header.
    pub(super) system: bool,
}

/// The files that make a header.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    pub(super) fn add(&mut self, path: &str, text: &str) -> usize {
        self.0.push(Source { path: path.to_owned(), text: text.into(), markers: Vec::new() });
        self.0.len().saturating_sub(1)
    }

    pub(super) fn text(&self, file: usize) -> &str {
        self.0.get(file).map_or("", |source| &source.text)
    }

    pub(super) fn path(&self, file: usize) -> &str {
        self.0.get(file).map_or("", |source| &source.path)
    }

    pub(super) fn mark(&mut self, file: usize, marker: Marker) {
        if let Some(source) = self.0.get_mut(file) {
            source.markers.push(marker);
        }
    }

    fn marker(&self, place: Place) -> Option<&Marker> {
        let markers = &self.0.get(place.file as usize)?.markers;
        let after = markers.partition_point(|marker| marker.offset <= place.start);
        markers.get(after.checked_sub(1)?)
    }

    /// Whether a place lies in a system header that a preprocessor put here.
    pub(super) fn is_system(&self, place: Place) -> bool {
        self.marker(place).is_some_and(|marker| marker.system)
    }

    /// Whether a place lies in the prelude: the first two files.
    pub(super) fn is_given(&self, place: Place) -> bool {
        place.file < super::GIVEN
    }

    /// The line of a place in its file, from 1.
    pub(super) fn line(&self, place: Place) -> usize {
        let text = self.text(place.file as usize);
        let before = text.as_bytes().get(..place.start as usize).unwrap_or(text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1)
    }

    /// A problem at a place.
    pub(super) fn problem(&self, place: Place, message: impl Into<String>) -> Problem {
        let file = self.0.get(place.file as usize);
        let text = file.map_or_else(|| Arc::from(""), |file| file.text.clone());
        let origin = self.marker(place).map(|marker| {
            let between = text.get(marker.offset as usize..place.start as usize).unwrap_or_default();
            let lines = between.matches('\n').count();
            format!("{}:{}", marker.path, marker.line.saturating_add(lines))
        });
        let message = harmless(&message.into());
        let what = Box::new(problem::Problem::new(message, place.start as usize..place.end as usize));
        Problem { path: self.path(place.file as usize).to_owned(), what, origin, text: Some(text) }
    }
}

/// A header may come from anywhere: a name in a message must not move the terminal's cursor,
/// nor be a megabyte long.
fn harmless(text: &str) -> String {
    let hostile =
        |char: char| char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().take(400).map(|char| if hostile(char) { '\u{fffd}' } else { char }).collect()
}
