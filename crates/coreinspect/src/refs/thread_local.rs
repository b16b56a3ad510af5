//! Where the thread-local memory of a thread is: its static block beside the thread pointer with what the thread library keeps
//! there, and the blocks of libraries that were loaded later.
//!
//! Shapes: "ELF Handling For Thread-Local Storage" (variant I: the block above the thread pointer, variant II: below), and glibc's
//! `tcbhead_t` and `dtv_t` (sysdeps/x86_64/nptl/tls.h, sysdeps/generic/dl-dtv.h). A heuristic: what does not look like glibc's
//! vector of blocks is not believed, and then only the static block is told, by the sizes that the programs' headers have.

use super::stacks::word;
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// Bytes of the thread library's own structure that lie beside the thread pointer (glibc `struct pthread`), and of its two words
/// at the thread pointer on AArch64.
const OWN: u64 = 0x700;
const HEAD: u64 = 16;
/// Blocks that are looked at, of which a thread has one for each library with thread-local variables.
const MOST_BLOCKS: u64 = 256;
/// Bytes of a static block at most.
const MOST_STATIC: u64 = 1 << 20;

/// The thread-local memory of the thread whose thread pointer is `base`. `sizes`: bytes that all programs have of it. The static
/// block first, then the start of each of the others.
pub(super) fn of_thread(
    target: &dyn Target,
    base: Address,
    sizes: u64,
) -> Option<(Interval<Address>, Vec<Address>)> {
    let machine = target.identity().machine;
    let sizes = sizes.min(MOST_STATIC);
    let width = machine.class.long() as u64;
    match machine.number {
        // Variant II; the first word at the thread pointer is its own address.
        62 | 3 => {
            (word(target, base)? == base.get()).then_some(())?;
            let blocks = vector(target, word(target, base.checked_add(width)?)?, width).unwrap_or_default();
            let is_near = |block: &Address| {
                base.offset_from(*block).is_some_and(|below| (1..=MOST_STATIC).contains(&below))
            };
            let (near, far): (Vec<_>, Vec<_>) = blocks.into_iter().partition(is_near);
            let start = near.into_iter().min().or_else(|| base.checked_sub(sizes))?;
            Some((Interval::new(start, base.checked_add(OWN)?)?, far))
        }
        183 => {
            let end = base.checked_add(HEAD)?.checked_add(sizes)?;
            let range = Interval::new(base.checked_sub(OWN)?, end)?;
            let blocks = vector(target, word(target, base)?, width).unwrap_or_default();
            Some((range, blocks.into_iter().filter(|block| !range.contains(*block)).collect()))
        }
        _ => None,
    }
}

/// The blocks that glibc's vector at `at` leads to: before it stands how many it has room for, in it a generation, then pairs of an
/// address and what is to be freed.
fn vector(target: &dyn Target, at: u64, width: u64) -> Option<Vec<Address>> {
    let at = Address::new(at);
    let entry = width.checked_mul(2)?;
    let room = word(target, at.checked_sub(entry)?)?;
    ((1..1 << 16).contains(&room) && word(target, at)? < 1 << 24).then_some(())?;
    let unused = if width == 8 { u64::MAX } else { u64::from(u32::MAX) };
    let mut blocks = Vec::new();
    for number in 1..=room.min(MOST_BLOCKS) {
        let block = word(target, at.checked_add(entry.checked_mul(number)?)?)?;
        blocks.extend((block != 0 && block != unused).then(|| Address::new(block)));
    }
    Some(blocks)
}
