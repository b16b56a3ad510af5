//! A table of a dump that outlives the borrow of its source.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// The bytes of a table: copied, or shared with the map or the memory that holds them. To clone a shared table copies nothing.
#[derive(Clone)]
pub struct Table {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl Table {
    /// The bytes at `range` of what `bytes` holds, without a copy; those of them that are there.
    pub(super) fn shared(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>, range: Range<usize>) -> Self {
        Self { bytes, range }
    }
}

impl From<Vec<u8>> for Table {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self { bytes: Arc::new(bytes), range }
    }
}

impl Default for Table {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl Deref for Table {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.bytes).as_ref().get(self.range.clone()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("bytes", &self.len()).finish()
    }
}
