//! What qemu-user keeps of its guest (linux-user/elfload.c `vma_dump_size`).

use super::{Code, Found, Rules};

pub(super) const RULES: Rules = Rules {
    causes: |_| vec![Found::likely(Code::LeftOut, "qemu-user leaves out what the guest may not read")],
    fix: |_, _, _| "gcore of qemu-user's own process, which has names and bytes".to_owned(),
    forward: None,
};
