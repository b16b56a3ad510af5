//! Directives (ISO C11 6.10): what of a header counts, and what its macros make of it.

use std::collections::HashMap;
use std::rc::Rc;

use super::abi::Abi;
use super::condition;
use super::macros::Macros;
use super::problem::{Marker, Place, Problem, Sources};
use super::token::{Kind, Texts, Token, tokens};

/// Files within files.
const DEPTH: u32 = 32;
/// Conditions within conditions.
const CONDITIONS: usize = 200;
/// Bytes of all files, each as often as it is included.
const READ: usize = 8 << 20;
/// What a file counts at least: thousands of empty ones take time too.
const LEAST: usize = 1024;
/// Tokens of all.
const TOKENS: usize = 1_000_000;
/// Notes that are kept.
const NOTES: usize = 100;

/// Headers of the system of which the prelude has what structs are made of.
const KNOWN: &[&str] = &[
    "assert.h",
    "errno.h",
    "inttypes.h",
    "limits.h",
    "linux/types.h",
    "pthread.h",
    "semaphore.h",
    "signal.h",
    "stdalign.h",
    "stdarg.h",
    "stdatomic.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "sys/cdefs.h",
    "sys/ipc.h",
    "sys/param.h",
    "sys/sem.h",
    "sys/shm.h",
    "sys/time.h",
    "sys/types.h",
    "sys/uio.h",
    "time.h",
    "uchar.h",
    "unistd.h",
    "wchar.h",
    "netinet/in.h",
    "sys/socket.h",
    "sys/un.h",
    "arpa/inet.h",
    "strings.h",
    "fcntl.h",
    "sys/mman.h",
    "sys/stat.h",
    "endian.h",
];

/// One `#if` that is open.
struct Condition {
    /// The directive.
    place: Place,
    /// Whether the lines in it count.
    active: bool,
    /// Whether one of its branches counted, or none may.
    decided: bool,
    /// What is told if lines are left out for it.
    because: Option<String>,
}

/// A header while it is preprocessed.
pub(super) struct Preprocessor<'s> {
    pub(super) sources: &'s mut Sources,
    pub(super) abi: Abi,
    pub(super) texts: Texts,
    pub(super) macros: Macros,
    /// What the header's own folder holds, by the name in `#include "name"`.
    included: &'s HashMap<String, String>,
    pub(super) output: Vec<Token>,
    /// What was left out, in words.
    pub(super) notes: Vec<String>,
    /// Headers of the system that were not read.
    pub(super) unread: Vec<Rc<str>>,
    once: Vec<String>,
    depth: u32,
    pack: Vec<u64>,
    /// Bytes that may be read still.
    left: usize,
}

impl<'s> Preprocessor<'s> {
    pub(super) fn new(abi: Abi, sources: &'s mut Sources, included: &'s HashMap<String, String>) -> Self {
        Self {
            sources,
            abi,
            texts: Texts::default(),
            macros: Macros::default(),
            included,
            output: Vec::new(),
            notes: Vec::new(),
            unread: Vec::new(),
            once: Vec::new(),
            depth: 0,
            pack: vec![0],
            left: READ,
        }
    }

    /// Appends what counts of a file to the output.
    pub(super) fn file(&mut self, path: &str, text: &str) -> Result<(), Problem> {
        let file = self.sources.add(path, text);
        let tokens = tokens(self.sources, file, &mut self.texts, TOKENS)?;
        let mut conditions: Vec<Condition> = Vec::new();
        let mut left = tokens.as_slice();
        while let Some(first) = left.first() {
            let directive = first.starts_line && first.is("#");
            let behind = left.get(1..).unwrap_or_default();
            let ends = |token: &Token| token.starts_line && (directive || token.is("#"));
            let length = behind.iter().position(ends).map_or(left.len(), |at| at.saturating_add(1));
            let (line, after) = left.split_at_checked(length).unwrap_or((left, &[]));
            left = after;
            if directive {
                self.directive(line, &mut conditions)?;
            } else if conditions.iter().all(|condition| condition.active) {
                let expanded = self.macros.expand(line, &mut self.texts, self.sources)?;
                self.output.extend(expanded);
                if self.output.len() > TOKENS {
                    return Err(self
                        .sources
                        .problem(first.place, "the header has more than a million tokens"));
                }
            }
        }
        match conditions.pop() {
            Some(open) => Err(self.sources.problem(open.place, "this condition has no #endif")),
            None => Ok(()),
        }
    }

    fn directive(&mut self, line: &[Token], conditions: &mut Vec<Condition>) -> Result<(), Problem> {
        let [hash, name, rest @ ..] = line else { return Ok(()) };
        let active = conditions.iter().all(|condition| condition.active);
        match &*name.text {
            "if" | "ifdef" | "ifndef" => {
                let (holds, because) = match active {
                    true => self.condition(name, rest)?,
                    false => (false, None),
                };
                let because = because.filter(|_| !holds);
                let place = hash.place;
                if conditions.len() >= CONDITIONS {
                    let message = format!("conditions are nested more than {CONDITIONS} deep");
                    return Err(self.sources.problem(place, message));
                }
                conditions.push(Condition { place, active: holds, decided: holds || !active, because });
            }
            "elif" | "elifdef" | "elifndef" | "else" => {
                let outer = conditions.len().saturating_sub(1);
                let reached = conditions.iter().take(outer).all(|condition| condition.active);
                let Some(last) = conditions.last_mut() else {
                    return Err(self.sources.problem(name.place, format!("#{} without #if", name.text)));
                };
                if last.active {
                    last.active = false;
                    last.because = None;
                } else if reached && !last.decided {
                    let (holds, because) = match &*name.text {
                        "else" => (true, None),
                        _ => self.condition(name, rest)?,
                    };
                    if let Some(last) = conditions.last_mut() {
                        last.active = holds;
                        last.decided = holds;
                        last.because = last.because.take().or(because.filter(|_| !holds));
                    }
                }
            }
            "endif" => match conditions.pop() {
                Some(ended) => {
                    if let (Some(because), true) = (ended.because, self.notes.len() < NOTES) {
                        let (from, to) = (self.sources.line(ended.place), self.sources.line(hash.place));
                        let path = self.sources.path(hash.place.file as usize);
                        self.notes.push(format!("{path}:{from}-{to} was left out in part: {because}"));
                    }
                }
                None => return Err(self.sources.problem(name.place, "#endif without #if")),
            },
            _ if !active => {}
            "define" => self.macros.define(rest, self.sources, hash)?,
            "undef" => rest.first().into_iter().for_each(|name| self.macros.undefine(&name.text)),
            "include" | "include_next" | "import" => self.include(name, rest)?,
            "pragma" => self.pragma(name, rest),
            "error" => {
                let problem = self.sources.problem(name.place, "the header refuses: #error");
                return Err(problem.help(
                    "a condition above it asks for a macro of your build: gcc -E -DNAME HEADER > flat.h",
                ));
            }
            "line" => self.marker(line, rest),
            _ if name.kind == Kind::Number => self.marker(line, line.get(1..).unwrap_or_default()),
            "warning" | "ident" | "sccs" => {}
            other => {
                let message = format!("unknown directive #{other}");
                return Err(self.sources.problem(name.place, message));
            }
        }
        Ok(())
    }

    /// `# 12 "queue.h" 3 4`
    fn marker(&mut self, line: &[Token], rest: &[Token]) {
        let ([number, path, flags @ ..], Some(last)) = (rest, line.last()) else { return };
        let Ok(number) = number.text.parse() else { return };
        let path = self.texts.get(path.text.trim_matches('"'));
        let text = self.sources.text(last.place.file as usize);
        let end = text.get(last.place.end as usize..).and_then(|rest| rest.find('\n')).unwrap_or(0);
        let offset = last.place.end.saturating_add(u32::try_from(end).unwrap_or(0)).saturating_add(1);
        let system = flags.iter().any(|flag| &*flag.text == "3");
        self.sources.mark(last.place.file as usize, Marker { offset, line: number, path, system });
    }

    /// Whether a condition holds, and what to tell if it does not.
    fn condition(&mut self, name: &Token, rest: &[Token]) -> Result<(bool, Option<String>), Problem> {
        let Some(first) = rest.first() else {
            return Err(self.sources.problem(name.place, format!("#{} without a condition", name.text)));
        };
        let defined = self.macros.is_defined(&first.text);
        match &*name.text {
            "ifdef" | "elifdef" => Ok((defined, condition::worth_telling(&first.text))),
            "ifndef" | "elifndef" => Ok((!defined, None)),
            _ => condition::holds(rest, self),
        }
    }

    fn include(&mut self, directive: &Token, rest: &[Token]) -> Result<(), Problem> {
        let expanded = self.macros.expand(rest, &mut self.texts, self.sources)?;
        let [first, ..] = expanded.as_slice() else {
            return Err(self.sources.problem(directive.place, "#include without a name"));
        };
        if first.kind != Kind::String {
            let name: String = expanded.iter().map(|token| &*token.text).collect();
            let name = name.trim_start_matches('<').trim_end_matches('>');
            if !KNOWN.contains(&name) && self.notes.len() < NOTES {
                self.unread.push(name.into());
                let (path, line) =
                    (self.sources.path(first.place.file as usize), self.sources.line(first.place));
                self.notes.push(format!("{path}:{line}: <{name}> was not read"));
            }
            return Ok(());
        }
        let name = first.text.trim_matches('"').to_owned();
        if self.once.contains(&name) {
            return Ok(());
        }
        let Some(text) = self.included.get(&name) else {
            let problem =
                self.sources.problem(first.place, format!("{} was not found beside the header", first.text));
            let header = self.sources.path(first.place.file as usize);
            return Err(
                problem.help(format!("have a compiler put all into one file: gcc -E {header} > flat.h"))
            );
        };
        if self.depth >= DEPTH {
            return Err(self.sources.problem(first.place, "files include each other more than 32 deep"));
        }
        let Some(left) = self.left.checked_sub(text.len().max(LEAST)) else {
            let message = "the files that it includes, each as often as it is included, have more than 8 MiB";
            return Err(self.sources.problem(first.place, message));
        };
        self.left = left;
        let text = text.clone();
        self.depth = self.depth.saturating_add(1);
        let folder = std::path::Path::new(self.sources.path(first.place.file as usize)).with_file_name("");
        self.file(&folder.join(&name).to_string_lossy(), &text)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// `#pragma once`, `#pragma pack` (the manual of GCC, 6.62.11 "Structure-Layout Pragmas").
    fn pragma(&mut self, directive: &Token, rest: &[Token]) {
        let words: Vec<&str> = rest.iter().map(|token| &*token.text).collect();
        if words == ["once"] {
            let path = self.sources.path(directive.place.file as usize);
            self.once.extend(
                std::path::Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()),
            );
        }
        let ["pack", "(", arguments @ .., ")"] = words.as_slice() else { return };
        let current = self.pack.last().copied().unwrap_or(0);
        let bytes = arguments.last().and_then(|last| last.parse::<u64>().ok());
        match arguments.first() {
            Some(&"push") if self.pack.len() < 1000 => self.pack.push(bytes.unwrap_or(current)),
            Some(&"push") => {}
            Some(&"pop") => {
                self.pack.pop();
                if self.pack.is_empty() {
                    self.pack.push(0);
                }
            }
            _ => {
                self.pack.pop();
                self.pack.push(bytes.unwrap_or(0));
            }
        }
        let text = self.texts.get(&self.pack.last().copied().unwrap_or(0).to_string());
        let place = directive.place;
        self.output.push(Token { kind: Kind::Pack, text, place, ..directive.clone() });
    }
}
