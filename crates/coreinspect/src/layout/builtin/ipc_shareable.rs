//! Perl's IPC::Shareable: a variable that is tied to a segment.
//!
//! stevieb9/ipc-shareable, lib/IPC/Shareable.pm 1.13: `_freeze` writes the 14 bytes `IPC::Shareable`, then what Storable
//! froze. Its JSON serializer writes no tag in 1.13, so only the user can say so; later versions put the tag in front of
//! JSON too. A nested array or hash is a segment of its own: it is shown by its key. The module attaches a segment only
//! while it reads or writes it: cores of Perl seldom hold one, cores of other readers do.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{at, text};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::position::{Interval, SegmentOffset};
use crate::types::encoding::{Encoding, json, storable};
use crate::types::expression::Expression;
use crate::types::value::{Kind, Member, Text, Value};
use crate::types::{Budget, Count, Encoded, Field, Stop, Struct, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct IpcShareable;

const TAG: &[u8] = b"IPC::Shareable";
const TAG_SIZE: u64 = TAG.len() as u64;
/// Bytes of a value that are read.
const LONGEST: u64 = 16 << 20;

impl Layout for IpcShareable {
    fn name(&self) -> Cow<'_, str> {
        "ipc-shareable".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a variable of Perl that IPC::Shareable ties to a segment, by Storable or JSON".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("IPC::Shareable 1.13: lib/IPC/Shareable.pm; perl5: dist/Storable/Storable.xs")
    }

    fn begins(&self) -> Begins {
        Begins::With(TAG)
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        if !subject.has(0, TAG) {
            return Verdict::No;
        }
        let tag = "\"IPC::Shareable\" at 0".to_owned();
        let value = subject.some_bytes(TAG_SIZE, 64);
        if storable::is_frozen(&value) {
            return Verdict::Certain(vec![tag, "what Storable froze behind it".to_owned()]);
        }
        match value.first() {
            Some(b'{' | b'[' | b'"') => Verdict::Certain(vec![tag, "JSON behind it".to_owned()]),
            // A text may begin so.
            _ => Verdict::Possible(vec![tag, "but nothing that it froze behind it".to_owned()]),
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let tagged = subject.has(0, TAG);
        let start = if tagged { TAG_SIZE } else { 0 };
        // What is saved is read, up to the first byte that is missing.
        let contents = subject.contents();
        let run = contents.run(SegmentOffset::new(start));
        let end = if run.missing.is_none() { run.until.get() } else { contents.end().get() };
        let length = Count::Exactly(Expression::from(end.saturating_sub(start).min(LONGEST)));
        let tag = tagged.then(|| Field::new("tag", text(TAG_SIZE)));
        let value = at(subject, start, "value", Type::Encoded(Encoded { encoding: &Variable, length }))?;
        Ok(Arc::new(Struct { fields: tag.into_iter().chain([value]).collect(), ..Struct::default() }.into()))
    }
}

/// A variable in either encoding.
#[derive(Debug)]
struct Variable;

impl Encoding for Variable {
    fn name(&self) -> &'static str {
        "ipc-shareable"
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
        match storable::is_frozen(bytes) {
            true => storable::thaw(bytes, at, budget).map(with_keys_of_children),
            false => json::parse(bytes, at, budget),
        }
    }
}

/// The same with `{tied, key}` for each object of IPC::Shareable that it is tied to, whose attributes are many.
fn with_keys_of_children(mut value: Value) -> Value {
    shorten(&mut value);
    value
}

fn shorten(value: &mut Value) {
    match &mut value.kind {
        Kind::Array(elements, _) => elements.iter_mut().for_each(shorten),
        Kind::Struct(members) => match (key(members), members.as_mut_slice()) {
            // The value that becomes the key was paid for with all of the object.
            (Some((place, key)), [_, object]) => {
                object.name = "key".into();
                (object.value.offsets, object.value.kind) = (place, key);
            }
            _ => members.iter_mut().for_each(|member| shorten(&mut member.value)),
        },
        _ => {}
    }
}

/// The key, and where it stands, if `members` are those of a variable that is tied to a segment.
fn key(members: &[Member]) -> Option<(Interval<SegmentOffset>, Kind)> {
    let [tied, object] = members else { return None };
    if (&*tied.name, &*object.name) != ("tied", "object") {
        return None;
    }
    let object = fields(&object.value)?;
    if !matches!(&member(object, "class")?.kind, Kind::Text(class) if class.bytes == TAG) {
        return None;
    }
    let key = member(fields(member(object, "value")?)?, "_key")?;
    let Kind::Number(number, _) = key.kind else { return None };
    // As shmget(2) takes it: the low 32 bits.
    let bytes = format!("{:#010x}", number & 0xffff_ffff).into_bytes();
    let length = bytes.len() as u64;
    Some((key.offsets, Kind::Text(Text { bytes, length, terminated: true, measured: false })))
}

fn fields(value: &Value) -> Option<&[Member]> {
    match &value.kind {
        Kind::Struct(members) => Some(members),
        _ => None,
    }
}

fn member<'m>(members: &'m [Member], name: &str) -> Option<&'m Value> {
    members.iter().find(|member| &*member.name == name).map(|member| &member.value)
}
