//! The default layout: the flag + content protocol of [`shmcore::Mailbox`].
//!
//! Byte 0 is a control flag: 0 empty, 1 data ready, 2 read. From byte 1 stands a NUL-ended message. There is no magic:
//! what could be a mailbox can be much else, so it is never certain, and it makes way for every layout that is surer.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::is_text;
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::{Characters, Extent, Field, Integer, Meaning, Names, Struct, Text, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct Mailbox;

/// The names of the flag's values.
const FLAGS: [(u8, &str); 3] = [(0, "empty"), (1, "ready"), (2, "read")];

static TYPE: LazyLock<Arc<Type>> = LazyLock::new(|| {
    let names = Names::new(FLAGS.map(|(value, name)| (value.into(), name.into())));
    let flag = Integer::new(1, false).meaning(Meaning::Names(Arc::new(names)));
    let message = Text { extent: Extent::Nul, characters: Characters::Bytes, measured: true };
    let fields = vec![Field::new("flag", flag.into()), Field::new("message", Type::Text(message))];
    Arc::new(Struct { fields, ..Struct::default() }.into())
});

impl Layout for Mailbox {
    fn name(&self) -> Cow<'_, str> {
        "mailbox".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a control flag in byte 0 (0 empty, 1 ready, 2 read) and a NUL-ended message behind it".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("crates/shmcore/src/mailbox.rs")
    }

    fn describe(&self, _: &Subject<'_>) -> Result<Arc<Type>, String> {
        Ok(TYPE.clone())
    }

    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let flag = subject.u8(0);
        let name = flag.and_then(|flag| FLAGS.iter().find(|(value, _)| *value == flag));
        let mut reasons = vec![match (flag, name) {
            (Some(flag), Some((_, name))) => format!("byte 0 is {flag} ({name})"),
            (Some(flag), None) => format!("byte 0 is {flag}, which no flag is"),
            (None, _) => "byte 0 is not in the dump".to_owned(),
        }];
        let (message, verdict) = Message::of(subject).judge();
        reasons.push(message);
        match (flag, verdict) {
            (Some(0), Speaks::NotAtAll) => {
                reasons.push("zero bytes prove no layout".to_owned());
                Verdict::Possible(reasons)
            }
            (None, Speaks::Against) => Verdict::No,
            (Some(_), Speaks::For) if name.is_some() => Verdict::Likely(reasons),
            // The text begins one byte earlier: no flag stands before it.
            (Some(flag), _) if name.is_none() && matches!(flag, b' '..=b'~') => Verdict::No,
            (Some(_), Speaks::For) => Verdict::Possible(reasons),
            (Some(_), Speaks::Perhaps | Speaks::NotAtAll) if name.is_none() => Verdict::No,
            (_, Speaks::Against) => Verdict::No,
            _ => Verdict::Possible(reasons),
        }
    }
}

/// Bytes of a message that are looked at. What is longer, and has been text so far, is taken for text.
const LOOKED_AT: usize = 1 << 20;

/// Bytes of text that are enough, without a NUL behind them, where the dump holds no more.
const ENOUGH: usize = 16;

/// What stands from byte 1 on.
struct Message {
    /// Whether its first byte is there.
    there: bool,
    /// Up to its NUL, as far as it was looked at.
    bytes: Vec<u8>,
    /// What follows the NUL; `None` if none was found.
    rest: Option<Vec<u8>>,
    /// Whether more than was looked at, or than the dump holds, could belong to it.
    goes_on: bool,
}

/// Whether a message speaks for a mailbox.
enum Speaks {
    For,
    Perhaps,
    NotAtAll,
    Against,
}

impl Message {
    fn of(subject: &Subject<'_>) -> Self {
        let mut bytes = Vec::new();
        let mut rest = None;
        while rest.is_none() && bytes.len() < LOOKED_AT {
            let some = subject.some_bytes(1_u64.saturating_add(bytes.len() as u64), LOOKED_AT);
            if some.is_empty() {
                break;
            }
            let end = memchr::memchr(0, &some);
            let (text, behind) = some.split_at_checked(end.unwrap_or(some.len())).unwrap_or_default();
            bytes.extend_from_slice(text);
            rest = end.is_some().then(|| behind.to_vec());
        }
        let goes_on = rest.is_none() && subject.length().saturating_sub(1) > bytes.len() as u64;
        Self { there: !bytes.is_empty() || rest.is_some(), bytes, rest, goes_on }
    }

    fn judge(&self) -> (String, Speaks) {
        let length = self.bytes.len();
        if !self.there {
            return ("the message is not in the dump".to_owned(), Speaks::Perhaps);
        }
        let text = is_text(&self.bytes, self.rest.is_none());
        let Some(rest) = &self.rest else {
            return match text {
                true if self.goes_on && length >= ENOUGH => {
                    (format!("the {length} bytes from byte 1 on are text, and it goes on"), Speaks::For)
                }
                true => (format!("no NUL ends the {length} bytes of text from byte 1 on"), Speaks::Perhaps),
                false => {
                    (format!("the {length} bytes from byte 1 on are no printable text"), Speaks::Against)
                }
            };
        };
        if length == 0 {
            return match rest.iter().all(|byte| *byte == 0) {
                true => ("the message is empty, and zeroes follow".to_owned(), Speaks::NotAtAll),
                false => ("an empty message, but other bytes follow".to_owned(), Speaks::Against),
            };
        }
        if !text {
            let readable = self.bytes.iter().filter(|byte| **byte >= 0x20 && **byte != 0x7f).count();
            // Text in another encoding, or with an escape in it: not ours to throw away.
            let speaks =
                if length >= 2 && readable.saturating_mul(4) >= length.saturating_mul(3) && calm(rest) {
                    Speaks::Perhaps
                } else {
                    Speaks::Against
                };
            return (format!("the {length} bytes from byte 1 on are no printable text"), speaks);
        }
        let says = format!("a NUL ends the {length} bytes of text from byte 1 on");
        match calm(rest) {
            true => (says, Speaks::For),
            false => (format!("{says}, but bytes that are no text follow"), Speaks::Against),
        }
    }
}

/// Whether what stands behind a message is zeroes, or what is left of an older and longer one.
fn calm(rest: &[u8]) -> bool {
    let mut rest = rest;
    loop {
        rest = rest.get(zeroes(rest)..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let printable = run.iter().filter(|byte| **byte >= 0x20).count();
        if !is_text(run, true) && printable.saturating_mul(8) < run.len().saturating_mul(7) {
            return false;
        }
        rest = behind;
    }
}

/// How many of the first bytes are zero: mostly all, so they are asked many at once.
fn zeroes(bytes: &[u8]) -> usize {
    const AT_ONCE: usize = 64;
    let all_zero = |piece: &&[u8]| piece.iter().fold(0, |any, byte| any | byte) == 0;
    let whole = bytes.chunks(AT_ONCE).take_while(all_zero).map(<[u8]>::len).sum();
    let behind = bytes.get(whole..).unwrap_or_default().iter().take_while(|byte| **byte == 0).count();
    whole.saturating_add(behind)
}
