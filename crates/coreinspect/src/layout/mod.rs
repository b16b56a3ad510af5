//! What a segment's bytes say.
//!
//! A [`Type`] describes bytes, whoever wrote it; [`decode`](crate::types::decode::decode) turns it, bytes in three states, byte order
//! and word size into a [`Value`](crate::types::value::Value). A [`Layout`] is a type that has a name and can say how sure it is that
//! some bytes are its own; [`choose`] asks them all. The built-in ones are one file each in [`builtin`].

mod begins;
pub mod builtin;
mod c_header;
mod described;
mod fields;
pub mod file;
mod file_contents;
mod segment_contents;
mod subject;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::targets::Target;
use crate::types::value::Value;
use crate::types::{Budget, Type};
pub use begins::{Begins, Start};
pub use builtin::BUILTIN;
pub use c_header::HeaderLayout;
pub use described::Described;
pub use file_contents::{FileContents, PAST_END};
pub use segment_contents::SegmentContents;
pub use subject::Subject;

/// A layout that has a name.
pub trait Layout: fmt::Debug + Send + Sync {
    /// The name that `--layout` takes.
    fn name(&self) -> Cow<'_, str>;

    /// What it is, in a line.
    fn about(&self) -> Cow<'_, str>;

    /// Where it comes from.
    fn origin(&self) -> Origin;

    /// What it recognises, in words: "magic \"J9SC\" at 0x0"; none if `about` says all.
    fn recognises(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a segment's start must be for [`Layout::recognise`] to answer anything but [`Verdict::No`].
    fn begins(&self) -> Begins {
        Begins::Anyhow
    }

    /// What the start of a segment without a key must be for [`Verdict::Certain`]; `None`: it never is.
    fn proof(&self) -> Option<Begins> {
        Some(self.begins())
    }

    /// How sure it is that the bytes of `subject` are its own.
    fn recognise(&self, subject: &Subject<'_>) -> Verdict;

    /// The type of the bytes of `subject`.
    ///
    /// # Errors
    /// Why there is none, and what to do: a file that cannot be read, a type that a program does not have.
    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String>;

    /// What a value of it says, in a sentence for people who do not know its fields; `None` where the fields say it themselves. Names
    /// and texts in it are as the dump has them.
    fn summary(&self, value: &Value, subject: &Subject<'_>) -> Option<String> {
        let _ = (value, subject);
        None
    }

    /// What speaks against reading the bytes of `target` by it, whatever they are; `None`: nothing that is known.
    fn doubt(&self, target: &dyn Target) -> Option<String> {
        let _ = target;
        None
    }
}

impl<L: Layout + ?Sized> Layout for &L {
    fn name(&self) -> Cow<'_, str> {
        (**self).name()
    }
    fn about(&self) -> Cow<'_, str> {
        (**self).about()
    }
    fn origin(&self) -> Origin {
        (**self).origin()
    }
    fn recognises(&self) -> Vec<String> {
        (**self).recognises()
    }
    fn begins(&self) -> Begins {
        (**self).begins()
    }
    fn proof(&self) -> Option<Begins> {
        (**self).proof()
    }
    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        (**self).recognise(subject)
    }
    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        (**self).describe(subject)
    }
    fn summary(&self, value: &Value, subject: &Subject<'_>) -> Option<String> {
        (**self).summary(value, subject)
    }
    fn doubt(&self, target: &dyn Target) -> Option<String> {
        (**self).doubt(target)
    }
}

/// Where a layout comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is built in; the file of the program that it was read from.
    BuiltIn(&'static str),
    /// A layout file.
    File(PathBuf),
    /// The command line.
    CommandLine,
    /// The debug information of a program or library.
    DebugInformation(PathBuf),
}

/// How sure a layout is that bytes are its own, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A magic is there and all else holds: nothing else looks like it.
    Certain(Vec<String>),
    /// They look like it; other data can look so too.
    Likely(Vec<String>),
    /// They could be it, and as much else.
    Possible(Vec<String>),
    /// They are something else.
    No,
}

impl Verdict {
    fn rank(&self) -> u8 {
        match self {
            Self::No => 0,
            Self::Possible(_) => 1,
            Self::Likely(_) => 2,
            Self::Certain(_) => 3,
        }
    }

    /// Why, in words.
    pub fn into_reasons(self) -> Vec<String> {
        match self {
            Self::Certain(reasons) | Self::Likely(reasons) | Self::Possible(reasons) => reasons,
            Self::No => Vec::new(),
        }
    }

    /// How far the bytes speak for the layout.
    pub fn confidence(&self) -> Confidence {
        match self {
            Self::Certain(_) => Confidence::Certain,
            Self::Likely(_) => Confidence::Likely,
            Self::Possible(_) | Self::No => Confidence::None,
        }
    }
}

/// How far the bytes themselves speak for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Nothing else looks like it.
    Certain,
    /// They look like it; other data can look so too.
    Likely,
    /// The user said so.
    Forced,
    /// Nothing speaks for it.
    None,
}

impl Confidence {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Forced => "forced",
            Self::None => "none",
        }
    }
}

/// What the layouts said of a segment.
#[derive(Debug)]
pub struct Choice<'l> {
    /// The surest, unless none is sure or finds it likely: what could be a layout's can be much else.
    pub best: Option<(&'l dyn Layout, Verdict)>,
    /// Others that are sure or find it likely, the surest first.
    pub runners_up: Vec<(&'l dyn Layout, Verdict)>,
}

/// Asks every layout that the segment's start admits; of two that are equally sure the first wins.
pub fn choose<'l>(layouts: impl IntoIterator<Item = &'l dyn Layout>, subject: &Subject<'_>) -> Choice<'l> {
    let verdicts = subject.with_start(|start| {
        let admitted = layouts.into_iter().filter(|layout| layout.begins().admits(start));
        let verdicts = admitted.map(|layout| (layout, layout.recognise(subject)));
        verdicts.filter(|(_, verdict)| verdict.rank() > 1).collect()
    });
    let mut verdicts: Vec<_> = verdicts;
    verdicts.sort_by_key(|(_, verdict)| std::cmp::Reverse(verdict.rank()));
    let mut verdicts = verdicts.into_iter();
    let best = verdicts.next();
    Choice { best, runners_up: verdicts.collect() }
}

impl Budget {
    /// For a listing of `target`: as many bytes as its dump has, and what a decoder reads twice.
    pub fn of(target: &dyn Target) -> Self {
        Self::listing(size(target).unwrap_or(u64::MAX))
    }

    /// For a stream of records of `target`.
    pub fn for_records_of(target: &dyn Target) -> Self {
        Self::streaming(size(target).unwrap_or(u64::MAX))
    }

    /// For a close look at what no layout of `target` knows.
    pub fn close_look_at(target: &dyn Target) -> Self {
        Self::close_look(size(target).unwrap_or(u64::MAX))
    }

    /// For whoever asks for all that `target` holds.
    pub fn for_all_of(target: &dyn Target) -> Self {
        size(target).map_or_else(Self::unlimited, Self::generous)
    }
}

fn size(target: &dyn Target) -> Option<u64> {
    target.identity().file_size
}
