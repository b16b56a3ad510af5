//! The JSON of `key`.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Serialize;
use shmcore::Key;

use super::{KeyParts, PathText, SCHEMA, Text};
use crate::known_keys;
use crate::look::Clue;

/// What a key means.
#[derive(Clone, Debug, Serialize)]
pub struct KeyReport {
    /// The contract's name.
    pub schema: &'static str,
    /// "0x" and 8 digits.
    pub key: String,
    /// As `key_t`, signed.
    pub key_t: i32,
    /// What ftok(3) would have put into it; null where it cannot have made it.
    pub key_parts: Option<KeyParts>,
    /// Programs that are known to use it.
    pub known: Vec<KnownKey>,
    /// Paths that make it.
    pub candidates: Vec<Candidate>,
    /// How far a search went; null if there was none.
    pub searched: Option<Searched>,
}

/// A program that is known to use a key.
#[derive(Clone, Debug, Serialize)]
pub struct KnownKey {
    /// The program, and its use of the segment.
    pub name: String,
    /// Whether nothing else is likely to have this key.
    pub certain: bool,
    /// What says so.
    pub evidence: String,
}

/// A path that makes the key.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// The path.
    #[serde(flatten)]
    pub path: PathText,
    /// "ftok", or "inode": PostgreSQL 13 and later take the inode of the data directory.
    pub made_by: &'static str,
    /// The project id with which ftok does; null if it is not ftok that does.
    pub project_id: Option<String>,
    /// Where in a dump the path stood: "argument", "environment", "executable", "mapping", "memory", "above" (a folder
    /// above such a path), "usual" (a path of every system); null if it is not from a dump.
    pub found_in: Option<&'static str>,
    /// The same in words.
    pub evidence: Option<String>,
}

impl Candidate {
    /// A path of which ftok(3) makes `key`.
    pub fn of_ftok(key: Key, path: &Path) -> Self {
        let project_id = Some(format!("{:#x}", key.parts().project_id));
        Self { path: path.into(), made_by: "ftok", project_id, found_in: None, evidence: None }
    }

    /// A folder whose inode is the key.
    pub fn of_inode(path: &Path) -> Self {
        Self { path: path.into(), made_by: "inode", project_id: None, found_in: None, evidence: None }
    }

    /// The same, with where its path stood in a dump.
    pub fn found(self, clue: &Clue) -> Self {
        let (found_in, evidence) = match clue {
            Clue::Argument => ("argument", "an argument of the process".to_owned()),
            Clue::Environment(name) => ("environment", format!("{name} in its environment")),
            Clue::Executable => ("executable", "a folder in which it, or its program, ran".to_owned()),
            Clue::Mapping => ("mapping", "a mapping's name".to_owned()),
            Clue::Memory(address) => ("memory", format!("a string at {address}")),
            Clue::Above(path) => {
                ("above", format!("a folder above {}", Text::new(path.as_os_str().as_bytes()).escaped()))
            }
            Clue::Usual => ("usual", "a path of every system".to_owned()),
        };
        Self { found_in: Some(found_in), evidence: Some(evidence), ..self }
    }
}

/// How far a search went.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Searched {
    /// Paths that were looked at.
    pub paths: u64,
    /// Those on a device whose low byte is the key's.
    pub on_device: u64,
    /// Folders and files that could not be looked at.
    pub unreadable: u64,
    /// How many candidates chance alone would give.
    pub expected_by_chance: f64,
    /// Bytes of a dump's memory that were looked through for paths; null if the search was in a folder.
    pub memory: Option<u64>,
}

impl KeyReport {
    /// What `key` means, and which paths make it.
    pub fn of(key: Key, candidates: Vec<Candidate>, searched: Option<Searched>) -> Self {
        let known = known_keys::known(key).into_iter();
        Self {
            schema: SCHEMA,
            key: key.to_string(),
            key_t: key.raw(),
            key_parts: KeyParts::of(key),
            known: known
                .map(|known| KnownKey { name: known.name, certain: known.certain, evidence: known.evidence })
                .collect(),
            candidates,
            searched,
        }
    }
}
