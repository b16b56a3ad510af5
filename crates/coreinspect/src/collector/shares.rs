//! Whose crashes take the room of the store, and which of them goes: one user's crash loop costs that user's own crashes.

use super::store::Limits;

/// The files of one crash.
#[derive(Debug)]
pub(super) struct Crash {
    /// What the names of its files begin with.
    pub(super) base: String,
    pub(super) names: Vec<String>,
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// When it was stored, in seconds since 1970.
    pub(super) time: i64,
    /// The user whose process it was.
    pub(super) user: u32,
}

impl Crash {
    pub(super) fn add(&mut self, name: String, bytes: u64, time: i64) {
        self.names.push(name);
        self.bytes = self.bytes.saturating_add(bytes);
        self.time = self.time.max(time);
    }
}

/// The place in `crashes` of the one that goes next, never `newest`; `None` if the limits hold, but for `full`, which says that
/// the file system has no room.
///
/// It is the oldest of the user who takes most. So nobody loses a crash to somebody who takes more: where only the newest crash
/// is left of that user, nothing goes, and the room is found when the next one comes.
pub(super) fn next_to_go(crashes: &[Crash], limits: &Limits, full: bool, newest: &str) -> Option<usize> {
    let bytes = |of: &Crash| of.bytes;
    let one = |_: &Crash| 1;
    let total = crashes.iter().map(bytes).fold(0, u64::saturating_add);
    let most = if full || total > limits.total {
        heaviest(crashes, bytes)?
    } else if crashes.len() > limits.number {
        heaviest(crashes, one)?
    } else {
        return None;
    };
    let of_user = crashes.iter().enumerate().filter(|(_, crash)| crash.user == most && crash.base != newest);
    of_user.min_by_key(|(_, crash)| crash.time).map(|(place, _)| place)
}

/// The user whose crashes weigh most; of several the one with the oldest crash.
fn heaviest(crashes: &[Crash], weight: impl Fn(&Crash) -> u64) -> Option<u32> {
    let weight_of = |user: u32| {
        let theirs = crashes.iter().filter(|crash| crash.user == user);
        theirs.map(&weight).fold(0, u64::saturating_add)
    };
    crashes
        .iter()
        .max_by_key(|crash| (weight_of(crash.user), std::cmp::Reverse(crash.time)))
        .map(|crash| crash.user)
}
