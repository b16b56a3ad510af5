//! The notes of a core: owner, type and descriptor, one after the other (elf(5), "Notes"; gABI chapter 5).

use super::header::NoteSegment;
use super::reader::Reader;
use crate::error::Warnings;
use crate::machine::Machine;
use crate::position::{Coverage, FileOffset, Interval};
use crate::source::Source;

/// One note.
#[derive(Clone, Debug)]
pub(crate) struct Note<'a> {
    /// Who defined the type, without the NUL: `CORE`, `LINUX`, `GDB`, ...
    pub owner: &'a [u8],
    /// The type, which means nothing without its owner.
    pub kind: u32,
    /// The note's own bytes.
    pub descriptor: Reader<'a>,
    /// Whether the file ends inside the descriptor.
    pub cut_off: bool,
    /// Where the descriptor stands in the file.
    pub at: FileOffset,
}

/// The notes of one PT_NOTE, one after the other. After a damaged one it is at its end, so every walk ends.
struct Notes<'a> {
    reader: Reader<'a>,
    at: FileOffset,
    padding: usize,
    /// Bytes that the PT_NOTE claims beyond those that the file has.
    beyond: u64,
    warning: Option<String>,
}

/// Hands every note of `segments` to `each`, in the file's order of the table.
pub(crate) fn for_each_note(
    source: &dyn Source,
    machine: Machine,
    segments: &[NoteSegment],
    warnings: &mut Warnings,
    mut each: impl FnMut(Note<'_>, &mut Warnings),
) {
    let mut read = Coverage::default();
    for segment in segments {
        let mut seen_before = segment.range.length();
        read.add(segment.range, |new| seen_before = seen_before.saturating_sub(new.length()));
        if seen_before > 0 {
            // Reading it would cost time for nothing new, and a hostile table could ask for it 65,535 times.
            warnings.push("notes", || {
                format!("a PT_NOTE at {} overlaps another; it is left out", segment.range.start())
            });
            continue;
        }
        let bytes = match source.bytes(segment.range) {
            Ok(bytes) => bytes,
            Err(error) => {
                let at = segment.range.start();
                warnings.push("notes", || format!("the notes at {at} cannot be read: {error}"));
                continue;
            }
        };
        let beyond = segment.range.length().saturating_sub(bytes.len() as u64);
        let mut notes = Notes::new(&bytes, machine, segment, beyond);
        for note in notes.by_ref() {
            each(note, warnings);
        }
        if let Some(warning) = notes.warning {
            warnings.push("notes", || warning);
        }
    }
}

impl Note<'_> {
    /// Where the descriptor stands in the file, as far as the file has it.
    pub(crate) fn range(&self) -> Interval<FileOffset> {
        Interval::clamped(self.at, self.descriptor.rest().len() as u64)
    }
}

impl<'a> Notes<'a> {
    fn new(bytes: &'a [u8], machine: Machine, segment: &NoteSegment, beyond: u64) -> Self {
        let with_padding = |padding| Self {
            reader: Reader::new(bytes, machine),
            at: segment.range.start(),
            padding,
            beyond,
            warning: None,
        };
        // Linux pads to 4 whatever p_align says; a PT_NOTE of align 8 may truly be padded to 8 (gABI). It is if
        // that reading ends just where the notes end.
        if segment.align == 8 && beyond == 0 {
            let mut notes = with_padding(8);
            let whole = notes.by_ref().all(|note| !note.owner.is_empty());
            if whole && notes.warning.is_none() && notes.reader.rest().is_empty() {
                return with_padding(8);
            }
        }
        with_padding(4)
    }

    /// The next note; `Err` says in words what is wrong at this place.
    fn step(&mut self) -> Result<Option<Note<'a>>, String> {
        let start = self.at;
        let before = self.reader.rest().len();
        let mut reader = self.reader.clone();
        let (Some(name_size), Some(size), Some(kind)) = (reader.u32(), reader.u32(), reader.u32()) else {
            let left = self.reader.rest();
            return match (self.beyond, left.iter().all(|byte| *byte == 0)) {
                (0, true) => Ok(None),
                (0, false) => Err(format!("{} bytes at {start} are too few for a note's header", left.len())),
                (beyond, _) => Err(format!("the file ends {beyond} bytes before the end of the notes")),
            };
        };
        if (name_size, size, kind) == (0, 0, 0) {
            // Padding, or a hole: there is nothing more, and nothing to step over it with.
            return Ok(None);
        }
        let ends_inside =
            || format!("the file ends inside the note at {start}; it and what followed is lost");
        let name_length = usize::try_from(name_size).map_err(|error| error.to_string())?;
        let owner = reader.take(name_length).ok_or_else(|| match self.beyond {
            0 => format!(
                "the note at {start} claims an owner's name of {name_size} bytes, which passes the end of the notes"
            ),
            _ => ends_inside(),
        })?;
        let header = 12_usize.saturating_add(name_length);
        let descriptor_at = header.next_multiple_of(self.padding);
        reader.skip(descriptor_at.saturating_sub(header)).ok_or_else(|| match self.beyond {
            0 => format!("the note at {start} has no descriptor"),
            _ => ends_inside(),
        })?;
        let length = usize::try_from(size).map_err(|error| error.to_string())?;
        let (descriptor, cut_off) = match reader.take(length) {
            Some(descriptor) => (descriptor, false),
            None if self.beyond > 0 => (reader.rest(), true),
            None => {
                return Err(format!(
                    "the note at {start} (type {kind:#x}) claims {size} bytes, {} more than the notes have",
                    length.saturating_sub(reader.rest().len())
                ));
            }
        };
        if cut_off {
            self.warning = Some(ends_inside());
            reader.skip(descriptor.len());
        } else {
            let end = descriptor_at.saturating_add(length);
            let padding = end.next_multiple_of(self.padding).saturating_sub(end);
            // The last note's padding is often left out.
            reader.skip(padding.min(reader.rest().len()));
        }
        let at = FileOffset::new(start.get().saturating_add(descriptor_at as u64));
        self.at =
            FileOffset::new(start.get().saturating_add(before.saturating_sub(reader.rest().len()) as u64));
        self.reader = reader;
        let owner = owner.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Some(Note { owner, kind, descriptor: self.reader.over(descriptor), cut_off, at }))
    }
}

impl<'a> Iterator for Notes<'a> {
    type Item = Note<'a>;

    fn next(&mut self) -> Option<Note<'a>> {
        if self.warning.is_some() {
            return None;
        }
        match self.step() {
            Ok(note) => note,
            Err(warning) => {
                self.warning = Some(warning);
                None
            }
        }
    }
}
