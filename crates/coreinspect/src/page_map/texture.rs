//! What bytes look like, in a word.

use super::PageState;
use crate::look::Surroundings;
use crate::machine::{ByteOrder, Machine};
use crate::position::Address;

/// Bytes that are looked at once.
const PAGE: usize = 4096;
/// Bytes that are not zero, below which nothing is guessed.
const FEWEST: usize = 16;
/// Words that point at something, below which nothing is guessed.
const FEWEST_POINTERS: usize = 4;

/// What the first page of `bytes` that is not zero looks like; `None` if all of them are.
pub(super) fn of(bytes: &[u8], machine: Machine, surroundings: &Surroundings<'_>) -> Option<PageState> {
    let page = bytes.chunks(PAGE).find(|page| page.iter().fold(0, |all, byte| all | byte) != 0)?;
    Some(if is_text(page) {
        PageState::Text
    } else if is_pointers(page, machine, surroundings) {
        PageState::Pointers
    } else {
        PageState::Data
    })
}

/// Whether nine of ten bytes that are not zero are characters: ASCII, or UTF-8 beyond it.
fn is_text(page: &[u8]) -> bool {
    let used = page.iter().filter(|byte| **byte != 0).count();
    let printable = |byte: &&u8| matches!(**byte, 0x20..=0x7e | b'\n' | b'\t' | b'\r');
    let ascii = page.iter().filter(printable).count();
    let beyond = page.iter().filter(|byte| **byte >= 0x80).count();
    let characters = match beyond {
        0 => ascii,
        _ => {
            page.split(|byte| *byte == 0).filter_map(|run| std::str::from_utf8(run).ok()).map(str::len).sum()
        }
    };
    // Text of another alphabet is bytes beyond ASCII, and so is much else: some of it must be ASCII.
    used >= FEWEST
        && characters.saturating_mul(10) >= used.saturating_mul(9)
        && ascii.saturating_mul(4) >= used
}

/// Whether a quarter of the words that are not zero lie in memory of the process.
fn is_pointers(page: &[u8], machine: Machine, surroundings: &Surroundings<'_>) -> bool {
    let long = machine.class.long();
    let words = page.chunks_exact(long).map(|word| {
        let one = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        match machine.byte_order {
            ByteOrder::Little => word.iter().rev().fold(0, one),
            ByteOrder::Big => word.iter().fold(0, one),
        }
    });
    let (mut used, mut pointing) = (0_usize, 0_usize);
    for word in words.filter(|word| *word != 0) {
        used = used.saturating_add(1);
        pointing = pointing.saturating_add(surroundings.has(Address::new(word)).into());
    }
    pointing >= FEWEST_POINTERS && pointing.saturating_mul(4) >= used
}
