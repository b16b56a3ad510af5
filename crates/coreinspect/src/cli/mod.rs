//! The command line. One file a command, one row in [`COMMANDS`].
//!
//! A command parses, calls, and hands a report to a renderer. Results go to standard output, all else to standard
//! error; [`Status`] is the exit status.

mod check;
#[cfg(feature = "collect")]
mod collect;
mod command_line;
#[cfg(feature = "completions")]
mod completions;
mod coredumpctl;
mod diff;
mod dump;
mod dumps;
mod expect;
mod extract;
mod fill;
mod help;
mod inspect;
mod key;
mod layout_argument;
mod layouts;
mod live;
mod locks;
mod map;
mod mistaken;
mod new_file;
mod output;
mod pager;
mod plugin;
mod progress;
mod records;
mod refs;
#[cfg(feature = "page")]
mod report;
mod restore;
mod schema;
mod search;
mod shell;
mod show;
mod sisters;
mod tour;
mod verbs;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{ArgMatches, Args, FromArgMatches};
use command_line::{Asked, Unparsed};

pub use command_line::command;
pub use output::Context;
pub use verbs::{Takes, Verb, verbs};

/// How a command ended: the exit status, the worst of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0: found.
    Found = 0,
    /// 1: read well, but there is nothing to show, or it is not what was expected.
    Nothing = 1,
    /// 2: could not be read, or wrong usage.
    Failed = 2,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What to print after `coreinspect: `.
    #[error("{0}")]
    Message(String),
    /// The same as a compiler says it: the line in question and a caret below.
    #[error("{0}")]
    Screen(String),
    /// Writing failed.
    #[error("cannot write: {0}")]
    Output(#[source] io::Error),
}

/// Writing failed; or reading what was to be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.downcast::<crate::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::Output(error),
        }
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Message(error.to_string())
    }
}

impl Failure {
    /// A failure that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }
}

/// What a command does, once its arguments are parsed.
trait Execute: Args + FromArgMatches {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure>;
}

/// A row of [`COMMANDS`].
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// The word that calls it.
    pub name: &'static str,
    /// What it works on. All but [`Takes::Nothing`] make it a verb of the shell and of the debuggers' plugins.
    pub takes: Takes,
    /// How it is called.
    pub usage: &'static str,
    /// Three calls that can be run as they stand where there is a core named `core`.
    pub examples: &'static str,
    arguments: fn(clap::Command) -> clap::Command,
    execute: fn(&ArgMatches, &mut Context<'_>) -> Result<Status, Failure>,
}

impl Command {
    const fn new<A: Execute>(
        name: &'static str,
        takes: Takes,
        usage: &'static str,
        examples: &'static str,
    ) -> Self {
        Self {
            name,
            takes,
            usage,
            examples,
            arguments: A::augment_args,
            execute: |matches, context| {
                let arguments =
                    A::from_arg_matches(matches).map_err(|error| Failure::new(error.to_string()))?;
                arguments.execute(context)
            },
        }
    }

    fn build(&self, command: clap::Command) -> clap::Command {
        (self.arguments)(command)
            .after_long_help(format!(
                "Exit status: {}\n\nExamples:\n{}",
                output::command_help::status(self),
                self.examples
            ))
            .override_usage(self.usage)
    }
}

/// What is done without a command's name.
static INSPECT: Command = Command::new::<inspect::Inspect>(
    "coreinspect",
    Takes::Dump,
    "coreinspect [OPTIONS] [PROGRAM] DUMP...\n       coreinspect COMMAND ...",
    "  coreinspect core\n  \
     coreinspect core --json | jq '.dumps[0].segments[0].content'\n  \
     coreinspect core --expect 'flag=ready message~Hello'",
);

/// The commands, in the order of the help text. A new one is a file and a row.
pub static COMMANDS: &[Command] = &[
    Command::new::<show::Show>(
        "show",
        Takes::Segments,
        "coreinspect show [OPTIONS] [PROGRAM] DUMP [SEGMENT]...",
        "  coreinspect show core\n  \
         coreinspect show core 1 --hex\n  \
         coreinspect show core 1 --hex --at 0x100 --length 64",
    ),
    Command::new::<extract::Extract>(
        "extract",
        Takes::Segments,
        "coreinspect extract [OPTIONS] [PROGRAM] DUMP SEGMENT",
        "  coreinspect extract core 1\n  \
         coreinspect extract core 1 -o bytes.bin --force\n  \
         coreinspect extract core 1 -o - | xxd | head",
    ),
    Command::new::<search::Search>(
        "search",
        Takes::Segments,
        "coreinspect search [OPTIONS] [PROGRAM] DUMP [SEGMENT] PATTERN...",
        "  coreinspect search core 1 Hello\n  \
         coreinspect search core 1 'hex:48 ?? 6c' u32:1 utf16:Hello --context 16\n  \
         coreinspect search core all Hello --json | jq '.segments[].hits[].offset'",
    ),
    Command::new::<diff::Diff>(
        "diff",
        Takes::Dumps,
        "coreinspect diff [OPTIONS] [PROGRAM] DUMP OTHER [SEGMENT]\n       coreinspect diff [OPTIONS] [PROGRAM] DUMP --live|--raw FILE [SEGMENT]",
        "  coreinspect diff core core\n  \
         coreinspect diff core core 1 --hex\n  \
         coreinspect diff core core --json | jq '.segments[].ranges'",
    ),
    Command::new::<refs::RefsCommand>(
        "refs",
        Takes::Segments,
        "coreinspect refs [OPTIONS] [PROGRAM] DUMP [SEGMENT]...",
        "  coreinspect refs core\n  \
         coreinspect refs core 1 --limit 20\n  \
         coreinspect refs core 1 --json | jq '.references[] | select(.from == \"register\")'",
    ),
    Command::new::<locks::LocksCommand>(
        "locks",
        Takes::Dump,
        "coreinspect locks [OPTIONS] [PROGRAM] DUMP...\n       coreinspect locks [OPTIONS] -p PID...",
        "  coreinspect locks core\n  \
         coreinspect locks core core --json | jq .cycles\n  \
         coreinspect locks core --segment 1",
    ),
    Command::new::<map::Map>(
        "map",
        Takes::Dump,
        "coreinspect map [OPTIONS] [PROGRAM] DUMP",
        "  coreinspect map core\n  \
         coreinspect map core --bytes\n  \
         coreinspect map core --json | jq '.mappings[] | select(.what == \"segment\")'",
    ),
    Command::new::<fill::Fill>(
        "fill",
        Takes::Nothing,
        "coreinspect fill [OPTIONS] [PROGRAM] DUMP --from DUMP|/proc/PID|FILE... -o NEW\n       coreinspect fill [OPTIONS] [PROGRAM] DUMP --honest -o NEW",
        "  coreinspect fill core --honest -o core.honest --force\n  \
         coreinspect fill core --from core -o core.filled --force || true\n  \
         coreinspect fill core --from core --overlay core.elf --json | jq '.segments[].filled' || true",
    ),
    Command::new::<key::KeyCommand>(
        "key",
        Takes::Key,
        "coreinspect key [OPTIONS] KEY [--search FOLDER | --from FILE]\n       coreinspect key [OPTIONS] --path PATH [--id ID]",
        "  coreinspect key 0x4e545030\n  \
         coreinspect key --path . --id x\n  \
         coreinspect key SYSV7800c028 --search .",
    ),
    #[cfg(feature = "page")]
    Command::new::<report::ReportCommand>(
        "report",
        Takes::Dump,
        "coreinspect report [OPTIONS] [PROGRAM] DUMP... -o FILE.html",
        "  coreinspect report core -o report.html --force\n  \
         coreinspect report core --redact --keep-paths -o to-send.html --force\n  \
         coreinspect report core -o - | wc -c",
    ),
    Command::new::<dump::Dump>(
        "dump",
        Takes::Process,
        "coreinspect dump [OPTIONS] PID",
        "  coreinspect dump $$\n  \
         coreinspect dump $$ -o core.shm --force\n  \
         coreinspect dump $$ --stop --threads --json",
    ),
    Command::new::<live::Live>(
        "live",
        Takes::Process,
        "coreinspect live [OPTIONS] [PID]...",
        "  coreinspect live\n  \
         coreinspect live $(pidof postgres)\n  \
         coreinspect live 4711 --watch --interval 2s",
    ),
    Command::new::<restore::Restore>(
        "restore",
        Takes::Segments,
        "coreinspect restore [OPTIONS] [PROGRAM] DUMP SEGMENT",
        "  coreinspect restore core 1 --key 0 | awk '{ print $2; system(\"ipcrm -m \" $2) }'\n  \
         coreinspect restore core 1 --key 0x7b00c0de | awk '{ print; system(\"ipcrm -m \" $2) }'\n  \
         coreinspect restore core 1 --key 0 -q | awk '{ print $2; system(\"ipcrm -m \" $2) }'",
    ),
    #[cfg(feature = "collect")]
    Command::new::<collect::Collect>(
        "collect",
        Takes::Nothing,
        "coreinspect collect --pid PID [OPTIONS] < CORE\n       coreinspect collect --install | --uninstall [OPTIONS] [--yes]\n       coreinspect collect --listen PATH [OPTIONS]",
        "  coreinspect collect --install\n  \
         coreinspect collect --install --segments all --max-use 5G\n  \
         coreinspect collect --install --listen /run/coreinspect.socket",
    ),
    Command::new::<check::CheckCommand>(
        "check",
        Takes::Process,
        "coreinspect check [OPTIONS] PID",
        "  coreinspect check $$\n  \
         coreinspect check --dumper gcore $$\n  \
         coreinspect check --json $$ | jq '.segments[].kept'",
    ),
    Command::new::<shell::Shell>(
        "shell",
        Takes::Nothing,
        "coreinspect shell [OPTIONS] [PROGRAM] DUMP",
        "  coreinspect shell core -e 1 -e 'hex --length 64'\n  \
         coreinspect shell core -e 'list --json | jq .schema'\n  \
         coreinspect shell core -e 'list > list.txt' -e '!cat list.txt'",
    ),
    Command::new::<tour::Tour>(
        "tour",
        Takes::Nothing,
        "coreinspect tour [OPTIONS]",
        "  coreinspect tour\n  \
         coreinspect tour --dumper kernel\n  \
         coreinspect tour --dumper coreinspect | tail -5",
    ),
    Command::new::<plugin::Plugin>(
        "plugin",
        Takes::Nothing,
        "coreinspect plugin gdb|lldb [--install | --uninstall] [--yes]",
        "  coreinspect plugin gdb > coreinspect-gdb.py\n  \
         coreinspect plugin lldb > coreinspect_lldb.py\n  \
         coreinspect plugin gdb --install",
    ),
    Command::new::<layouts::LayoutsCommand>(
        "layouts",
        Takes::Nothing,
        "coreinspect layouts [OPTIONS]\n       coreinspect layouts show [OPTIONS] LAYOUT\n       coreinspect layouts check [OPTIONS] FILE...",
        "  coreinspect layouts\n  \
         coreinspect layouts show 'u8 flag; u32 n : 3; cstr message'\n  \
         coreinspect layouts --json | jq -r '.layouts[].name'",
    ),
    Command::new::<schema::Schema>(
        "schema",
        Takes::Nothing,
        "coreinspect schema [--sidecar]",
        "  coreinspect schema\n  \
         coreinspect schema | jq '.\"$defs\".segment.required'\n  \
         coreinspect schema > coreinspect-1.json",
    ),
    #[cfg(feature = "completions")]
    Command::new::<completions::Completions>(
        "completions",
        Takes::Nothing,
        "coreinspect completions SHELL",
        "  coreinspect completions bash > coreinspect.bash\n  \
         coreinspect completions zsh > _coreinspect\n  \
         coreinspect completions fish > coreinspect.fish",
    ),
    Command::new::<help::Help>(
        "help",
        Takes::Nothing,
        "coreinspect help [COMMAND]...",
        "  coreinspect help\n  \
         coreinspect help show\n  \
         coreinspect help layouts check",
    ),
];

/// Parses `arguments` (the program's name first), does what they ask, and answers the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let asked = match Asked::parse(arguments.into_iter().collect()) {
        Ok(asked) => asked,
        Err(Unparsed::Clap(error)) => return usage(&error, out, err),
        Err(Unparsed::Misplaced(failure)) => return fail(&failure, err),
    };
    let flags = match asked.flags() {
        Ok(flags) => flags,
        Err(failure) => return fail(&failure, err),
    };
    let mut context = Context::new(flags, out, err);
    let result = asked.execute(&mut context).and_then(|status| {
        context.out.flush()?;
        Ok(status)
    });
    context.out.end_paging();
    match result {
        Ok(status) => status as u8,
        // Whoever read us has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Status::Found as u8,
        Err(failure) => fail(&failure, context.err),
    }
}

fn fail(failure: &Failure, err: &mut dyn Write) -> u8 {
    // Nobody is left to tell if this fails too.
    let told = match failure {
        Failure::Screen(screen) => output::told_screen(screen),
        failure => output::told(&failure.to_string()),
    };
    let _ = err.write_all(told.as_bytes());
    Status::Failed as u8
}

/// `coreinspect show` of `coreinspect show [OPTIONS] DUMP`.
fn command_of(usage: &str) -> &str {
    let is_word = |word: &&str| word.trim_end().bytes().all(|byte| byte.is_ascii_lowercase());
    let length = usage.split_inclusive(' ').take_while(is_word).map(str::len).fold(0, usize::saturating_add);
    usage.get(..length).unwrap_or_default().trim_end()
}

/// clap's help on standard output with status 0, or its complaint as one line on standard error with status 2.
fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = error.render().to_string();
    if error.use_stderr() {
        // Usage and the hint to --help are a screen; the contract is a line.
        let complaint = text.lines().take_while(|line| !line.starts_with("Usage:")).map(str::trim);
        let complaint: Vec<_> =
            complaint.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
        let complaint = complaint.join("; ").replace(":; ", ": ");
        let complaint = complaint.strip_prefix("error: ").unwrap_or(&complaint);
        let help =
            text.lines().find_map(|line| line.strip_prefix("Usage: ")).map_or("coreinspect", command_of);
        return fail(&Failure::new(format!("{complaint}; see `{help} --help`")), err);
    }
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&Failure::Output(error), err),
        _ => Status::Found as u8,
    }
}
