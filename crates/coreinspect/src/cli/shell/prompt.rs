//! The prompt of a terminal: line editing, and a history that is kept where the user keeps such things.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::super::Failure;
use super::Typed;
use super::completion::Completion;
use crate::report::Dump;

/// Reads lines from a terminal.
pub(super) struct Prompt {
    editor: Editor<Completion, FileHistory>,
    history: Option<PathBuf>,
}

impl Prompt {
    /// A prompt that completes the segments of `report`.
    pub(super) fn open(report: &Dump) -> Result<Self, Failure> {
        // As in bash, a line that begins with a blank is not kept.
        let config = Config::builder().auto_add_history(true).history_ignore_space(true);
        let config = config.completion_type(CompletionType::List).build();
        let mut editor = Editor::with_config(config).map_err(failure)?;
        editor.set_helper(Some(Completion::of(report)));
        let history = history_file();
        if let Some(history) = &history {
            // Nothing is lost but a convenience: a damaged history is none.
            let _ = editor.load_history(history);
        }
        Ok(Self { editor, history })
    }

    /// From here on completes the segments of `report`.
    pub(super) fn complete_from(&mut self, report: &Dump) {
        self.editor.set_helper(Some(Completion::of(report)));
    }

    /// Reads a line.
    pub(super) fn read(&mut self, prompt: &str) -> Result<Typed, Failure> {
        match self.editor.readline(prompt) {
            Ok(line) => {
                if let Some(history) = &self.history {
                    // After each line: another prompt, or a crash, must not lose it.
                    let _ = self.editor.append_history(history);
                }
                Ok(Typed::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Cancelled),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(failure(error)),
        }
    }
}

fn failure(error: ReadlineError) -> Failure {
    Failure::new(format!("cannot read from the terminal: {error}"))
}

/// `$XDG_STATE_HOME/coreinspect/history`, by default below `~/.local/state` (XDG Base Directory Specification: a relative
/// path does not count). Made with mode 0600: keys and paths of a user's programs stand in it.
fn history_file() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let folder = state.join("coreinspect");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let history = folder.join("history");
    OpenOptions::new().append(true).create(true).mode(0o600).open(&history).ok()?;
    Some(history)
}
