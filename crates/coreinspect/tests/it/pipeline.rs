//! From bytes to everything that the program prints of them.

mod across;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use coreinspect::render::json::Dumps;
use coreinspect::render::output::Beside;
use coreinspect::render::segment::{ShownSegment, ShownSegments};
use coreinspect::render::table::{ListedDump, Listing};
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Document, Draw, Style};
use coreinspect::report::Dump;
use coreinspect::source::{Bytes, Source};
use coreinspect::{Inspection, Options};
use serde_json::Value;

use crate::{contract, harmless};

const PLAIN: Style = Style { width: Some(80), color: false, unicode: false, interactive: true, bytes: false };
const COLOURED: Style = Style { width: None, color: true, unicode: true, interactive: true, bytes: true };

fn write_json(dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
    let mut document = Dumps::default();
    document.dump(dump, &(), out)?;
    document.end(Beside::Nothing, out)
}

/// The listing with all that it can say, and each segment in full.
fn write_text(dump: &Dump, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let listing = Listing { columns: vec![], header: true, verbose: true, quiet: false };
    let segments = dump.segments.iter().map(ShownSegment::of).collect();
    let mut canvas = Terminal { style, out };
    ListedDump::new(dump, &listing).draw(&mut canvas)?;
    ShownSegments { segments, full: false, moments: Vec::new() }.draw(&mut canvas)
}

/// The dump in `source`, called `core`.
pub(crate) fn inspect_with(source: Arc<dyn Source>, options: &Options) -> Inspection {
    Inspection::of_source(Path::new("core"), source, options)
}

/// The report of the dump that `bytes` are.
pub(crate) fn report_of(bytes: Vec<u8>) -> Dump {
    inspect_with(Arc::new(Bytes::new(bytes)), &Options::default()).into_report()
}

/// Bytes to report to output that nobody reads: what this allocates is the cost of a dump.
pub(crate) fn run(source: &Bytes) -> Dump {
    let dump = inspect_with(Arc::new(source.clone()), &Options::default()).into_report();
    write_json(&dump, &mut io::sink()).unwrap();
    write_text(&dump, PLAIN, &mut io::sink()).unwrap();
    dump
}

pub(crate) struct Inspected {
    pub(crate) dump: Dump,
    pub(crate) json: Vec<u8>,
    pub(crate) plain: Vec<u8>,
    pub(crate) coloured: Vec<u8>,
}

pub(crate) fn inspect(bytes: &[u8]) -> Inspected {
    inspect_source(Arc::new(Bytes::new(bytes.to_vec())))
}

pub(crate) fn inspect_source(source: Arc<dyn Source>) -> Inspected {
    let dump = inspect_with(source, &Options::default()).into_report();
    let (mut json, mut plain, mut coloured) = (vec![], vec![], vec![]);
    write_json(&dump, &mut json).unwrap();
    write_text(&dump, PLAIN, &mut plain).unwrap();
    write_text(&dump, COLOURED, &mut coloured).unwrap();
    Inspected { dump, json, plain, coloured }
}

/// What is wrong with what `search`, `diff` and several dumps in one run print of `bytes`, if anything.
pub(crate) fn harm_across(bytes: &[u8]) -> Option<String> {
    let outputs = [("plain", PLAIN, false), ("in colour", COLOURED, true)];
    outputs.into_iter().find_map(|(name, style, colours)| {
        Some(format!("{name}: {}", harmless::complaint(&across::write(bytes, style), colours)?))
    })
}

impl Inspected {
    /// Bytes that were written.
    pub(crate) fn shown(&self) -> usize {
        self.json.len() + self.plain.len() + self.coloured.len()
    }

    /// The document as a program reads it.
    pub(crate) fn document(&self) -> Value {
        let mut document: Value = serde_json::from_slice(&self.json).unwrap();
        document["dumps"][0].take()
    }

    /// What is wrong with the text on a terminal, if anything.
    pub(crate) fn harm(&self) -> Option<String> {
        let outputs = [
            ("the JSON", &self.json, false),
            ("the table", &self.plain, false),
            ("in colour", &self.coloured, true),
        ];
        outputs.into_iter().find_map(|(name, output, colours)| {
            Some(format!("{name}: {}", harmless::complaint(output, colours)?))
        })
    }

    /// Which promise is broken, if any: about what a terminal gets, or about what a program reads.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.harm().or_else(|| contract::check(&self.document()).err())
    }
}
