//! Memory that is the process's own for certain: it is no segment, however much it looks like one.

use super::landscape::{Landscape, Piece};
use crate::machine::Class;
use crate::memory::Permissions;
use crate::position::{Address, Interval, Position};
use crate::target::Writer;
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
        || is_beside_the_vdso(landscape, range)
        || is_the_heap(landscape, range)
        || landscape.saved(range) == 0
}

/// Whether `piece` cannot be an attach, by what stands in it.
pub(super) fn by_its_content(landscape: &Landscape<'_>, piece: &Piece) -> bool {
    is_an_arena(landscape, piece.range)
        || is_of_chunks(landscape, piece.range)
        || holds_a_thread(landscape, piece.range)
        || holds_descriptors(landscape, piece.range)
        || is_a_guard(landscape, piece)
}

fn holds_the_stack(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    let of_threads = landscape.target.threads().iter().filter_map(Thread::stack_pointer);
    of_threads.chain(landscape.target.auxiliary().stack).any(|stack| range.contains(stack))
}

/// The kernel maps its data for the vDSO (vvar) right below it, read-only.
fn is_beside_the_vdso(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    let Some(vdso) = landscape.target.auxiliary().vdso else { return false };
    let mut at = Some(range);
    for _ in 0..4 {
        let Some(range) = at else { return false };
        if range.contains(vdso) || range.end() == vdso {
            return true;
        }
        at = landscape.above(range).filter(|above| !above.permissions.write).map(|above| above.range);
    }
    false
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

/// glibc's malloc/malloc.c `malloc_chunk`: `mchunk_prev_size`, `mchunk_size` with three flags. Chunks follow each other to
/// the end of the memory that malloc got from mmap(2) (flag 2: one chunk each) or from brk(2).
fn is_of_chunks(landscape: &Landscape<'_>, range: Interval<Address>) -> bool {
    const MAPPED: u64 = 2;
    const FLAGS: u64 = 7;
    /// Enough to tell; a heap has thousands.
    const CHUNKS: usize = 16;
    let word = landscape.word() as u64;
    let mut at = range.start();
    let mut mapped = 0_usize;
    for index in 0..CHUNKS {
        let size = at.checked_add(word).and_then(|at| landscape.long(at));
        let Some(size) = size.filter(|size| size & !FLAGS >= word.saturating_mul(4)) else {
            return false;
        };
        if size & MAPPED != 0 {
            mapped = mapped.saturating_add(1);
        }
        let Some(next) = at.checked_add(size & !FLAGS).filter(|next| *next <= range.end()) else {
            return false;
        };
        let chunks = index.saturating_add(1);
        if next == range.end() {
            return mapped == chunks || chunks > 1;
        }
        // Mapped chunks are whole pages each.
        if size & MAPPED != 0 && next.get() & landscape.page.saturating_sub(1) != 0 {
            return false;
        }
        at = next;
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
    let of_qemu = identity.writer == Some(Writer::QemuUser);
    if !of_qemu || ![EM_386, EM_X86_64].contains(&identity.machine.number) {
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
    if landscape.target.identity().writer != Some(Writer::Gcore) {
        return false;
    }
    let length = usize::try_from(range.length().min(landscape.page)).unwrap_or(0);
    let bytes = landscape.some_bytes(range.start(), length);
    let zero = !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0);
    zero && landscape.above(range).is_some_and(|above| above.permissions.write)
}
