//! `plugin DEBUGGER --install` and `--uninstall`: the file of the plugin, and one line in the debugger's init file.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Debugger, file};
use crate::cli::new_file::NewFile;
use crate::cli::{Context, Failure, Status, dumps};

/// Where things go.
pub(super) struct Installation {
    debugger: Debugger,
    /// The folder of coreinspect's settings.
    folder: PathBuf,
    /// The file of the plugin.
    plugin: PathBuf,
    /// The file that the debugger runs when it starts.
    init: PathBuf,
    /// The line that loads the plugin.
    line: String,
    /// What stands in the init file: that line, and what guards it.
    block: String,
}

/// What became of the init file, so that it can be taken back exactly. It stands in the last line of the installed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It had no such file.
    Created,
    /// Its last line had no end.
    LineEnded,
    /// A line was added.
    Added,
}

const CHANGES: &[(Change, &str)] =
    &[(Change::Created, "created"), (Change::LineEnded, "line-ended"), (Change::Added, "added")];
/// What the last line of the installed file begins with; a [`Change`] and the path of the init file follow.
const RECORD: &str = "# init file ";

impl Installation {
    /// Where the plugin of `debugger` goes: below `$XDG_CONFIG_HOME`, else `~/.config` (XDG Base Directory Specification),
    /// and the init file that the debugger will read.
    ///
    /// # Errors
    /// There is no home folder.
    pub(super) fn of(debugger: Debugger) -> Result<Self, Failure> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME").ok_or_else(|| Failure::new("$HOME names no folder to install into"))?;
        let config = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let folder = config.join("coreinspect");
        let (plugin, inits, command) = match debugger {
            // Of the two, gdb reads the first that exists.
            Debugger::Gdb => {
                (folder.join("gdb.py"), [config.join("gdb/gdbinit"), home.join(".gdbinit")], "source")
            }
            // lldb imports it as a module: beside a gdb.py, `import gdb` would find that.
            Debugger::Lldb => (
                folder.join("lldb/coreinspect_lldb.py"),
                [home.join(".lldbinit-lldb"), home.join(".lldbinit")],
                "command script import",
            ),
        };
        let [first, usual] = inits;
        let init = if first.exists() { first } else { usual };
        let path = plugin.to_str().filter(|path| !path.contains(['\n', '"', '\\']));
        let path = path.ok_or_else(|| {
            Failure::new(format!("{} cannot be written in an init file", dumps::shown(&plugin)))
        })?;
        let line = match debugger {
            Debugger::Lldb if path.contains(' ') => format!("{command} \"{path}\""),
            _ => format!("{command} {path}"),
        };
        let block = match debugger {
            // A gdb without Python stops reading its init file where `source` fails. $_as_string is one of the functions
            // that gdb has in Python: void where there is none.
            Debugger::Gdb => format!("if !$_isvoid($_as_string)\n{line}\nend\n"),
            Debugger::Lldb => format!("{line}\n"),
        };
        Ok(Self { debugger, folder, plugin, init, line, block })
    }

    /// Writes the plugin, and the line that loads it where that is not there yet.
    pub(super) fn install(self, yes: bool, context: &mut Context<'_>) -> Result<Status, Failure> {
        let before = read(&self.init)?;
        let place = before.as_deref().and_then(|text| self.place_in(text));
        let there = place.as_ref().is_some_and(|place| place.len() >= self.block.trim_end().len());
        writeln!(context.out, "writes {}", dumps::shown(&self.plugin))?;
        match there {
            true => writeln!(context.out, "{} loads it already", dumps::shown(&self.init))?,
            false => writeln!(context.out, "adds to {}:\n{}", dumps::shown(&self.init), self.shown_block())?,
        }
        agree(yes, context)?;
        let block = self.block.as_bytes();
        let (change, after) = match (before, place) {
            (None, _) => (Change::Created, block.to_vec()),
            // It stays where it is; an older line without the guard gets it.
            (Some(mut text), Some(place)) => {
                text.splice(place, block.iter().copied());
                (self.record().map_or(Change::Added, |(change, _)| change), text)
            }
            (Some(text), None) => {
                let ended = text.is_empty() || text.ends_with(b"\n");
                let change = if ended { Change::Added } else { Change::LineEnded };
                let end: &[u8] = if ended { b"" } else { b"\n" };
                (change, [&text, end, block].concat())
            }
        };
        let binary = std::env::current_exe().ok();
        let word = CHANGES.iter().find(|(known, _)| *known == change).map_or("added", |(_, word)| word);
        let record = format!("{RECORD}{word} {}\n", self.init.display());
        let text = file::plugin(self.debugger, binary.as_deref()) + &record;
        if let Some(folder) = self.plugin.parent() {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        }
        let mut plugin = NewFile::create(&self.plugin, true, [])?;
        plugin.write(|file| file.write_all(text.as_bytes()))?;
        plugin.finish()?;
        if !there {
            // In place, not by a new file: it may be a link into somebody's collection of settings.
            fs::write(&self.init, after).map_err(|error| cannot("write", &self.init, &error))?;
        }
        Ok(Status::Found)
    }

    /// Takes both back; what was not there before is not there afterwards.
    pub(super) fn uninstall(mut self, yes: bool, context: &mut Context<'_>) -> Result<Status, Failure> {
        let record = self.record();
        let change = record.as_ref().map_or(Change::Added, |(change, _)| *change);
        if let Some((_, init)) = record {
            self.init = init;
        }
        let before = read(&self.init)?;
        let place = before.as_deref().and_then(|text| self.place_in(text));
        let installed = self.plugin.symlink_metadata().is_ok();
        if installed {
            writeln!(context.out, "removes {}", dumps::shown(&self.plugin))?;
        }
        if place.is_some() {
            writeln!(context.out, "removes from {}:\n{}", dumps::shown(&self.init), self.shown_block())?;
        }
        if !installed && place.is_none() {
            context.tell(format_args!("no plugin is installed at {}", dumps::shown(&self.plugin)));
            return Ok(Status::Nothing);
        }
        agree(yes, context)?;
        if let (Some(text), Some(place)) = (before, place) {
            let head = text.get(..place.start).unwrap_or_default();
            let tail = text.get(place.end..).unwrap_or_default();
            let ended_by_us = change == Change::LineEnded && tail.is_empty();
            let head = if ended_by_us { head.strip_suffix(b"\n").unwrap_or(head) } else { head };
            let after = [head, tail].concat();
            let done = if change == Change::Created && after.is_empty() {
                fs::remove_file(&self.init)
            } else {
                fs::write(&self.init, after)
            };
            done.map_err(|error| cannot("write", &self.init, &error))?;
        }
        if installed {
            fs::remove_file(&self.plugin).map_err(|error| cannot("remove", &self.plugin, &error))?;
            // Folders that hold something else stay.
            for folder in self.plugin.ancestors().skip(1).take_while(|path| path.starts_with(&self.folder)) {
                let _ = fs::remove_dir(folder);
            }
        }
        Ok(Status::Found)
    }

    /// The block as it is shown to the user.
    fn shown_block(&self) -> String {
        self.block.lines().map(|line| format!("    {line}\n")).collect::<String>().trim_end().to_owned()
    }

    /// Where in an init file the block stands, or the line alone as 0.1.0 wrote it: with the end of the last line, if it has
    /// one.
    fn place_in(&self, text: &[u8]) -> Option<Range<usize>> {
        let bare = format!("{}\n", self.line);
        let spellings = [&self.block, self.block.trim_end(), &bare, &self.line];
        spellings.iter().find_map(|wanted| lines_in(text, wanted.as_bytes()))
    }

    /// What the installed file says of the init file.
    fn record(&self) -> Option<(Change, PathBuf)> {
        let text = fs::read_to_string(&self.plugin).ok()?;
        let (word, path) = text.lines().last()?.strip_prefix(RECORD)?.split_once(' ')?;
        let (change, _) = CHANGES.iter().find(|(_, known)| *known == word)?;
        Some((*change, PathBuf::from(path)))
    }
}

/// Where `wanted` stands in `text`, from the start of a line to the end of one.
fn lines_in(text: &[u8], wanted: &[u8]) -> Option<Range<usize>> {
    let starts_line = |at: usize| at == 0 || text.get(at.saturating_sub(1)) == Some(&b'\n');
    let mut found = memchr::memmem::find_iter(text, wanted).map(|at| at..at.saturating_add(wanted.len()));
    found.find(|place| {
        let ends_line = wanted.ends_with(b"\n") || matches!(text.get(place.end), None | Some(b'\n'));
        starts_line(place.start) && ends_line
    })
}

/// An init file; `None` if there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// Asks the user at the terminal, unless `yes` says so already.
fn agree(yes: bool, context: &mut Context<'_>) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            "nothing was done: there is no terminal on which to ask; --yes skips the question",
        ));
    }
    write!(context.out, "Go on? [y/N] ")?;
    context.out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was done")),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot {what} {}: {error}", dumps::shown(path)))
}
