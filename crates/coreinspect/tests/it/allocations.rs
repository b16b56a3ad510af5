//! Counts what the current thread allocates. Tests run side by side, one a thread, so the counts are a thread's own.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { live: 0, peak: 0, allocations: 0 }) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Bytes held now; what another thread freed is still counted.
    live: i64,
    /// The most bytes that were held at once, above what was held before.
    pub(crate) peak: i64,
    pub(crate) allocations: u64,
}

fn count(bytes: i64) {
    // A thread that is ending has no counter any more; nothing is measured there.
    let _ = USAGE.try_with(|cell| {
        let mut usage = cell.get();
        usage.live += bytes;
        usage.peak = usage.peak.max(usage.live);
        usage.allocations += u64::from(bytes > 0);
        cell.set(usage);
    });
}

// SAFETY: every call goes to `System` with the arguments as they came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise about `block`, `layout` and `size` is passed on.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// What `work` returns, and what it held at most while it ran.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = USAGE.get();
    USAGE.set(Usage { peak: before.live, allocations: 0, ..before });
    let result = work();
    let after = USAGE.get();
    (result, Usage { peak: after.peak - before.live, ..after })
}

#[test]
fn the_peak_is_counted_not_the_end() {
    let (length, usage) = measure(|| {
        let first = vec![1_u8; 1 << 20];
        let second = vec![2_u8; 1 << 19];
        first.len() + second.len()
    });
    assert_eq!(length as i64, usage.peak);
    assert_eq!(usage.allocations, 2);
}
