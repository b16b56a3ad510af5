//! What a key means, how a path makes one, which paths could have made it.

use std::path::{Path, PathBuf};

use clap::Args;
use shmcore::{Key, KeyParts};

use super::{Context, Execute, Failure, Status, dumps};
use crate::debug_files::key_search::{self, Rule, Search};
use crate::debug_files::known_paths::{Clued, StatedPaths};
use crate::inspection::Inspection;
use crate::look::Extensive;
use crate::render::key::{ShownKey, chance};
use crate::render::printable::Printable;
use crate::report::{Candidate, KeyReport, Options, Searched};
use crate::source::Amount;

/// Says what a key means, which key a path makes, or which paths could have made a key.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(false).args(["key", "path"]))]
pub(super) struct KeyCommand {
    /// A key in any spelling: 0x7800c028, 7800c028, SYSV7800c028, '/SYSV7800c028 (deleted)', decimal; or a debugger's message that
    /// holds one of the names.
    #[arg(value_name = "KEY", allow_negative_numbers = true)]
    key: Vec<String>,
    /// Make the key that ftok(3) makes of this path.
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// The project id for ftok(3): a character (x), or a number (120, 0x78).
    #[arg(long, value_name = "ID", value_parser = project_id, default_value = "x", requires = "path")]
    id: u8,
    /// Search this folder for paths that make the key, without following symbolic links.
    #[arg(long, value_name = "FOLDER", conflicts_with = "path")]
    search: Option<PathBuf>,
    /// Try the paths that the process of this dump knew: arguments, environment, mappings, strings in its memory.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "search"])]
    from: Option<PathBuf>,
    /// Look up these paths under this folder, the root of a container or an image; no link leads out of it.
    #[arg(long, value_name = "FOLDER", requires = "from")]
    root: Option<PathBuf>,
}

fn project_id(text: &str) -> Result<u8, String> {
    KeyParts::parse_project_id(text)
        .ok_or_else(|| "write one character (x), or a number up to 255 (120, 0x78)".to_owned())
}

impl Execute for KeyCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let key = match (self.key.is_empty(), &self.path) {
            (false, _) => parse(&self.key.join(" "), context)?,
            (true, Some(path)) => {
                Key::ftok(path, self.id).map_err(|error| Failure::new(error.to_string()))?
            }
            (true, None) => return Err(Failure::new("give a key, or --path")),
        };
        if self.from.is_some() {
            if key.is_private() {
                return Err(Failure::new("no path makes IPC_PRIVATE"));
            }
            return self.known_to(key, context);
        }
        let search = match &self.search {
            Some(_) if key.is_private() => return Err(Failure::new("no path makes IPC_PRIVATE")),
            Some(root) => {
                // What cannot even be begun is no search that found nothing.
                std::fs::read_dir(root).map_err(|error| {
                    Failure::new(format!("cannot search {}: {error}", dumps::shown(root)))
                })?;
                Some(Search::run(key, root))
            }
            None => None,
        };
        let candidates = match (&search, &self.path) {
            (Some(search), _) => search.candidates.iter().map(|found| candidate(key, found)).collect(),
            (None, Some(path)) => vec![Candidate::of_ftok(key, path)],
            (None, None) => Vec::new(),
        };
        let searched = search.as_ref().map(|search| Searched {
            paths: search.searched,
            on_device: search.on_device,
            unreadable: search.unreadable,
            expected_by_chance: search.expected_by_chance(),
            memory: None,
        });
        context.print(&ShownKey { key, report: &KeyReport::of(key, candidates, searched) })?;
        match (&search, &self.search) {
            (Some(search), Some(root)) if search.candidates.is_empty() => {
                context.tell(format_args!("no path under {} makes {key}", dumps::shown(root)));
                Ok(Status::Nothing)
            }
            _ => Ok(Status::Found),
        }
    }
}

impl KeyCommand {
    /// The paths that the process of a dump knew, and that make `key` here.
    fn known_to(&self, key: Key, context: &mut Context<'_>) -> Result<Status, Failure> {
        let Some(path) = &self.from else { return Ok(Status::Found) };
        let inspection = dumps::inspect(path, Amount::Everything, &Options::without_content(), context)?;
        let known = inspection.known_paths(Extensive::FULLY).ok_or_else(|| {
            let dump = inspection.report();
            Failure::new(format!("{}: {}", dump.path.path, dump.nothing_found().unwrap_or_default()))
        })?;
        let more = known.more;
        let root = self.root.as_deref();
        let stated = StatedPaths::of(known, root).map_err(|error| {
            let root = dumps::shown(root.unwrap_or(Path::new("/")));
            Failure::new(format!("cannot look under {root}: {error}"))
        })?;
        if more && !context.quiet {
            context.tell("warning: coreinspect did not search all memory of the dump, or tried only a part of its paths");
        }
        let candidates: Vec<_> = stated.candidates(key).iter().map(|found| clued(key, found)).collect();
        let searched = searched(&stated, key);
        let none = candidates.is_empty();
        context.print(&ShownKey { key, report: &KeyReport::of(key, candidates, Some(searched)) })?;
        if none {
            context.tell(format_args!(
                "no path that the process of {} knew makes {key} on this machine",
                dumps::shown(path)
            ));
            return Ok(Status::Nothing);
        }
        Ok(Status::Found)
    }
}

fn searched(stated: &StatedPaths, key: Key) -> Searched {
    let on_device = stated.on_device(key);
    Searched {
        paths: stated.tried,
        on_device,
        unreadable: stated.unreadable,
        expected_by_chance: key_search::expected_by_chance(on_device),
        memory: Some(stated.examined),
    }
}

/// What a person is told of the paths that could have made the keys of `segments`: a segment's number and a line.
pub(super) fn makers(inspection: &Inspection) -> Vec<(usize, String)> {
    const TOLD: usize = 3;
    let keys = inspection.segments().filter_map(|segment| Some((segment.number(), segment.memory.key?)));
    let keys: Vec<_> = keys.filter(|(_, key)| !key.is_private()).collect();
    if keys.is_empty() {
        return Vec::new();
    }
    let known = inspection.known_paths(Extensive::BRIEFLY);
    let Some(Ok(stated)) = known.map(|known| StatedPaths::of(known, None)) else { return Vec::new() };
    let lines = keys.into_iter().flat_map(|(number, key)| {
        let chance = chance(key_search::expected_by_chance(stated.on_device(key)));
        let found = stated.candidates(key).into_iter().take(TOLD).map(|found| clued(key, &found));
        let lines = found.map(|candidate| {
            let path = Printable(candidate.path.path.as_bytes()).to_string();
            let how = match candidate.project_id {
                Some(_) => "by ftok".to_owned(),
                None => "by its inode, as PostgreSQL does".to_owned(),
            };
            let evidence = candidate.evidence.unwrap_or_default();
            let line = format!(
                "{path} makes this key {how} ({evidence}; {chance} of the tried paths are expected to by chance)"
            );
            (number, line)
        });
        lines.collect::<Vec<_>>()
    });
    lines.collect()
}

/// A path that the process of a dump knew.
fn clued(key: Key, found: &Clued) -> Candidate {
    let candidate = match found.by {
        Rule::Ftok => Candidate::of_ftok(key, &found.path),
        Rule::PostgresDataDirectory => Candidate::of_inode(&found.path),
    };
    candidate.found(&found.clue)
}

fn candidate(key: Key, found: &key_search::Candidate) -> Candidate {
    match found.by {
        Rule::Ftok => Candidate::of_ftok(key, &found.path),
        Rule::PostgresDataDirectory => Candidate::of_inode(&found.path),
    }
}

fn parse(text: &str, context: &mut Context<'_>) -> Result<Key, Failure> {
    let readings = match (Key::readings(text), Key::in_text(text)) {
        (Ok(readings), _) => readings,
        (Err(_), Some(key)) => {
            if !context.quiet {
                context.tell("the message is harmless: a System V segment has no file that a debugger could open or check");
            }
            return Ok(key);
        }
        (Err(error), None) => return Err(Failure::new(error.to_string())),
    };
    if let (Some(other), false) = (readings.second(), context.quiet) {
        context.tell(format_args!("{text} means decimal, {}; write 0x{text} for {other}", readings.first()));
    }
    Ok(readings.first())
}
