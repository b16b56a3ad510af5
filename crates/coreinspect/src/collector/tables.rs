//! What stands in /proc/sysvipc.

use shmcore::ipcs::{self, ListedSegment};

/// The files of /proc/sysvipc as the crashing process saw them. They show the IPC namespace of whoever opens them, so
/// somebody who is in it must have read them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// Segments.
    pub shm: Vec<u8>,
    /// Semaphores.
    pub sem: Vec<u8>,
    /// Message queues.
    pub msg: Vec<u8>,
}

impl Tables {
    /// The rows of the segments; those that are not understood are left out.
    pub(crate) fn segments(&self) -> Vec<ListedSegment> {
        let rows = ipcs::parse(self.shm.as_slice(), "/proc/sysvipc/shm");
        rows.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
    }
}
