//! Which segment of a report a word names, and which place in it.

use std::fmt;
use std::str::FromStr;

use shmcore::Key;

use super::{Dump, Segment};
use crate::kind::{Named, is_called};
use crate::position::{Position, SegmentOffset, bytes};

/// A word that names a segment, or a place in one: a key in any spelling, `@ADDRESS` inside an attachment, `N` or `#N`, a
/// name (`/dev/shm/NAME`, `/NAME`, `memfd:NAME`); and each of
/// these with `+OFFSET` behind it.
///
/// What is named by the whole word comes before what is named by the part before its last `+`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    word: String,
    /// What the whole word can name.
    whole: Option<Name>,
    /// What the word can name as `NAME+OFFSET`.
    parts: Option<(Name, u64)>,
}

/// What stands for a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Number(usize),
    Address(u64),
    /// `/dev/shm/NAME`, `/NAME`, `memfd:NAME`, or the whole name of a mapping.
    Mapping(String),
    /// Every key that the word can spell, and the number that it is, if no key of the dump is spelt so.
    Key(Vec<Key>, Option<usize>),
}

/// The segment that a [`Place`] names in a dump, and where in it.
#[derive(Clone, Copy, Debug)]
pub struct Located<'d> {
    /// The segment.
    pub segment: &'d Segment,
    /// The place in it; `None` where the word names the segment alone.
    pub offset: Option<SegmentOffset>,
}

/// Why a word names no single segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It cannot name one.
    #[error(
        "{0:?} names no segment: give its number, a key (0x7800c028, SYSV7800c028, decimal), @ADDRESS or a name (/dev/shm/NAME, memfd:NAME); for a place in it, +OFFSET behind that"
    )]
    NoPlace(String),
    /// It names nothing in the dump.
    #[error("{word} names no segment of this dump; {known}")]
    NotFound {
        /// The word.
        word: String,
        /// What there is.
        known: String,
    },
    /// It names several.
    #[error("{word} names several segments: {}; give its number ('#N' if that is a key too) or @ADDRESS", found.join(", "))]
    Several {
        /// The word.
        word: String,
        /// Those that it names.
        found: Vec<String>,
    },
    /// It names a place beyond the end of its segment.
    #[error("{word} is outside the segment, which ends at {end}")]
    Outside {
        /// The word.
        word: String,
        /// The offset after the last byte of the segment.
        end: SegmentOffset,
    },
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(word: &str) -> Result<Self, PlaceError> {
        let whole = Name::of(word);
        let parts =
            word.rsplit_once('+').and_then(|(name, offset)| Some((Name::of(name)?, bytes(offset).ok()?)));
        // Else it can be a debugger's message.
        let message = || Key::in_text(word).map(|key| Name::Key(vec![key], None));
        let whole = if parts.is_none() { whole.or_else(message) } else { whole };
        if whole.is_none() && parts.is_none() {
            return Err(PlaceError::NoPlace(word.to_owned()));
        }
        Ok(Self { word: word.to_owned(), whole, parts })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

impl Place {
    /// What it names in `dump`.
    ///
    /// # Errors
    /// [`PlaceError`], but not [`PlaceError::NoPlace`].
    pub fn locate<'d>(&self, dump: &'d Dump) -> Result<Located<'d>, PlaceError> {
        let whole = self.whole.iter().map(|name| (name, None));
        let parts = self.parts.iter().map(|(name, offset)| (name, Some(*offset)));
        for (name, behind) in whole.chain(parts) {
            match name.segments(dump).as_slice() {
                [] => {}
                [segment] => return self.in_segment(segment, name, behind),
                several => {
                    let found = several.iter().map(|segment| label(segment)).collect();
                    return Err(PlaceError::Several { word: self.word.clone(), found });
                }
            }
        }
        Err(self.not_found(dump))
    }

    /// The place in `segment`, which `name` names, `behind` bytes further.
    fn in_segment<'d>(
        &self,
        segment: &'d Segment,
        name: &Name,
        behind: Option<u64>,
    ) -> Result<Located<'d>, PlaceError> {
        let start = match name {
            Name::Address(address) => offset_in(segment, *address),
            Name::Number(_) | Name::Key(..) | Name::Mapping(_) => None,
        };
        let Some(behind) = behind else { return Ok(Located { segment, offset: start }) };
        let offset = start.unwrap_or(SegmentOffset::new(0)).checked_add(behind);
        let end = end(segment);
        match offset.filter(|offset| *offset < end) {
            offset @ Some(_) => Ok(Located { segment, offset }),
            None => Err(PlaceError::Outside { word: self.word.clone(), end }),
        }
    }

    /// What has to be found, whatever kinds are listed, so that it can be located.
    pub fn named(&self) -> impl Iterator<Item = Named> + '_ {
        let names = self.whole.iter().chain(self.parts.iter().map(|(name, _)| name));
        names.filter_map(|name| match name {
            Name::Number(number) | Name::Key(_, Some(number)) => Some(Named::Number(*number)),
            Name::Address(address) => Some(Named::Address(*address)),
            Name::Mapping(word) => Some(Named::Name(word.clone())),
            Name::Key(_, None) => None,
        })
    }

    /// It names nothing in `dump`.
    pub(crate) fn not_found(&self, dump: &Dump) -> PlaceError {
        PlaceError::NotFound { word: self.word.clone(), known: known(dump) }
    }
}

impl Name {
    fn of(word: &str) -> Option<Self> {
        let number = |digits: &str| digits.parse().ok().filter(|_| !digits.starts_with('+'));
        if let Some(digits) = word.strip_prefix('#') {
            return number(digits).map(Self::Number);
        }
        if let Some(address) = word.strip_prefix('@') {
            let digits = address.strip_prefix("0x").or_else(|| address.strip_prefix("0X")).unwrap_or(address);
            let hexadecimal = digits.starts_with(|first: char| first.is_ascii_hexdigit());
            return u64::from_str_radix(digits, 16).ok().filter(|_| hexadecimal).map(Self::Address);
        }
        let keys: Vec<Key> = Key::readings(word).into_iter().flatten().collect();
        if keys.is_empty() && (word.starts_with('/') || word.starts_with("memfd:")) {
            return Some(Self::Mapping(word.to_owned()));
        }
        let number = number(word);
        (!keys.is_empty() || number.is_some()).then_some(Self::Key(keys, number))
    }

    /// The segments of `dump` that have this name.
    fn segments<'d>(&self, dump: &'d Dump) -> Vec<&'d Segment> {
        let all = |fits: &dyn Fn(&Segment) -> bool| {
            dump.segments.iter().filter(|one| fits(one)).collect::<Vec<_>>()
        };
        let numbered = |number: usize| all(&|segment| segment.number == number);
        match self {
            Self::Number(number) => numbered(*number),
            Self::Address(address) => all(&|segment| offset_in(segment, *address).is_some()),
            Self::Mapping(word) => all(&|segment| {
                let name = segment.name.as_ref();
                name.is_some_and(|name| {
                    is_called(name.bytes(), word) || is_called(name.escaped().as_bytes(), word)
                })
            }),
            Self::Key(keys, number) => {
                let by_key = all(&|segment| keys.iter().any(|key| segment.key_t == Some(key.raw())));
                match number {
                    Some(number) if by_key.is_empty() => numbered(*number),
                    _ => by_key,
                }
            }
        }
    }
}

/// The offset in a segment of an address in one of its mappings.
fn offset_in(segment: &Segment, address: u64) -> Option<SegmentOffset> {
    let mut mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
    let mapping = mappings.find(|mapping| mapping.start.0 <= address && address < mapping.end.0)?;
    SegmentOffset::new(mapping.offset).checked_add(address.checked_sub(mapping.start.0)?)
}

/// The offset after the last byte of a segment that is known of.
fn end(segment: &Segment) -> SegmentOffset {
    let mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
    let ends =
        mappings.map(|mapping| mapping.offset.saturating_add(mapping.end.0.saturating_sub(mapping.start.0)));
    SegmentOffset::new(ends.chain(segment.size).max().unwrap_or(0))
}

fn label(segment: &Segment) -> String {
    format!("{} {}", segment.number, segment.label())
}

impl Segment {
    /// The word by which a command takes it, one of `dump`'s: its number, bare unless that is the key of a segment.
    pub(crate) fn word(&self, dump: &Dump) -> String {
        let bare = self.number.to_string();
        let named = bare.parse().ok().and_then(|place: Place| Some(place.locate(dump).ok()?.segment.number));
        if named == Some(self.number) { bare } else { format!("#{bare}") }
    }
}

/// What there is to name, shortly.
fn known(dump: &Dump) -> String {
    const NAMED: usize = 8;
    if dump.segments.is_empty() {
        return format!("in it is {}", dump.nothing_found().unwrap_or_default());
    }
    let labels: Vec<_> = dump.segments.iter().take(NAMED).map(label).collect();
    let more = dump.segments.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it has {}{more}", labels.join(", "))
}
