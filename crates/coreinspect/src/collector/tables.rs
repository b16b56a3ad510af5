//! What stands in /proc/sysvipc.

use shmcore::SemaphoreState;
use shmcore::ipcs::{self, ListedSegment};

use crate::sidecar::Semaphore;

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
    /// Each semaphore, as [`Tables::ask_semaphores`] writes them.
    pub semaphores: Vec<u8>,
}

/// Semaphores that are asked for at most: the kernel allows 32,000 in a set, and as many sets.
const MOST_SEMAPHORES: usize = 10_000;

impl Tables {
    /// Asks for each semaphore of the sets in `sem`, the text of /proc/sysvipc/sem: a line with the set, the number in it, the
    /// value, who changed it last, and how many wait for it to grow and to be 0. Those that may not be read are left out.
    pub(crate) fn ask_semaphores(sem: &[u8]) -> String {
        let sets = String::from_utf8_lossy(sem);
        let mut lines = String::new();
        let mut left = MOST_SEMAPHORES;
        // Behind the headings: key, semid, perms, nsems.
        for row in sets.lines().skip(1) {
            let mut words = row.split_ascii_whitespace().skip(1);
            let id = words.next().and_then(|word| word.parse().ok());
            let count = words.nth(1).and_then(|word| word.parse::<i32>().ok());
            let Some((id, count)) = id.zip(count) else { continue };
            for number in 0..count {
                let Some(less) = left.checked_sub(1) else { return lines };
                let Some(state) = SemaphoreState::of(id, number) else { break };
                left = less;
                let SemaphoreState { value, pid, waiting, waiting_for_zero } = state;
                lines.push_str(&format!("{id} {number} {value} {pid} {waiting} {waiting_for_zero}\n"));
            }
        }
        lines
    }

    /// The semaphores that were asked for.
    pub(crate) fn semaphores(&self) -> Vec<Semaphore> {
        let text = String::from_utf8_lossy(&self.semaphores);
        let rows = text.lines().filter_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map_while(|word| word.parse().ok());
            let mut next = || numbers.next();
            let (semid, number, value) = (next()?, next()?, next()?);
            let (pid, waiting, waiting_for_zero) = (next()?, next()?, next()?);
            Some(Semaphore {
                semid,
                number,
                value,
                pid: Some(pid).filter(|pid| *pid != 0),
                waiting,
                waiting_for_zero,
            })
        });
        rows.collect()
    }

    /// The rows of the segments; those that are not understood are left out.
    pub(crate) fn segments(&self) -> Vec<ListedSegment> {
        let rows = ipcs::parse(self.shm.as_slice(), "/proc/sysvipc/shm");
        rows.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
    }
}
