//! How memory is painted: by what it is, and hatched where the dump lacks it.

use crate::address_space::What;

/// What is painted in one colour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Paint {
    Program,
    Heap,
    Library,
    Anonymous,
    Stack,
    Shared,
    /// Mapped, and not in the dump.
    Gone,
    /// Last: it is painted over all else.
    Segment,
}

impl Paint {
    pub(super) const LEGEND: [(Self, &'static str); 7] = [
        (Self::Segment, "segment of shared memory"),
        (Self::Shared, "other shared memory"),
        (Self::Program, "program"),
        (Self::Heap, "heap"),
        (Self::Library, "libraries and files"),
        (Self::Anonymous, "no name"),
        (Self::Stack, "stacks"),
    ];

    pub(super) fn of(what: What) -> Self {
        match what {
            What::Segment => Self::Segment,
            What::Shared => Self::Shared,
            What::Program => Self::Program,
            What::Heap => Self::Heap,
            What::Stack | What::ThreadLocal => Self::Stack,
            What::Library | What::File | What::Vdso => Self::Library,
            What::Guard | What::Anonymous => Self::Anonymous,
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Segment => "k-sysv",
            Self::Shared => "k-shared",
            Self::Program => "k-program",
            Self::Heap => "k-heap",
            Self::Library => "k-library",
            Self::Anonymous => "k-anon",
            Self::Stack => "k-stack",
            Self::Gone => "gone",
        }
    }
}
