//! The types of pthread.h and semaphore.h, of which a header tells only how many bytes they have: what is in them is their
//! library's own. They are told as bytes, and marked as locks.

use super::Encoding;
use crate::lock_shapes::Kind as Lock;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Kind, Value};
use crate::types::{Budget, Stop};

/// A type of this name.
#[derive(Debug)]
struct Pthread {
    name: &'static str,
    lock: Lock,
}

static TYPES: [Pthread; 5] = [
    Pthread { name: "pthread_mutex_t", lock: Lock::Mutex },
    Pthread { name: "pthread_rwlock_t", lock: Lock::Rwlock },
    Pthread { name: "pthread_cond_t", lock: Lock::Condition },
    Pthread { name: "pthread_barrier_t", lock: Lock::Barrier },
    Pthread { name: "sem_t", lock: Lock::Semaphore },
];

/// The lock that C calls `name`.
pub(crate) fn named(name: &str) -> Option<&'static dyn Encoding> {
    let found = TYPES.iter().find(|known| known.name == name)?;
    Some(found)
}

impl Encoding for Pthread {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lock(&self) -> Option<Lock> {
        Some(self.lock)
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
        let length = bytes.len() as u64;
        Ok(Value::kept(budget, Interval::clamped(at, length), Kind::Bytes(bytes.to_vec(), length))?)
    }
}
