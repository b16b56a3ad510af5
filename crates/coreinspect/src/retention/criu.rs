//! What CRIU's coredump keeps (criu_coredump/coredump.py `_gen_mem_chunk`): pages of shared memory are in images that it does
//! not read.

use super::{Code, Found, Rules};

pub(super) const RULES: Rules = Rules {
    causes: |_| vec![Found::likely(Code::LeftOut, "CRIU's coredump has zeroes for the bytes of segments")],
    fix: |_, _, _| "gcore PID, which has names and bytes".to_owned(),
    forward: None,
};
