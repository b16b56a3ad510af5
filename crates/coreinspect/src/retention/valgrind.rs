//! What valgrind keeps (coregrind/m_coredump/coredump-elf.c `may_dump`).

use super::{Code, Found, Rules};

pub(super) const RULES: Rules = Rules {
    causes: |_| vec![Found::likely(Code::LeftOut, "valgrind leaves out what the program may not read")],
    fix: |_, _, _| "gcore of valgrind's own process, which has names and bytes".to_owned(),
    forward: None,
};
