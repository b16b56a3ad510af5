//! Types from a C header: `--layout queue.h:'struct queue'`.
//!
//! A header is preprocessed (macros, conditions, `#include` of files beside it), its declarations are read, and the
//! members of its structs are placed as the ABI of the dumped machine asks: `gcc -E` output works as well as a header
//! as it stands. What headers of the C library declare is known from a prelude (`prelude.h`), so that a header needs no
//! compiler. Functions are skipped. Everything is placed for one [`Machine`], and the [`Type`] holds plain offsets.
//!
//! ```
//! use coreinspect::internals::notation::c_header::Header;
//! use coreinspect::machine::{ByteOrder, Class, Machine};
//!
//! let header = Header::parse("queue.h", "struct queue { char full; long long count; };")?;
//! let machine = |number, class| Machine { number, class, byte_order: ByteOrder::Little };
//! let (x86_64, i386) = (machine(62, Class::Bits64), machine(3, Class::Bits32));
//! assert_eq!(header.type_of("struct queue", x86_64)?.size(x86_64), Some(16));
//! assert_eq!(header.type_of("struct queue", i386)?.size(i386), Some(12));
//!
//! let error = Header::parse("queue.h", "struct queue { strng name; };").unwrap_err();
//! assert_eq!(error.what.message, "unknown type name `strng`");
//! assert_eq!(error.place(), Some((1, 16)));
//! # Ok::<(), coreinspect::internals::notation::c_header::Problem>(())
//! ```

mod abi;
mod attributes;
mod condition;
mod ctype;
mod declarator;
mod expression;
mod literal;
mod macros;
mod meaning;
mod names;
mod parser;
mod placement;
mod preprocess;
mod problem;
mod record;
mod specifiers;
mod token;

use std::collections::HashMap;

use crate::machine::{ByteOrder, Class, Machine};
use crate::notation::problem::meant;
use crate::types::Type;
use abi::Abi;
use ctype::CType;
use meaning::Maker;
use parser::{Definition, Parser};
use preprocess::Preprocessor;
pub use problem::Problem;
use problem::Sources;

/// A machine for what hangs on none: which structs a header defines.
pub(crate) const ANY: Machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };

const PRELUDE: &str = include_str!("prelude.h");
/// The files of the compiler and of its library: what it defines, and the prelude.
const GIVEN: u32 = 2;
/// Bytes of a header and what it includes.
const LARGEST: usize = 4 << 20;
/// Tokens of a type's name.
const NAME: usize = 10_000;
/// Files that are included.
const FILES: usize = 256;

/// A C header.
#[derive(Clone, Debug)]
pub struct Header {
    path: String,
    text: String,
    included: HashMap<String, String>,
    names: Vec<String>,
    only: Option<String>,
    notes: Vec<String>,
}

/// Reads what `#include "name"` names.
pub(crate) type Include<'i> = dyn FnMut(&str) -> Option<String> + 'i;

impl Header {
    /// Reads a header that includes no file beside it. `path` is what messages call it.
    ///
    /// # Errors
    /// What is wrong with it, and where. Offsets hang on the machine; that is known only to [`Header::type_of`].
    pub fn parse(path: &str, text: &str) -> Result<Self, Problem> {
        Self::parse_with(path, text, &mut |_| None)
    }

    /// The same; `include` is asked for every file that `#include "name"` names anywhere, once each.
    ///
    /// # Errors
    /// As [`Header::parse`].
    pub fn parse_with(path: &str, text: &str, include: &mut Include<'_>) -> Result<Self, Problem> {
        let mut header = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            included: HashMap::new(),
            names: Vec::new(),
            only: None,
            notes: Vec::new(),
        };
        let mut bytes = text.len();
        let mut wanted = quoted_includes(text);
        while let (Some(name), true) = (wanted.pop(), bytes <= LARGEST) {
            if header.included.contains_key(&name) || header.included.len() >= FILES {
                continue;
            }
            if let Some(text) = include(&name) {
                bytes = bytes.saturating_add(text.len());
                wanted.extend(quoted_includes(&text));
                header.included.insert(name, text);
            }
        }
        if bytes > LARGEST {
            return Err(Problem::of_file(path, "the header, with what it includes, has more than 4 MiB"));
        }
        // Any machine will do to see what it declares.
        let (names, only, notes) = header.read(ANY, |parser, notes| {
            let names =
                parser.definitions.iter().filter(|known| !known.system).map(|known| known.name.clone());
            Ok((names.collect(), only(&parser), notes))
        })?;
        Ok(Self { names, only, notes, ..header })
    }

    /// The structs and unions that it names, as [`Header::type_of`] takes them, in its order; without those of
    /// system headers in a compiler's `-E` output.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The one struct that no other holds, if there is exactly one.
    pub fn only(&self) -> Option<&str> {
        self.only.as_deref()
    }

    /// What of it did not count, in words: headers that were not read, lines behind a condition.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The type that C calls `name` on `machine`: `struct queue`, a typedef, or whatever C can say, such as
    /// `struct item[4]`; `struct item[]` takes all bytes that are left. `queue` will do for `struct queue`.
    ///
    /// # Errors
    /// What is wrong with the header or with the name.
    pub fn type_of(&self, name: &str, machine: Machine) -> Result<Type, Problem> {
        let mut types = self.types_of(&[name], machine)?;
        types.pop().ok_or_else(|| self.unknown(name, "name a struct".to_owned()))
    }

    /// The types of several names, for which the header is read once.
    ///
    /// # Errors
    /// As [`Header::type_of`].
    pub fn types_of(&self, names: &[&str], machine: Machine) -> Result<Vec<Type>, Problem> {
        self.read(machine, |mut parser, _| {
            let asked: Result<Vec<_>, _> = names.iter().map(|name| self.asked(name, &mut parser)).collect();
            let mut maker = Maker::new(&parser);
            Ok(asked?.iter().map(|kind| maker.of(kind, true)).collect())
        })
    }

    /// The type that a user asks for.
    fn asked(&self, name: &str, parser: &mut Parser<'_>) -> Result<CType, Problem> {
        let name = name.trim();
        let bare = name.split(['[', '*', ' ']).next().unwrap_or_default();
        let full = match (parser.typedefs.get(bare), parser.tags.get(bare)) {
            (None, Some(tag)) => format!("{} {name}", tag.keyword),
            _ => name.to_owned(),
        };
        let mut sources = Sources::default();
        let file = sources.add("layout", &full);
        let tokens = token::tokens(&sources, file, &mut token::Texts::default(), NAME)?;
        let declared = parser.records.len();
        parser.turn_to(tokens);
        let kind = parser.type_name().ok().filter(|_| parser.peek().kind == token::Kind::End);
        let kind = kind.map(|kind| parser.refreshed(kind));
        let whole = |kind: &CType| match kind.kind {
            ctype::Kind::Void | ctype::Kind::Function(_) => false,
            ctype::Kind::Array(_, None) => true,
            _ => parser.size(kind).is_some(),
        };
        match kind {
            Some(kind) if whole(&kind) => Ok(kind),
            Some(kind) if parser.records.len() == declared => {
                let kind = names::of(parser, &kind);
                Err(self.unknown(name, format!("`{kind}` is declared there, but not defined")))
            }
            _ => {
                let close = meant(name, self.names.iter().map(String::as_str));
                let some = || self.names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(self.unknown(
                    name,
                    match (close, self.names.len()) {
                        (Some(close), _) => format!("did you mean `{close}`?"),
                        (None, 0) => "it defines no struct at all".to_owned(),
                        (None, 1..=20) => format!("it defines {}", some()),
                        (None, count) => format!("it defines {count} types: {}, ...", some()),
                    },
                ))
            }
        }
    }

    fn unknown(&self, name: &str, help: String) -> Problem {
        Problem::of_file(&self.path, format!("it defines no `{name}`")).help(help)
    }

    /// Reads all for a machine and asks what came of it.
    fn read<T>(
        &self,
        machine: Machine,
        ask: impl FnOnce(Parser<'_>, Vec<String>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let abi = Abi { machine };
        let mut sources = Sources::default();
        let mut preprocessor = Preprocessor::new(abi, &mut sources, &self.included);
        preprocessor.file("the compiler", &abi.predefined())?;
        preprocessor.file("the prelude", PRELUDE)?;
        let given = std::mem::take(&mut preprocessor.output);
        preprocessor.file(&self.path, &self.text)?;
        let tokens = preprocessor.output;
        let (notes, unread) = (preprocessor.notes, preprocessor.unread);
        let mut parser = Parser::new(given, abi, &sources, unread);
        parser.giving = true;
        parser.header()?;
        parser.giving = false;
        parser.turn_to(tokens);
        parser.header()?;
        ask(parser, notes)
    }
}

/// The one struct of a header that no other holds.
fn only(parser: &Parser<'_>) -> Option<String> {
    let outermost = |known: &&Definition| {
        !known.system
            && parser.records.get(known.record).is_some_and(|record| !record.held && record.body.is_some())
    };
    let mut found = parser.definitions.iter().filter(outermost);
    let first = found.next()?;
    found.all(|other| other.record == first.record).then(|| first.name.clone())
}

/// The names in `#include "name"`, wherever they stand.
fn quoted_includes(text: &str) -> Vec<String> {
    let directive = |line: &str| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?.trim_start();
        rest.strip_prefix('"')?.split_once('"').map(|(name, _)| name.to_owned())
    };
    text.lines().filter_map(directive).collect()
}
