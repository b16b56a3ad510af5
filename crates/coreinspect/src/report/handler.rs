//! What the handler that stored a dump wrote beside it: shown apart, and put where the dump itself says nothing.

use serde::Serialize;

use super::{Dump, Signal, Text, text};
use crate::machine::SignalNumbering;
use crate::retention::Code;
use crate::{process, source};

/// What a handler told of the process.
#[derive(Clone, Debug, Serialize)]
pub struct Handler {
    /// "systemd-coredump", "abrt" or "apport".
    pub name: &'static str,
    /// The process id.
    pub pid: Option<u32>,
    /// The real user id.
    pub uid: Option<u32>,
    /// The real group id.
    pub gid: Option<u32>,
    /// The signal's number.
    pub signal: Option<u32>,
    /// When the process died: seconds since 1970.
    pub time: Option<u64>,
    /// The name of the thread that died.
    #[serde(flatten, with = "text::command")]
    pub command: Option<Text>,
    /// The program.
    #[serde(flatten, with = "text::executable")]
    pub executable: Option<Text>,
    /// The command line.
    #[serde(flatten, with = "text::arguments")]
    pub arguments: Option<Text>,
    /// The machine it ran on.
    #[serde(flatten, with = "text::hostname")]
    pub hostname: Option<Text>,
    /// The fields of `process` that the dump leaves unknown, and that stand there as the handler told them.
    pub fills: Vec<&'static str>,
}

impl Handler {
    fn of(told: source::Handler) -> Self {
        // Every field by name: a new one does not compile until it is shown.
        let source::Handler {
            name,
            pid,
            uid,
            gid,
            signal,
            time,
            command,
            executable,
            arguments,
            hostname,
            // It is in the fix of a core that was cut off.
            limit: _,
        } = told;
        Self {
            name,
            pid,
            uid,
            gid,
            signal,
            time,
            command: command.map(Text::new),
            executable: executable.map(Text::new),
            arguments: arguments.map(Text::new),
            hostname: hostname.map(Text::new),
            fills: Vec::new(),
        }
    }
}

impl Dump {
    /// Adds what `handler` told of a process whose machine numbers signals by `numbering`. What the dump itself says stays.
    pub fn add(&mut self, handler: &source::Handler, numbering: SignalNumbering) {
        let mut told = Handler::of(handler.clone());
        if self.error.is_none() {
            let process = &mut self.process;
            let signal = told
                .signal
                .and_then(process::Signal::new)
                .map(|signal| Signal { number: signal.number(), name: signal.name(numbering) });
            let mut fills = Vec::new();
            fill("pid", &mut process.pid, &told.pid, &mut fills);
            fill("command", &mut process.command, &told.command, &mut fills);
            fill("executable", &mut process.executable, &told.executable, &mut fills);
            fill("arguments", &mut process.arguments, &told.arguments, &mut fills);
            fill("uid", &mut process.uid, &told.uid, &mut fills);
            fill("signal", &mut process.signal, &signal, &mut fills);
            told.fills = fills;
        }
        self.handler = Some(told);
        if let Some(fix) = handler.limit_to_raise() {
            self.fix_truncation(fix);
        }
    }

    /// Says `fix` wherever the file's end cut bytes off.
    pub(super) fn fix_truncation(&mut self, fix: &str) {
        let causes = self.segments.iter_mut().flat_map(|segment| &mut segment.causes);
        for cause in causes.filter(|cause| cause.code == Code::Truncated) {
            cause.fix = fix.to_owned();
        }
    }
}

fn fill<T: Clone>(
    name: &'static str,
    field: &mut Option<T>,
    told: &Option<T>,
    fills: &mut Vec<&'static str>,
) {
    if field.is_none() && told.is_some() {
        field.clone_from(told);
        fills.push(name);
    }
}
