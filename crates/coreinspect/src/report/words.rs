//! The closed words of the contract. What decides is an enum, in the analysis or here; its word is written in one place.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::address_space::What;
use crate::kind::Kind;
use crate::layout::Confidence;
use crate::locks;
use crate::page_map::PageState;
use crate::retention::Code;
use crate::targets::FoundBy;
use crate::writer::Writer;

/// Writes enums of the analysis as their words, which their method of this name says.
macro_rules! words {
    ($word:ident: $($kind:ty),+ $(,)?) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$word())
            }
        }
    )+};
}

words!(name: Code, Confidence, FoundBy, LossCode, State);
words!(name: locks::FoundBy, locks::Kind, locks::Library, locks::State);
words!(word: Kind, PageState, What, Writer);

/// By what a dump would lose bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCode {
    /// By a rule, as a cause of a dump names it.
    Rule(Code),
    /// There would be no dump.
    NoCore,
}

impl LossCode {
    /// The word of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule(code) => code.name(),
            Self::NoCore => "no-core",
        }
    }
}

/// How much of what is mapped a dump holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of it.
    Whole,
    /// Some of it.
    Partial,
    /// Nothing of it.
    Absent,
    /// The file ends before bytes of it.
    CutOff,
}

impl State {
    /// The word of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Absent => "absent",
            Self::CutOff => "cut-off",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
