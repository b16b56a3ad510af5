//! What Delve's `dump` keeps (pkg/proc/dump.go): every mapping that can be read, and no name.

use super::{Code, Found, Rules};

pub(super) const RULES: Rules = Rules {
    causes: |_| vec![Found::likely(Code::LeftOut, "Delve leaves out what cannot be read")],
    fix: |_, _, _| "gcore PID, which has names and bytes".to_owned(),
    forward: None,
};
