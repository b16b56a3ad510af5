//! What `coreinspect dump` and `collect` keep: segments of the kinds that were asked for, System V by default.

use super::{Code, Found, Rules, UNKNOWN};
use crate::kind::Kind;

pub(super) const RULES: Rules = Rules {
    causes: |case| match case.segment.kind {
        // All of them are kept: something went wrong.
        Kind::SystemV => (UNKNOWN.causes)(case),
        kind => vec![Found {
            code: Code::LeftOut,
            certain: false,
            evidence: format!(
                "coreinspect saves what --kind names, System V by default, and was perhaps not asked for {} segments; a private mapping it never saves",
                kind.label()
            ),
        }],
    },
    fix: |case, code, mask| match case.segment.kind {
        Kind::SystemV => (UNKNOWN.fix)(case, code, mask),
        kind => format!("coreinspect dump PID --kind {kind}"),
    },
    forward: None,
};
