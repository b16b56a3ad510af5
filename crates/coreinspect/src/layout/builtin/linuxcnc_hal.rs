//! LinuxCNC's HAL: components, pins, signals, parameters, functions and threads.
//!
//! LinuxCNC/linuxcnc, tag v2.9.1: src/hal/hal_priv.h (`hal_data_t` and what it leads to; HAL_VER 0x10, the only one whose
//! lists are followed), src/hal/hal.h (types and directions). Lists are linked by offsets from the segment's start, 0 is
//! the end. The value of a pin stands in its signal, or, without one, in the pin.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use shmcore::Key;

use super::written::{Group, at, bytes, each, text, unnamed, with_fields, written};
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::value::Value;
use crate::types::{Field, Stop, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct LinuxCncHal;

/// `HAL_KEY`: "HAL2".
const KEY: u32 = 0x4841_4c32;
/// `HAL_VER` of LinuxCNC 2.9.
const VERSION: u32 = 0x10;
/// `HAL_VER` of 2.6 to the present.
const VERSIONS: std::ops::RangeInclusive<u32> = 0x0c..=0x20;
/// `HAL_NAME_LEN + 1`.
const NAME: u64 = 48;
/// Items of a list that are followed.
const ITEMS: usize = 8192;

const HEAD: &str = "i32 version; size_t mutex; i32 shmem_avail; void *pending_constructor;
    char constructor_prefix[48]; char constructor_arg[48]; i32 shmem_bot; i32 shmem_top;";
const REST: &str = "long base_period; i32 threads_running;";
const TYPE: &str = "i32 type { -1=unspecified 0=uninitialized 1=bit 2=float 3=s32 4=u32 5=port };";
const PIN_DIRECTION: &str = "i32 dir { -1=unspecified 16=IN 32=OUT 48=IO };";
const PARAMETER_DIRECTION: &str = "i32 dir { 64=RO 192=RW };";
const COMPONENT: &str =
    "hex size_t next; i32 comp_id; i32 mem_id; i32 type { -1=unknown 0=User 1=RT 2=Other }; i32 ready;
    i32 pid; void *shmem_base; char name[48];";
const FUNCTION: &str =
    "hex size_t next; i32 uses_fp; hex size_t owner; i32 reentrant; i32 users; void *arg; void *funct;
    void *runtime; i32 maxtime; bool maxtime_increased; char name[48];";
const THREAD: &str =
    "hex size_t next; i32 uses_fp; long period; i32 priority; i32 task_id; void *runtime; i32 maxtime;
    hex size_t funct_next; hex size_t funct_prev; char name[48]; i32 comp_id;";

/// Where fields stand, by the target's words of `l` bytes: natural alignment, but a value is aligned to 8.
struct Places {
    l: u64,
    /// `comp_list_ptr`; those of pins, signals, parameters, functions and threads follow.
    lists: u64,
}

impl Places {
    fn of(subject: &Subject<'_>) -> Places {
        let l = subject.machine.class.long() as u64;
        let prefix = l.saturating_mul(4);
        Places { l, lists: prefix.saturating_add(NAME.saturating_mul(2)).saturating_add(8) }
    }

    /// Whether what every version begins with can be so: a mutex that is 0 or 1 (rtapi_mutex.h), and free memory that the
    /// segment has room for. What is missing speaks against nothing.
    fn begins_in_order(&self, subject: &Subject<'_>) -> bool {
        let mutex = subject.long(self.l).is_none_or(|mutex| mutex <= 1);
        let available = subject.u32(self.words(2)).is_none_or(|free| u64::from(free) <= subject.length());
        mutex && available
    }

    fn words(&self, count: u64) -> u64 {
        self.l.saturating_mul(count)
    }

    /// One of two offsets, by the target's word.
    fn by_word(&self, four: u64, eight: u64) -> u64 {
        if self.l == 4 { four } else { eight }
    }
}

/// The offsets of the items of list `index`, and whether it ended in good order.
struct Items {
    offsets: Vec<u64>,
    /// What could not be followed: an offset that is missing or outside of the segment.
    lost: Option<u64>,
    /// Whether it has an end, and not too far away.
    ends: bool,
}

/// The items of the list `index`; an item that is in `seen` is in another list, or was passed already.
fn list(subject: &Subject<'_>, places: &Places, index: u64, seen: &mut HashSet<u64>) -> Items {
    let head = places.lists.saturating_add(places.words(index));
    let mut items = Items { offsets: Vec::new(), lost: None, ends: true };
    let mut at = head;
    loop {
        let Some(next) = subject.long(at) else {
            items.offsets.pop();
            items.lost = Some(at);
            return items;
        };
        if next == 0 {
            return items;
        }
        if items.offsets.len() >= ITEMS || !seen.insert(next) {
            items.ends = false;
            return items;
        }
        items.offsets.push(next);
        at = next;
    }
}

/// The name of an item, as the name of a field.
fn name(subject: &Subject<'_>, at: u64) -> String {
    let room = subject.bytes(at, 48).unwrap_or_default();
    let end = room.iter().position(|byte| *byte == 0).unwrap_or(room.len());
    String::from_utf8_lossy(room.get(..end).unwrap_or_default()).into_owned()
}

impl Layout for LinuxCncHal {
    fn name(&self) -> Cow<'_, str> {
        "linuxcnc-hal".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "the components, pins, signals and parameters of LinuxCNC's HAL, with their values".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("linuxcnc 2.9: src/hal/hal_priv.h, src/hal/hal.h")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.key == Some(Key::from_bits(KEY)))
    }

    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let version = subject.u32(0).filter(|version| VERSIONS.contains(version));
        let places = Places::of(subject);
        // The key is a constant of LinuxCNC, and nobody else's small number is a version of the HAL.
        let (Some(version), true) = (version, subject.key == Some(Key::from_bits(KEY))) else {
            return Verdict::No;
        };
        if !places.begins_in_order(subject) {
            return Verdict::No;
        }
        let key = "the key is that of LinuxCNC's HAL, 0x48414c32".to_owned();
        if version != VERSION {
            let reasons = vec![key, format!("version {version:#x}, whose lists are not known here")];
            return Verdict::Likely(reasons);
        }
        let ends = || {
            let bottom = subject.u32(places.lists.checked_sub(8)?)?;
            let top = subject.u32(places.lists.checked_sub(4)?)?;
            (bottom <= top && u64::from(top) <= subject.length() && bottom > 0).then_some((bottom, top))
        };
        // No item is in two lists.
        let mut seen = HashSet::new();
        let lists: Vec<_> = (0..6).map(|index| list(subject, &places, index, &mut seen)).collect();
        let in_order = lists.iter().all(|items| items.ends && items.lost.is_none());
        let Some((bottom, top)) = ends().filter(|_| in_order) else {
            let missing = "but its lists cannot be followed to their ends".to_owned();
            return Verdict::Likely(vec![key, missing]);
        };
        let count = |index: usize| lists.get(index).map_or(0, |items| items.offsets.len());
        Verdict::Certain(vec![
            key,
            format!("version {version:#x}; free from {bottom:#x} to {top:#x}, within the segment"),
            format!("{} components, {} pins, {} signals in lists that end", count(0), count(1), count(2)),
        ])
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        if subject.u32(0) != Some(VERSION) {
            return written(subject, "i32 version;").map(Arc::new);
        }
        let hal =
            Hal { subject, places: Places::of(subject), types: RefCell::default(), seen: RefCell::default() };
        let names = ["components", "pins", "signals", "parameters", "functions", "threads"];
        let [components, pins, signals, parameters, functions, threads] =
            names.map(|name| Group::new(subject, name));
        let fields = [
            unnamed(subject, hal.places.lists.saturating_add(hal.places.words(6)), written(subject, REST)?)?,
            hal.items(0, components, Hal::component)?,
            hal.items(1, pins, Hal::pin)?,
            hal.items(2, signals, Hal::signal)?,
            hal.items(3, parameters, Hal::parameter)?,
            hal.items(4, functions, Hal::function)?,
            hal.items(5, threads, Hal::thread)?,
        ];
        with_fields(written(subject, HEAD)?, fields).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let counts = ["components", "pins", "signals", "parameters", "functions", "threads"];
        let counts = counts.iter().map(|name| (fields.count(name), name.trim_end_matches('s')));
        let counts: Vec<_> =
            counts.filter(|(count, _)| *count > 0).map(|(count, name)| many(count, name)).collect();
        let version = fields.number("version")?;
        Some(match counts.is_empty() {
            true => format!("LinuxCNC HAL version {version}"),
            false => format!("LinuxCNC HAL version {version}: {}", counts.join(", ")),
        })
    }
}

struct Hal<'h, 's> {
    subject: &'h Subject<'s>,
    places: Places,
    types: RefCell<HashMap<&'static str, Type>>,
    /// The items of all lists.
    seen: RefCell<HashSet<u64>>,
}

type Described = Result<Field, Stop>;

impl Hal<'_, '_> {
    fn items(
        &self,
        index: u64,
        whole: Result<Group<'_, '_>, Stop>,
        describe: impl Fn(&Self, u64) -> Described,
    ) -> Described {
        let whole = whole?;
        let items = list(self.subject, &self.places, index, &mut self.seen.borrow_mut());
        let mut fields = each(items.offsets, |item| describe(self, item))?;
        // What could not be followed is missing, not nothing.
        if let Some(lost) = items.lost {
            fields.extend(each([lost], |lost| at(self.subject, lost, "next", bytes(1)))?);
        }
        Ok(whole.of(fields))
    }

    /// A struct without a name at `place`.
    fn part(&self, place: u64, text: &'static str) -> Described {
        unnamed(self.subject, place, self.written(text)?)
    }

    /// The type that `text` writes, which is read once: a machine has thousands of pins.
    fn written(&self, text: &'static str) -> Result<Type, String> {
        let known = self.types.borrow().get(text).cloned();
        match known {
            Some(known) => Ok(known),
            None => {
                let kind = written(self.subject, text)?;
                self.types.borrow_mut().insert(text, kind.clone());
                Ok(kind)
            }
        }
    }

    fn component(&self, item: u64) -> Described {
        self.whole(item, COMPONENT, self.places.by_word(28, 40))
    }

    fn function(&self, item: u64) -> Described {
        self.whole(item, FUNCTION, self.places.by_word(37, 61))
    }

    fn thread(&self, item: u64) -> Described {
        self.whole(item, THREAD, self.places.by_word(36, 64))
    }

    /// An item with all its fields, under its name.
    fn whole(&self, item: u64, kind: &'static str, name_at: u64) -> Described {
        at(self.subject, item, &name(self.subject, item.saturating_add(name_at)), self.written(kind)?)
    }

    fn pin(&self, item: u64) -> Described {
        let place = |offset: u64| item.saturating_add(offset);
        let (own, kind) = (self.places.by_word(16, 32), self.places.by_word(28, 48));
        let signal = self.subject.long(place(self.places.words(3))).filter(|signal| *signal != 0);
        let value = match signal {
            Some(signal) => self.subject.long(signal.saturating_add(self.places.l)).unwrap_or(0),
            None => place(own),
        };
        let signal = signal.map(|signal| signal.saturating_add(self.places.words(2)).saturating_add(16));
        let name = name(self.subject, place(kind).saturating_add(8));
        let whole = Group::new(self.subject, &name)?;
        let direction = self.part(place(kind).saturating_add(4), PIN_DIRECTION)?;
        let [type_, value] = self.variable(place(kind), value)?;
        let owner = self.owner(place(self.places.words(2)))?;
        let signal = signal.map(|name_at| at(self.subject, name_at, "signal", text(NAME))).transpose()?;
        Ok(whole.of([type_, direction, value, owner].into_iter().chain(signal).collect()))
    }

    fn signal(&self, item: u64) -> Described {
        let place = |offset: u64| item.saturating_add(offset);
        let kind = place(self.places.words(2));
        let value = self.subject.long(place(self.places.l)).unwrap_or(0);
        let name = name(self.subject, kind.saturating_add(16));
        let whole = Group::new(self.subject, &name)?;
        let [type_, value] = self.variable(kind, value)?;
        let users = self.part(kind.saturating_add(4), "i32 readers; i32 writers; i32 bidirs;")?;
        Ok(whole.of(vec![type_, value, users]))
    }

    fn parameter(&self, item: u64) -> Described {
        let place = |offset: u64| item.saturating_add(offset);
        let kind = place(self.places.words(4));
        let value = self.subject.long(place(self.places.l)).unwrap_or(0);
        let name = name(self.subject, kind.saturating_add(8));
        let whole = Group::new(self.subject, &name)?;
        let direction = self.part(kind.saturating_add(4), PARAMETER_DIRECTION)?;
        let [type_, value] = self.variable(kind, value)?;
        Ok(whole.of(vec![type_, direction, value, self.owner(place(self.places.words(2)))?]))
    }

    /// The type at `kind`, and the value of that type.
    fn variable(&self, kind: u64, value: u64) -> Result<[Field; 2], Stop> {
        let value_type = match self.subject.u32(kind) {
            Some(1) => "bool value",
            Some(2) => "f64 value",
            Some(3) => "i32 value",
            Some(4) => "u32 value",
            _ => "hex u32 value",
        };
        Ok([self.part(kind, TYPE)?, self.part(value, value_type)?])
    }

    /// The name of the component whose offset stands at `place`.
    fn owner(&self, place: u64) -> Described {
        let owner = self.subject.long(place).unwrap_or(0);
        at(self.subject, owner.saturating_add(self.places.by_word(28, 40)), "owner", text(NAME))
    }
}
