//! Memory that is the process's own for certain: it is no segment, however much it looks like one.

use super::landscape::{Landscape, Piece};
use crate::machine::Class;
use crate::memory::Permissions;
use crate::position::{Address, Interval, Position};
use crate::thread::Thread;

const EM_386: u16 = 3;
const EM_X86_64: u16 = 62;

/// Whether `piece` cannot be an attach, by what is known without reading it.
pub(super) fn by_its_place(landscape: &Landscape<'_>, piece: &Piece) -> bool {
    let Piece { range, permissions, .. } = *piece;
    let Permissions { read, execute, .. } = permissions;
    let aligned = |address: Address| address.get() & landscape.page.saturating_sub(1) == 0;
    execute
        || !read
        || range.is_empty()
        || !aligned(range.start())
        || !aligned(range.end())
        || holds_the_stack(landscape, range)
        || is_the_heap(landscape, range)
        || landscape.saved(range) == 0
}

/// Whether `piece` cannot be an attach, by what stands in it.
pub(super) fn by_its_content(landscape: &Landscape<'_>, piece: &Piece) -> bool {
    is_of_the_vdso(landscape, piece)
        || is_an_arena(landscape, piece.range)
        || is_of_chunks(landscape, piece.range)
        || holds_a_thread(landscape, piece.range)
        || holds_descriptors(landscape, piece.range)
        || is_a_guard(landscape, piece)
}

fn holds_the_stack(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    let of_threads = landscape.target.threads().iter().filter_map(Thread::stack_pointer);
    of_threads.chain(landscape.target.auxiliary().stack).any(|stack| range.contains(stack))
}

/// The kernel maps its data for the vDSO (vvar) right below it, read-only, as one mapping or (since 6.13 on x86) two. No
/// writer can read it, so what stands there in the dump is zero.
fn is_of_the_vdso(landscape: &Landscape<'_>, piece: &Piece) -> bool {
    let Some(vdso) = landscape.target.auxiliary().vdso else { return false };
    let Piece { range, permissions, .. } = *piece;
    let next = landscape.above(range).map(|above| above.range.end());
    let below = !permissions.write && (range.end() == vdso || next == Some(vdso));
    range.contains(vdso) || below && landscape.starts_with_zeroes(range)
}

fn is_the_heap(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    landscape.heap() == Some(range.start())
}

/// glibc's malloc/arena.c `heap_info`: `ar_ptr`, `prev`, `size`, `mprotect_size`, at a multiple of the greatest heap.
fn is_an_arena(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    let wide = landscape.target.identity().machine.class == Class::Bits64;
    let heap: u64 = if wide { 64 << 20 } else { 1 << 20 };
    let inside = heap.saturating_sub(1);
    if range.start().get() & inside != 0 {
        return false;
    }
    let word = landscape.word() as u64;
    let field = |index: u64| landscape.long(range.start().checked_add(index.checked_mul(word)?)?);
    let (Some(arena), Some(size)) = (field(0), field(2)) else { return false };
    let of_an_arena = arena & inside < 0x1000 && arena != 0 && arena & !inside != 0;
    of_an_arena && size != 0 && size <= heap
}

/// glibc's malloc/malloc.c `malloc_chunk`: `mchunk_prev_size`, and `mchunk_size` with three flags. What malloc got from
/// mmap(2) begins with one chunk of whole pages that has flag 2 alone; what it got from brk(2) is chunks, the first with flag
/// 1, that follow each other to the end.
fn is_of_chunks(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    const IN_USE: u64 = 1;
    const MAPPED: u64 = 2;
    const FLAGS: u64 = 7;
    /// Enough to tell; a heap has thousands.
    const CHUNKS: usize = 16;
    let word = landscape.word() as u64;
    let size_at = |at: Address| landscape.long(at.checked_add(word)?);
    let Some(first) = size_at(range.start()) else { return false };
    let pages = first & !FLAGS;
    if first & FLAGS == MAPPED {
        let whole = pages > 0 && pages <= range.length() && pages & landscape.page.saturating_sub(1) == 0;
        return whole && landscape.long(range.start()) == Some(0);
    }
    if first & IN_USE == 0 {
        return false;
    }
    let mut at = range.start();
    for _ in 0..CHUNKS {
        let length = size_at(at).map(|size| size & !FLAGS);
        let aligned = |length: &u64| *length > word && length.is_multiple_of(word.saturating_mul(2));
        let next = length.filter(aligned).and_then(|length| at.checked_add(length));
        match next {
            Some(next) if next == range.end() => return true,
            Some(next) if next < range.end() => at = next,
            _ => return false,
        }
    }
    true
}

/// glibc's `tcbhead_t` (sysdeps/x86_64/nptl/tls.h, sysdeps/i386): `tcb` and `self` both point to it, with `dtv` between
/// them. It stands at the upper end of a thread's stack, or in what ld.so mapped for the first thread.
fn holds_a_thread(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    /// The control block and static thread-local storage of all libraries fit.
    const SEARCHED: u64 = 256 << 10;
    if ![EM_386, EM_X86_64].contains(&landscape.target.identity().machine.number) {
        return false;
    }
    let start = range.end().checked_sub(SEARCHED.min(range.length())).unwrap_or(range.start());
    let length = range.end().offset_from(start).and_then(|length| usize::try_from(length).ok());
    let bytes = landscape.some_bytes(start, length.unwrap_or(0));
    let word = landscape.word();
    let words: Vec<_> = bytes.chunks_exact(word).map(|word| landscape.to_number(word).unwrap_or(0)).collect();
    let mut at = start.get();
    for three in words.windows(3) {
        if let [tcb, dtv, itself] = three
            && (*tcb, *itself) == (at, at)
            && *dtv != at
            && *dtv != 0
        {
            return true;
        }
        at = at.saturating_add(word as u64);
    }
    false
}

/// For an x86 guest qemu-user (linux-user/i386/cpu_loop.c) makes a page of interrupt gates and one of segments; in the latter
/// stands the flat data segment of ring 3.
fn holds_descriptors(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    const FLAT_DATA: [u8; 8] = [0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0];
    /// Both tables, and room between them.
    const SEARCHED: u64 = 16 << 10;
    let identity = landscape.target.identity();
    if !identity.habits().emulator || ![EM_386, EM_X86_64].contains(&identity.machine.number) {
        return false;
    }
    let length = usize::try_from(range.length().min(SEARCHED)).unwrap_or(0);
    let bytes = landscape.some_bytes(range.start(), length);
    bytes.chunks(4096).any(|page| page.chunks_exact(8).take(8).any(|descriptor| descriptor == FLAT_DATA))
}

/// A stack ends below at memory without rights (mmap(2) MAP_GROWSDOWN, pthread_attr_setguardsize(3)). gdb calls what has no
/// rights readable: there a guard is a page of zeroes below something that can be written to.
fn is_a_guard(landscape: &Landscape<'_>, piece: &Piece) -> bool {
    /// Where more is without rights, it is kept for later use.
    const GREATEST_GUARD: u64 = 1 << 20;
    let Piece { range, permissions, .. } = *piece;
    if permissions.write {
        let below = landscape.below(range).filter(|below| !landscape.image_at(below.range.start()));
        return below.is_some_and(|below| {
            let Permissions { read, write, execute } = below.permissions;
            !(read || write || execute) && below.range.length() <= GREATEST_GUARD
        });
    }
    if !landscape.target.identity().habits().all_readable {
        return false;
    }
    let zero = landscape.starts_with_zeroes(range);
    zero && landscape.above(range).is_some_and(|above| above.permissions.write)
}
