//! What a key means, how a path makes one, which paths could have made it.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use shmcore::{Key, KeyParts};

use super::output::Format;
use super::{Context, Execute, Failure, Status, dumps};
use crate::debug_files::key_search::{self, Rule, Search};
use crate::render::json;
use crate::render::printable::Printable;
use crate::render::style::Tone;
use crate::report::{Candidate, KeyReport, Searched};

/// Says what a key means, which key a path makes, or which paths could have made a key.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(false).args(["key", "path"]))]
pub(super) struct KeyCommand {
    /// A key in any spelling: 0x7800c028, 7800c028, SYSV7800c028, '/SYSV7800c028 (deleted)', decimal.
    #[arg(value_name = "KEY", allow_negative_numbers = true)]
    key: Option<String>,
    /// The path that ftok is given.
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// The project id that ftok is given: a character (x), or a number (120, 0x78).
    #[arg(long, value_name = "ID", value_parser = project_id, default_value = "x", requires = "path")]
    id: u8,
    /// Look under this folder for paths that make the key; symbolic links are not followed.
    #[arg(long, value_name = "FOLDER", conflicts_with = "path")]
    search: Option<PathBuf>,
}

fn project_id(text: &str) -> Result<u8, String> {
    KeyParts::parse_project_id(text)
        .ok_or_else(|| "write one character (x), or a number up to 255 (120, 0x78)".to_owned())
}

impl Execute for KeyCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let key = match (&self.key, &self.path) {
            (Some(text), _) => parse(text, context)?,
            (None, Some(path)) => {
                Key::ftok(path, self.id).map_err(|error| Failure::new(error.to_string()))?
            }
            (None, None) => return Err(Failure::new("give a key, or --path")),
        };
        let search = match &self.search {
            Some(_) if key.is_private() => return Err(Failure::new("IPC_PRIVATE is made from no path")),
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
        });
        let report = KeyReport::of(key, candidates, searched);
        match context.format {
            Format::Json => {
                json::pretty(&report, &mut context.out)?;
                writeln!(context.out)?;
            }
            Format::Jsonl => json::compact(&report, &mut context.out)?,
            Format::Table => write(&report, key, context)?,
        }
        match (&search, &self.search) {
            (Some(search), Some(root)) if search.candidates.is_empty() => {
                context.tell(format_args!("no path under {} makes {key}", dumps::shown(root)));
                Ok(Status::Nothing)
            }
            _ => Ok(Status::Found),
        }
    }
}

fn candidate(key: Key, found: &key_search::Candidate) -> Candidate {
    match found.by {
        Rule::Ftok => Candidate::of_ftok(key, &found.path),
        Rule::PostgresDataDirectory => Candidate::of_inode(&found.path),
    }
}

fn parse(text: &str, context: &mut Context<'_>) -> Result<Key, Failure> {
    let readings = Key::readings(text).map_err(|error| Failure::new(error.to_string()))?;
    if let (Some(other), false) = (readings.second(), context.quiet) {
        context.tell(format_args!(
            "{text} is read as decimal, {}; write 0x{text} for {other}",
            readings.first()
        ));
    }
    Ok(readings.first())
}

fn write(report: &KeyReport, key: Key, context: &mut Context<'_>) -> std::io::Result<()> {
    let style = context.style;
    let mut line = |name: &str, text: &str| {
        let name = style.paint(Tone::Faint, format!("{name:12}"));
        writeln!(context.out, "{name} {}", Printable(text.as_bytes()))
    };
    line("key", &report.key)?;
    line("key_t", &format!("{} signed, {} unsigned", key.signed_decimal(), key.unsigned_decimal()))?;
    line("mapping", &key.mapping_name().to_string())?;
    if let Some(parts) = &report.key_parts {
        let character = parts.project_char.map_or_else(String::new, |c| format!(" '{c}'"));
        let text = format!(
            "project id {}{character}, low byte of the device {}, low 16 bits of the inode {}",
            parts.project_id, parts.device_low, parts.inode_low
        );
        line("ftok parts", &text)?;
    }
    for known in &report.known {
        let sure = if known.certain { "" } else { "perhaps " };
        line("known", &format!("{sure}{} ({})", known.name, known.evidence))?;
    }
    for candidate in &report.candidates {
        let how = match &candidate.project_id {
            Some(project_id) => format!("by ftok with project id {project_id}"),
            None => "by its inode, as PostgreSQL 13 and later do".to_owned(),
        };
        line("path", &format!("{} {how}", candidate.path.path))?;
    }
    if let Some(searched) = &report.searched {
        let text = format!(
            "{} paths, {} of them on a fitting device: {} make this key, {:.1} would by chance alone (16 bits of \
                 the inode decide); {} could not be looked at",
            searched.paths,
            searched.on_device,
            report.candidates.len(),
            searched.expected_by_chance,
            searched.unreadable
        );
        line("searched", &text)?;
    }
    Ok(())
}
