//! `plugin DEBUGGER --install` and `--uninstall`: the file of the plugin, and one line in the debugger's init file.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
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
    /// What loads the plugin, without a line's end.
    line: String,
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
        Ok(Self { debugger, folder, plugin, init, line })
    }

    /// Writes the plugin, and the line that loads it where that is not there yet.
    pub(super) fn install(self, yes: bool, context: &mut Context<'_>) -> Result<Status, Failure> {
        let before = read(&self.init)?;
        let there = before.as_deref().is_some_and(|text| self.place_in(text).is_some());
        writeln!(context.out, "writes {}", dumps::shown(&self.plugin))?;
        match there {
            true => writeln!(context.out, "{} loads it already", dumps::shown(&self.init))?,
            false => writeln!(context.out, "adds to {}:\n    {}", dumps::shown(&self.init), self.line)?,
        }
        agree(yes, context)?;
        let (change, after) = match &before {
            Some(text) if there => (self.record().map_or(Change::Added, |(change, _)| change), text.clone()),
            None => (Change::Created, format!("{}\n", self.line).into_bytes()),
            Some(text) => {
                let ended = text.is_empty() || text.ends_with(b"\n");
                let change = if ended { Change::Added } else { Change::LineEnded };
                let end = if ended { "" } else { "\n" };
                (change, [text, format!("{end}{}\n", self.line).as_bytes()].concat())
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
            writeln!(context.out, "removes from {}:\n    {}", dumps::shown(&self.init), self.line)?;
        }
        if !installed && place.is_none() {
            context.tell(format_args!("no plugin is installed at {}", dumps::shown(&self.plugin)));
            return Ok(Status::Nothing);
        }
        agree(yes, context)?;
        if let (Some(text), Some(place)) = (before, place) {
            let (head, tail) = text.split_at_checked(place).unwrap_or_default();
            let tail = tail.get(self.line.len()..).unwrap_or_default();
            let tail = tail.strip_prefix(b"\n").unwrap_or(tail);
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

    /// Where in an init file the line stands that loads the plugin.
    fn place_in(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0_usize;
        for line in text.split(|byte| *byte == b'\n') {
            if line == self.line.as_bytes() {
                return Some(at);
            }
            at = at.saturating_add(line.len()).saturating_add(1);
        }
        None
    }

    /// What the installed file says of the init file.
    fn record(&self) -> Option<(Change, PathBuf)> {
        let text = fs::read_to_string(&self.plugin).ok()?;
        let (word, path) = text.lines().last()?.strip_prefix(RECORD)?.split_once(' ')?;
        let (change, _) = CHANGES.iter().find(|(_, known)| *known == word)?;
        Some((*change, PathBuf::from(path)))
    }
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
        return Err(Failure::new("nothing was done: there is no terminal to ask at; --yes does not ask"));
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
