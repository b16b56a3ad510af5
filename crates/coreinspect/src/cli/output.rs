//! The flags that all commands share, and where their output goes.

pub(super) mod command_help;
mod json_file;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::Failure;
use super::dumps::Named;
use super::pager::Pager;
use super::sisters::Sisters;
use crate::debug_files::DebugFolders;
use crate::kind::{Asked, Kinds};
use crate::render::output::Beside;
use crate::render::printable::Printable;
use crate::render::prose::in_lines;
use crate::render::{Document, Draw, OUTPUTS, Output, Shown, Style, json};
use crate::report::{Dump, Place};
use crate::source::Limits;
use crate::targets::LiveTarget;

pub(super) use json_file::{JsonFile, as_json, write_json};

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Flags {
    /// How to print reports.
    #[arg(long, global = true, value_name = "FORMAT", default_value = usual(), value_parser = outputs())]
    format: &'static Output,
    /// Short for --format json.
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// When to use colours; coreinspect obeys NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Print rows only: no explanations, no warnings.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print more about the process.
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Print sizes in bytes, 4096 and not 4K.
    #[arg(long, global = true)]
    bytes: bool,
    /// Kinds of shared memory: sysv, posix, memfd, anonymous, hugetlbfs, file (file:GLOB names some), all (all but files).
    /// A segment that you name by its name is found whatever this says. [default: sysv]
    #[arg(long, global = true, help_heading = "Segments", value_name = "KIND,...", value_delimiter = ',')]
    kind: Vec<Asked>,
    /// Look for segments without a name too, by their place and bytes. Without this flag coreinspect looks only where
    /// the dump has no names.
    #[arg(long, global = true, help_heading = "Segments")]
    find_unnamed: bool,
    /// Recognise segments without a name by those of this dump or running process (/proc/PID); you can repeat it.
    #[arg(long, global = true, help_heading = "Segments", value_name = "FILE")]
    sister: Vec<PathBuf>,
    /// Overwrite a file that exists.
    #[arg(long, global = true)]
    force: bool,
    /// Read at most this many decompressed bytes of a compressed or piped dump, such as 500M or 2T (1T by default).
    #[arg(long, global = true, value_name = "SIZE", value_parser = size, help_heading = "Reading")]
    max_size: Option<u64>,
    /// Page what is longer than the terminal: for the prompt.
    #[arg(long, global = true, hide = true)]
    pager: bool,
}

impl Flags {
    /// Whether it is the flag of every command that is called `id`.
    pub(super) fn has(id: &str) -> bool {
        static IDS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            let flags = Flags::augment_args(clap::Command::new(""));
            flags.get_arguments().map(|arg| arg.get_id().to_string()).collect()
        });
        IDS.iter().any(|known| known == id)
    }
}

/// The outputs, as clap lists and parses them.
fn outputs() -> impl TypedValueParser<Value = &'static Output> {
    let values = OUTPUTS.iter().map(|output| PossibleValue::new(output.name).help(output.about));
    PossibleValuesParser::new(values)
        .try_map(|name| Output::named(&name).ok_or_else(|| format!("there is no format {name}")))
}

fn usual() -> &'static str {
    OUTPUTS.first().map_or("", |usual| usual.name)
}

/// `4096`, `0x1000`, `4K`, `16G`: bytes.
fn size(text: &str) -> Result<u64, String> {
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit =
        text.chars().last().and_then(|last| units.iter().find(|(unit, _)| last.eq_ignore_ascii_case(unit)));
    let (digits, shift) = unit.map_or((text, 0), |(_, shift)| {
        (text.get(..text.len().saturating_sub(1)).unwrap_or_default(), *shift)
    });
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    let number = number.map_err(|error| format!("{error}; write bytes as 4096, 0x1000 or 16G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| "the number is too large".to_owned())
}

/// What a command needs beside its own arguments.
pub struct Context<'w> {
    /// Where results go.
    pub out: Out<'w>,
    /// Where all else goes.
    pub err: &'w mut dyn Write,
    /// How reports are printed.
    pub output: &'static Output,
    /// How results are read.
    pub style: Style,
    /// `-q`.
    pub quiet: bool,
    /// `-v`.
    pub verbose: bool,
    /// `--force`.
    pub force: bool,
    /// `--max-size`.
    pub limits: Limits,
    /// Processes whose segments were copied while they stood still: read in place of the running ones.
    pub pictures: Vec<Arc<LiveTarget>>,
    /// Programs that were named, each before its dump.
    pub(super) programs: Vec<Named>,
    /// `--kind`, and what was named.
    pub kinds: Kinds,
    /// Whether `--kind` said so.
    kinds_were_asked: bool,
    /// `--find-unnamed`, which `--sister` implies.
    pub find_unnamed: bool,
    /// `--sister`: those that are yet to be read.
    pub sisters: Vec<PathBuf>,
    /// Those that were.
    pub(super) sisters_read: Vec<Sisters>,
}

impl<'w> Context<'w> {
    /// Looks at all kinds of shared memory, unless `--kind` says which.
    pub(super) fn looks_at_all_kinds(&mut self) {
        if !self.kinds_were_asked {
            self.kinds = Kinds::all();
        }
    }

    /// The system's folders of debug files, and the programs that were named.
    pub(super) fn debug_folders(&self) -> DebugFolders {
        DebugFolders::of_the_system().with_programs(self.named_programs())
    }

    /// The programs that were named before dumps.
    pub(super) fn named_programs(&self) -> impl Iterator<Item = PathBuf> {
        self.programs.iter().filter_map(|named| named.program.clone())
    }

    /// From here on what `places` name is found too, whatever kinds are listed.
    pub(super) fn find(&mut self, places: &[Place]) {
        let kinds = std::mem::take(&mut self.kinds);
        self.kinds = kinds.and(places.iter().flat_map(Place::named));
    }

    /// What the shared flags ask for.
    pub(super) fn new(flags: Flags, out: &'w mut dyn Write, err: &'w mut dyn Write) -> Self {
        let color = match flags.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => colour_is_wanted(),
        };
        let interactive = io::stdout().is_terminal();
        Self {
            out: Out { pages: flags.pager && interactive, ..Out::new(out) },
            err,
            output: if flags.json { &json::OUTPUT } else { flags.format },
            style: Style { width: width(), color, unicode: speaks_utf8(), interactive, bytes: flags.bytes },
            quiet: flags.quiet,
            verbose: flags.verbose,
            force: flags.force,
            limits: flags.max_size.map_or(Limits::default(), |most_bytes| Limits { most_bytes, named: true }),
            pictures: Vec::new(),
            kinds: Kinds::of(&flags.kind),
            kinds_were_asked: !flags.kind.is_empty(),
            find_unnamed: flags.find_unnamed || !flags.sister.is_empty(),
            sisters: flags.sister,
            programs: Vec::new(),
            sisters_read: Vec::new(),
        }
    }

    /// Begins what this run prints.
    pub(super) fn document(&self) -> Box<dyn Document> {
        (self.output.begin)(self.style)
    }

    /// Prints a report that is no list of dumps.
    pub(super) fn print(&mut self, shown: &dyn Shown) -> Result<(), Failure> {
        Ok(self.document().report(shown, &mut self.out)?)
    }

    /// Prints a dump as the only one of its document.
    pub(super) fn print_dump(&mut self, dump: &Dump, drawn: &dyn Draw) -> Result<(), Failure> {
        let mut document = self.document();
        document.dump(dump, drawn, &mut self.out)?;
        Ok(document.end(Beside::Nothing, &mut self.out)?)
    }

    /// One line on standard error: why the status is not 0, or what is lost.
    pub fn tell(&mut self, line: impl std::fmt::Display) {
        // Results are on standard output; that nobody listens here must not take them away.
        let _ = self.err.write_all(told(&line.to_string()).as_bytes());
    }

    /// As [`Context::tell`], of a compiler's screen: a line, where it stands, and a caret.
    pub fn tell_screen(&mut self, screen: &str) {
        let _ = self.err.write_all(told_screen(screen).as_bytes());
    }
}

/// A line on standard error.
pub(super) fn told(message: &str) -> String {
    let line = format!("coreinspect: {}", Printable(message.as_bytes()));
    // A terminal breaks words where its line ends; elsewhere a complaint is a line.
    let columns = io::stderr().is_terminal().then(|| columns_of(io::stderr())).flatten();
    columns.map_or(line.clone(), |columns| in_lines(&line, columns)) + "\n"
}

/// A compiler's screen on standard error; each of its lines is made harmless.
pub(super) fn told_screen(screen: &str) -> String {
    let lines = screen.split('\n').map(|line| format!("{}\n", Printable(line.as_bytes())));
    format!("coreinspect: {}", lines.collect::<String>())
}

/// NO_COLOR before CLICOLOR_FORCE before what the terminal can do (no-color.org, bixense.com/clicolors).
fn colour_is_wanted() -> bool {
    if anstyle_query::no_color() {
        return false;
    }
    let can = || anstyle_query::term_supports_ansi_color() && io::stdout().is_terminal();
    anstyle_query::clicolor_force() || anstyle_query::clicolor() != Some(false) && can()
}

/// Standard output, until whoever reads it has seen enough.
///
/// A closed pipe ends a command, unless it has a verdict to give or a file to write: then the rest goes nowhere.
pub struct Out<'w> {
    to: &'w mut dyn Write,
    closed: bool,
    /// Whether what is written from here on goes through a pager, which the first byte starts.
    pub(super) pages: bool,
    pager: Option<Pager>,
    /// Whether to go on when nobody reads.
    pub(super) goes_on: bool,
}

impl<'w> Out<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        Self { to, closed: false, pages: false, pager: None, goes_on: false }
    }

    /// Waits until the user is done with the pager, if there is one.
    pub(super) fn end_paging(&mut self) {
        self.pager = None;
    }

    fn forgive<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && self.goes_on => {
                self.closed = true;
                Ok(instead)
            }
            result => result,
        }
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        if std::mem::take(&mut self.pages) && self.pager.is_none() {
            self.to.flush()?;
            self.pager = Pager::start();
        }
        let written = match &mut self.pager {
            Some(pager) => pager.write(bytes),
            None => self.to.write(bytes),
        };
        self.forgive(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = match &mut self.pager {
            Some(pager) => pager.flush(),
            None => self.to.flush(),
        };
        self.forgive(flushed, ())
    }
}

/// COLUMNS, else the terminal's width; no limit in a pipe or a file.
fn width() -> Option<usize> {
    let asked =
        std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    asked.or_else(|| columns_of(io::stdout()))
}

/// The columns of a terminal.
fn columns_of(terminal: impl std::os::fd::AsFd) -> Option<usize> {
    // Not terminal_size: it does not tell the columns of a terminal without rows, as scripts and CI make them.
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether the locale's characters are UTF-8 (locale(7): LC_ALL before LC_CTYPE before LANG).
fn speaks_utf8() -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    named.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
