//! PHP's sysvshm extension: variables by number, each as `serialize()` writes it.
//!
//! php-src ext/sysvshm/php_sysvshm.h `sysvshm_chunk_head`, `sysvshm_chunk`, and sysvshm.c: from `start` to `end` stand
//! variables, each `next` bytes long. What was removed is overwritten by what follows it. A `zend_long` is the
//! target's `long` on Linux, also in PHP 4 and 5.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::parsed;
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct PhpSysvshm;

/// What strcpy(3) puts at the start, with its NUL.
const MAGIC: &[u8] = b"PHP_SM\0";
const TEXT: &str = "
    struct variable {
        long key;
        long length;
        long next;
        encoded(php) value[length];
        check next >= length + 3 * sizeof(long) \"the variable is longer than the room for it\";
        size next;
    };

    char magic[8] = \"PHP_SM\";
    long start;
    long end;
    long free;
    long total;
    check start <= end \"the variables end before they start\";
    check end <= total \"the variables pass the segment's size\";
    check end + free == total \"torn write: used and free room are not all\";
    @start variable variables[until end];
";

/// Variables that are followed.
const VARIABLES: usize = 4096;

/// Whether the variables from `start` on lead to `end`; `None` if they are too many, or missing.
fn chain_ends(subject: &Subject<'_>, start: u64, end: u64) -> Option<bool> {
    let long = subject.machine.class.long() as u64;
    let (length_at, next_at) = (long, long.checked_mul(2)?);
    let head = long.checked_mul(3)?;
    let mut at = start;
    for _ in 0..VARIABLES {
        if at >= end {
            return Some(at == end);
        }
        let length = subject.long(at.checked_add(length_at)?)?;
        let next = subject.long(at.checked_add(next_at)?)?;
        if length.checked_add(head).is_none_or(|least| next < least) {
            return Some(false);
        }
        at = at.checked_add(next)?;
    }
    None
}

static TYPE: LazyLock<Result<Arc<Type>, String>> = LazyLock::new(|| parsed(TEXT));

impl Layout for PhpSysvshm {
    fn name(&self) -> Cow<'_, str> {
        "php-sysvshm".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "variables that PHP scripts share by shm_put_var(), unserialized".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("php/php-src:ext/sysvshm/sysvshm.c")
    }

    fn begins(&self) -> Begins {
        Begins::With(MAGIC)
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        // strcpy() wrote the magic: its NUL is there, what follows it is not the magic's.
        if !subject.has(0, MAGIC) {
            return Verdict::No;
        }
        let mut reasons = vec!["it begins with \"PHP_SM\"".to_owned()];
        let long = subject.machine.class.long() as u64;
        let field = |index: u64| subject.long(long.saturating_mul(index).saturating_add(8));
        let (Some(start), Some(end), Some(free), Some(total)) = (field(0), field(1), field(2), field(3))
        else {
            reasons.push("the rest of its head is not in the dump".to_owned());
            return Verdict::Likely(reasons);
        };
        let head = long.saturating_mul(4).saturating_add(8);
        if start != head || start > end || end > total || total > subject.length() {
            reasons.push(format!("but start {start}, end {end} and total {total} do not fit each other"));
            return Verdict::Possible(reasons);
        }
        if end.checked_add(free) != Some(total) {
            reasons.push(format!("but used and free room, {end} + {free}, are not all {total} bytes"));
            return Verdict::Likely(reasons);
        }
        reasons.push(format!("used and free room, {end} + {free}, are all {total} bytes"));
        match chain_ends(subject, start, end) {
            Some(false) => {
                reasons.push(format!("but the variables do not end at {end}"));
                Verdict::Likely(reasons)
            }
            Some(true) | None => Verdict::Certain(reasons),
        }
    }

    fn describe(&self, _: &Subject<'_>) -> Result<Arc<Type>, String> {
        TYPE.clone()
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let (end, total) = (fields.number("end")?, fields.number("total")?);
        let count = many(fields.count("variables"), "variable");
        Some(format!("PHP: {count}, {end} of {total} bytes used"))
    }
}
