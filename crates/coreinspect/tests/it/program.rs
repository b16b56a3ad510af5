//! The built program, run where no user's environment changes what it prints.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What of an environment the program looks at.
const ENVIRONMENT: &[&str] = &[
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LESS",
    "NO_COLOR",
    "PAGER",
    "TERM",
];

/// A path at which there is nothing, in a folder that is cargo's own for these tests: any other could be there.
pub(crate) fn absent() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("absent");
    assert!(path.symlink_metadata().is_err(), "{} is there", path.display());
    path
}

pub(crate) fn coreinspect() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coreinspect"));
    ENVIRONMENT.iter().for_each(|name| {
        command.env_remove(name);
    });
    // Layout files of whoever runs the tests are not asked.
    command.env("XDG_CONFIG_HOME", absent()).stdin(Stdio::null());
    command
}

/// What a run left: its status, and its two streams.
#[derive(PartialEq, Eq)]
pub(crate) struct Run {
    /// The exit status; a run that a signal ended fails the test.
    pub(crate) status: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Run {
        let output = command.output().unwrap();
        Run::from_output(&format!("{command:?}"), output)
    }

    /// The run of `command` with `input` on its standard input.
    pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Run {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // It may have seen enough before it has read all.
            scope.spawn(move || pipe.write_all(input));
            child.wait_with_output().unwrap()
        });
        Run::from_output(&format!("{command:?}"), output)
    }

    pub(crate) fn from_output(what: &str, output: Output) -> Run {
        let err = String::from_utf8(output.stderr).unwrap();
        let status = output.status.code().unwrap_or_else(|| panic!("{what}: {} {err}", output.status));
        assert!(!err.contains("panicked"), "{what}: {err}");
        Run { status, out: output.stdout, err }
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.text().lines().collect()
    }

    /// Standard output as the one JSON document that it must be.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The lines of standard error that are no warning.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.err.lines().filter(|line| !line.contains("warning: ")).collect()
    }

    /// Asserts a status, and that every one but 0 is explained by one line.
    pub(crate) fn ended(self, status: i32) -> Run {
        assert_eq!(self.status, status, "{self:?}");
        let reasons = self.reasons().len();
        assert!(status == 0 || reasons == 1, "status {status} with {reasons} reasons: {}", self.err);
        assert!(self.err.lines().all(|line| line.starts_with("coreinspect: ")), "{}", self.err);
        self
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}\n{}{}", self.status, String::from_utf8_lossy(&self.out), self.err)
    }
}
