//! Which segments of a report a word names.

use std::fmt;
use std::str::FromStr;

use shmcore::Key;

use super::{Dump, Segment};

/// A word that names segments: a key in any spelling, `@ADDRESS` inside an attachment, `#N` or a bare `N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    word: String,
    means: Meaning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Number(usize),
    Address(u64),
    /// Every key that the word can spell, and the number that it is, if no key of the dump is spelt so.
    Key(Vec<Key>, Option<usize>),
}

/// Why a word names no single segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is no place.
    #[error("{0:?} names no segment: give a key (0x7800c028, SYSV7800c028, decimal), @ADDRESS or '#N'")]
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
    #[error("{word} names several segments: {}; give '#N' or @ADDRESS", found.join(", "))]
    Several {
        /// The word.
        word: String,
        /// Those that it names.
        found: Vec<String>,
    },
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(word: &str) -> Result<Self, PlaceError> {
        let wrong = || PlaceError::NoPlace(word.to_owned());
        let means = if let Some(number) = word.strip_prefix('#') {
            Meaning::Number(number.parse().map_err(|_| wrong())?)
        } else if let Some(address) = word.strip_prefix('@') {
            let digits = address.strip_prefix("0x").or_else(|| address.strip_prefix("0X")).unwrap_or(address);
            Meaning::Address(u64::from_str_radix(digits, 16).map_err(|_| wrong())?)
        } else {
            let keys: Vec<Key> =
                Key::readings(word).map(|readings| readings.into_iter().collect()).unwrap_or_default();
            let number = word.parse().ok();
            if keys.is_empty() && number.is_none() {
                return Err(wrong());
            }
            Meaning::Key(keys, number)
        };
        Ok(Self { word: word.to_owned(), means })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

impl Place {
    /// The segment that it names.
    ///
    /// # Errors
    /// [`PlaceError::NotFound`], [`PlaceError::Several`].
    pub fn segment<'d>(&self, dump: &'d Dump) -> Result<&'d Segment, PlaceError> {
        let all = |fits: &dyn Fn(&Segment) -> bool| {
            dump.segments.iter().filter(|one| fits(one)).collect::<Vec<_>>()
        };
        let numbered = |number: usize| all(&|segment| segment.number == number);
        let found = match &self.means {
            Meaning::Number(number) => numbered(*number),
            Meaning::Address(address) => all(&|segment| offset_in(segment, *address).is_some()),
            Meaning::Key(keys, number) => {
                let by_key = all(&|segment| keys.iter().any(|key| segment.key_t == Some(key.raw())));
                match number {
                    Some(number) if by_key.is_empty() => numbered(*number),
                    _ => by_key,
                }
            }
        };
        match found.as_slice() {
            [segment] => Ok(segment),
            [] => Err(self.not_found(dump)),
            several => Err(PlaceError::Several {
                word: self.word.clone(),
                found: several.iter().map(|segment| label(segment)).collect(),
            }),
        }
    }

    /// The offset in `segment` of the place that it names: `@ADDRESS` is a place, all else a segment.
    pub fn offset(&self, segment: &Segment) -> Option<u64> {
        match self.means {
            Meaning::Address(address) => offset_in(segment, address),
            _ => None,
        }
    }

    /// It names nothing in `dump`.
    pub(crate) fn not_found(&self, dump: &Dump) -> PlaceError {
        PlaceError::NotFound { word: self.word.clone(), known: known(dump) }
    }
}

/// The offset in a segment of an address in one of its mappings.
fn offset_in(segment: &Segment, address: u64) -> Option<u64> {
    let mut mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
    let mapping = mappings.find(|mapping| mapping.start.0 <= address && address < mapping.end.0)?;
    mapping.offset.checked_add(address.checked_sub(mapping.start.0)?)
}

fn label(segment: &Segment) -> String {
    format!("#{} {}", segment.number, segment.key.as_deref().unwrap_or("without a key"))
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
