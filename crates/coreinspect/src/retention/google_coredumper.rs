//! What google-coredumper keeps (src/elfcore.cc `CreateElfCore`): writable or anonymous memory that is not MADV_DONTDUMP.

use super::{Code, Found, Rules};

pub(super) const RULES: Rules = Rules {
    causes: |_| {
        vec![Found::likely(
            Code::ReadOnlyAttach,
            "google-coredumper keeps writable memory, and skips pages of zeroes at a mapping's start",
        )]
    },
    fix: |_, _, _| "gcore PID, which has names and bytes".to_owned(),
    forward: None,
};
