//! What the locks of C libraries look like in memory: one file a library and kind, one row in [`SHAPES`].
//!
//! A shape reads bytes and says what they would be as this lock, or that they cannot be one. It knows no dump: whoever has
//! reason to believe that a lock is there asks. What a field holds on which machine is from the headers that each file names.

mod bytes;
mod glibc_barrier;
mod glibc_condition;
mod glibc_mutex;
mod glibc_rwlock;
mod glibc_semaphore;
mod musl_barrier;
mod musl_condition;
mod musl_mutex;
mod musl_rwlock;
mod musl_semaphore;

pub(crate) use bytes::LockBytes;

use crate::machine::Machine;

/// Every shape, those that prove themselves best first.
pub(crate) static SHAPES: &[Shape] = &[
    glibc_mutex::SHAPE,
    musl_mutex::SHAPE,
    glibc_rwlock::SHAPE,
    glibc_barrier::SHAPE,
    musl_barrier::SHAPE,
    glibc_condition::SHAPE,
    glibc_condition::SHAPE_2_41,
    musl_condition::SHAPE,
    glibc_semaphore::SHAPE,
    musl_rwlock::SHAPE,
    musl_semaphore::SHAPE,
];

/// What kind of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// pthread_mutex_t.
    Mutex,
    /// pthread_rwlock_t.
    Rwlock,
    /// sem_t.
    Semaphore,
    /// pthread_cond_t.
    Condition,
    /// pthread_barrier_t.
    Barrier,
    /// A word that futex(2) is called with, of whatever makes locks of it.
    Futex,
}

/// Whose lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Library {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

/// Whether a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody holds it.
    Unlocked,
    /// Somebody holds it.
    Locked,
    /// Who held it died, and nobody has it since (the kernel's FUTEX_OWNER_DIED).
    OwnerDied,
    /// Who held it died, and who got it then did not make it consistent: it can never be locked again.
    NotRecoverable,
}

/// How much the bytes alone prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// They do not speak against it.
    Possible,
    /// Every field is as the library would have it, and one names a thread: if there is such a thread, it is a lock.
    Likely,
    /// Fields that are far apart agree on a thread, which no other data would do by chance.
    Strong,
}

/// What bytes are as a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) state: Option<State>,
    /// PTHREAD_MUTEX_ROBUST; `None` for what cannot be.
    pub(crate) robust: Option<bool>,
    /// PTHREAD_PRIO_INHERIT; `None` for what cannot be.
    pub(crate) priority_inheritance: Option<bool>,
    /// The thread that holds it, or held it when it died; `None` where the lock does not say.
    pub(crate) owner: Option<u32>,
    /// The value of a semaphore, the readers that hold a rwlock, the threads that wait on a condition, those that a barrier
    /// still waits for.
    pub(crate) value: Option<u32>,
    /// Whether threads of several processes may use it (PTHREAD_PROCESS_SHARED).
    pub(crate) shared: bool,
    pub(crate) proof: Proof,
}

impl Reading {
    /// A lock of which nothing is known but who may use it.
    pub(crate) fn new(shared: bool) -> Self {
        Self {
            state: None,
            robust: None,
            priority_inheritance: None,
            owner: None,
            value: None,
            shared,
            proof: Proof::Possible,
        }
    }
}

/// What one kind of lock of one library looks like.
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) library: Library,
    /// Its name in C.
    pub(crate) name: &'static str,
    /// Its bytes.
    pub(crate) size: fn(Machine) -> u64,
    /// Where in it are the words that its waiters give to futex(2).
    pub(crate) words: fn(Machine) -> &'static [u64],
    /// Where in it stands the word that says its kind, of shapes that can prove by their bytes what they are.
    pub(crate) mark: Option<fn(Machine) -> u64>,
    /// What `size` bytes are; `None` if they cannot be this.
    pub(crate) read: fn(&LockBytes<'_>) -> Option<Reading>,
}

/// What every size that a shape has is below.
pub(crate) const LONGEST: usize = 64;

/// The longest id that a thread can have (linux/threads.h, PID_MAX_LIMIT).
const MOST_THREADS: u32 = 1 << 22;

/// `id` if a thread can have it.
fn thread(id: u32) -> Option<u32> {
    (1..=MOST_THREADS).contains(&id).then_some(id)
}

/// The bits of a futex word that names its owner (linux/futex.h): FUTEX_TID_MASK, FUTEX_OWNER_DIED.
const TID: u32 = 0x3fff_ffff;
const DIED: u32 = 0x4000_0000;

impl Kind {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::Rwlock => "rwlock",
            Self::Semaphore => "semaphore",
            Self::Condition => "condition",
            Self::Barrier => "barrier",
            Self::Futex => "futex",
        }
    }

    /// The kind of the C type `name`: of the POSIX name, or the struct's or union's behind it.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        let bare = name.trim_start_matches("union ").trim_start_matches("struct ");
        match bare {
            "pthread_mutex_t" | "__pthread_mutex_s" => Some(Self::Mutex),
            "pthread_rwlock_t" | "__pthread_rwlock_arch_t" => Some(Self::Rwlock),
            "pthread_cond_t" | "__pthread_cond_s" => Some(Self::Condition),
            "pthread_barrier_t" => Some(Self::Barrier),
            "sem_t" => Some(Self::Semaphore),
            _ => None,
        }
    }
}

impl Library {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

impl State {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Locked => "locked",
            Self::OwnerDied => "owner-died",
            Self::NotRecoverable => "not-recoverable",
        }
    }
}
