//! The main job: which segments, are their bytes there, what do they say.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::dumps::{self, DumpFlags, Named};
use super::expect::Expectation;
use super::key::makers;
use super::layout_argument::{Chosen, LayoutFlags};
use super::output::JsonFile;
use super::{Context, Execute, Failure, Status, coredumpctl, diff, mistaken, sisters};
use crate::inspection::{CrossView, Inspection};
use crate::layout::Origin;
use crate::layout::builtin::MAILBOX;
use crate::render::many::ManyDumps;
use crate::render::output::Beside;
use crate::render::table::{Column, ListedDump, Listing};
use crate::report::{Dump, Options, Shared};
use crate::source::Amount;
use crate::writer::{Habits, Names};

/// What is decoded of a segment.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Content")]
pub(super) struct ContentFlags {
    #[command(flatten)]
    layout: LayoutFlags,
    /// Do not decode the bytes of segments.
    #[arg(long, conflicts_with_all = ["layout", "full"])]
    no_content: bool,
    /// Print whole messages in JSON and `show`, not only their first 4,096 bytes.
    #[arg(long)]
    full: bool,
    /// Exit with 1 if a value breaks a rule of its layout.
    #[arg(long)]
    strict: bool,
}

impl ContentFlags {
    /// What is decoded: reads the layout files, and tells what is wrong with them.
    pub(super) fn options(&self, context: &mut Context<'_>) -> Result<Options, Failure> {
        let Chosen { layout, layouts } = match self.no_content {
            true => Chosen::default(),
            false => self.layout.chosen(context)?,
        };
        let (no_content, full) = (self.no_content, self.full);
        let registers = context.verbose;
        let kinds = context.kinds.clone();
        Ok(Options { kinds, no_content, full, layout, layouts, registers, ..Options::default() })
    }

    /// Whether what does not hold is a failure.
    pub(super) fn strict(&self) -> bool {
        self.strict
    }

    /// With `--strict`, the status that the findings of `dump` earn; each is told.
    pub(super) fn judge(&self, dump: &Dump, context: &mut Context<'_>) -> Status {
        let mut status = Status::Found;
        for finding in dump.findings().filter(|_| self.strict) {
            context.tell(format_args!("{}: {finding}", dump.path.path));
            status = Status::Nothing;
        }
        status
    }

    /// Whether `--layout` says what the bytes are.
    pub(super) fn names_a_layout(&self) -> bool {
        self.layout.names_one()
    }

    /// Why `dump` has no type that is called as `--layout` says: only its own programs tell.
    pub(super) fn undescribed(&self, options: &Options, dump: &Dump) -> Option<String> {
        let layout = options.layout.as_ref()?;
        if !matches!(layout.origin(), Origin::DebugInformation(_)) {
            return None;
        }
        let mut contents = dump.segments.iter().filter_map(|segment| segment.content.as_ref());
        let problem = contents.find(|content| content.value.is_none())?.limits.first()?;
        let known = "`coreinspect layouts` lists those that need no program";
        Some(format!("there is no layout {:?}: {problem}; {known}", layout.name()))
    }

    /// Whether all is shown, however long.
    pub(super) fn full(&self) -> bool {
        self.full
    }
}

/// Lists the System V segments of dumps.
#[derive(Args, Debug, Default)]
pub(super) struct Inspect {
    /// The dumps: cores of the kernel, gcore and others; a folder means all in it. You can name its program before each
    /// dump.
    #[arg(value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    #[command(flatten)]
    dump: DumpFlags,
    /// The last dump that systemd-coredump stored and that matches: a pid, a program's name or path (`coredump:MATCH` names it
    /// for every command).
    #[arg(long, value_name = "MATCH", num_args = 0..=1, default_missing_value = "")]
    coredump: Option<OsString>,
    /// Print the version; with -v also what matters about this machine.
    #[arg(short = 'V', long)]
    version: bool,
    #[command(flatten)]
    reports: ReportFlags,
}

/// Dumps whose segments are listed without being asked for: of more there is a row each.
const MOST_LISTED: usize = 3;

/// How reports are listed, and what they are held against.
#[derive(Args, Debug, Default)]
pub(super) struct ReportFlags {
    /// Columns, in this order: #, key, name, kind, base, shmid, owner, perms, size, nattch, mapped, saved, perm, state, content.
    #[arg(help_heading = "Listing", long, value_name = "COLUMN,...", value_delimiter = ',', value_parser = column)]
    columns: Vec<Column>,
    /// Print rows only, without headings and explanations.
    #[arg(help_heading = "Listing", long)]
    no_header: bool,
    /// List the segments of every dump, also where there are more than three.
    #[arg(help_heading = "Listing", long)]
    each: bool,
    /// Write the JSON document to a file too.
    #[arg(help_heading = "Listing", long, value_name = "FILE")]
    also_json: Option<PathBuf>,
    /// Exit with 1, and say what differs, unless a segment has this: 'key=0x7800c028 flag=ready message~hello'. Bytes that
    /// fit no layout are read as a mailbox if you name `flag` or `message`.
    #[arg(help_heading = "Listing", long, value_name = "TERMS")]
    expect: Vec<Expectation>,
    #[command(flatten)]
    content: ContentFlags,
}

fn column(name: &str) -> Result<Column, String> {
    Column::named(name).ok_or_else(|| {
        format!("there is no column {name:?}; known: {}", Column::names().collect::<Vec<_>>().join(", "))
    })
}

impl Inspect {
    /// `coreinspect DUMP...`, without a flag.
    pub(super) fn of(dumps: Vec<PathBuf>) -> Self {
        Self { dumps, ..Self::default() }
    }
}

impl Execute for Inspect {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if self.version {
            super::version::write(context)?;
            return Ok(Status::Found);
        }
        let stored = self.coredump.as_deref().map(coredumpctl::place);
        let paths: Vec<_> = self.dumps.iter().cloned().chain(stored).collect();
        if let Some(problem) = mistaken::command(&paths) {
            return Err(Failure::new(problem));
        }
        let named = dumps::unfolded(dumps::pair(&paths, self.dump.dump().as_ref())?);
        if named.is_empty() {
            return Err(Failure::new("name a dump: `coreinspect core.1234` (or `coreinspect --help`)"));
        }
        context.programs.clone_from(&named);
        self.reports.write(&named, context)
    }
}

impl ReportFlags {
    /// Writes the reports of `named`, and answers the worst status that they earn.
    pub(super) fn write(&self, named: &[Named], context: &mut Context<'_>) -> Result<Status, Failure> {
        let dumps = || named.iter().map(|named| named.dump.as_path());
        if self.also_json.as_deref().is_some_and(|path| path.as_os_str() == "-") {
            return Err(Failure::new("--also-json takes a file; --json prints to standard output"));
        }
        let copy = self.also_json.as_deref().map(|path| JsonFile::create(path, context.force, dumps()));
        let mut copy = copy.transpose()?;
        let options = Options { closely: context.verbose, ..self.content.options(context)? };
        context.out.goes_on = copy.is_some() || !self.expect.is_empty();
        let mut document = context.document();
        let mut status = Status::Found;
        let mut any_listed = false;
        let listing = self.listing(context);
        let alone = named.len() == 1;
        let crosses = !alone && !context.quiet && !options.no_content && !self.no_header;
        let crosses = crosses && (context.output.joins || copy.is_some());
        let mut cross_view = crosses.then(CrossView::default);
        if context.find_unnamed && !alone {
            sisters::each_other(dumps(), context);
        }
        // Nobody reads twenty listings one below the other: what they have in common comes first.
        let summed =
            named.len() > MOST_LISTED && !self.each && listing.is_usual() && context.output.for_people;
        let mut many = summed.then(ManyDumps::default);
        for named in named {
            // Contents are expected whole, however much of them is shown.
            let whole = options.full || options.closely || !self.expect.is_empty();
            let amount = if whole { Amount::Segments } else { Amount::Starts };
            let mut inspection = dumps::inspect(&named.dump, amount, &options, context)?;
            let wanted = context.verbose && context.output.for_people;
            let makers = if wanted { makers(&inspection) } else { Vec::new() };
            if let Some(problem) = self.content.undescribed(&options, inspection.report()) {
                if alone {
                    return Err(Failure::new(problem));
                }
                inspection = inspection.refused("no-such-layout", problem);
            }
            let dump = inspection.report();
            if let Some(cross_view) = &mut cross_view {
                cross_view.add(dump);
            }
            if let Some(copy) = &mut copy {
                copy.dump(dump)?;
            }
            let moments = if wanted { dump.moments(diff::written(&named.dump)) } else { Vec::new() };
            let listed = ListedDump {
                dump,
                listing: &listing,
                makers: &makers,
                moments: &moments,
                follows: any_listed,
            };
            match &mut many {
                Some(many) => many.add(dump),
                None => document.dump(dump, &listed, &mut context.out)?,
            }
            any_listed |= dump.error.is_none();
            context.out.flush()?;
            let mut earned = self.judge(dump, named, context).max(self.content.judge(dump, context));
            if !self.expect.is_empty() && dump.nothing_found().is_none() {
                earned = earned.max(self.compare(&mut inspection, &options, context)?);
            }
            status = status.max(earned);
        }
        let paths: Vec<_> = dumps().collect();
        let shared = cross_view.map(|cross_view| finish(cross_view, &paths, context)).transpose()?;
        let beside = shared.as_ref().map_or(Beside::Nothing, Beside::Shared);
        match many {
            Some(mut many) => {
                many.share(shared.clone().unwrap_or_default());
                context.print(&many)?;
            }
            None => document.end(beside, &mut context.out)?,
        }
        if let Some(copy) = copy {
            copy.finish(beside)?;
        }
        Ok(status)
    }

    /// Whether something is asked of the reports that a table of segments cannot answer.
    pub(super) fn expects_or_copies(&self) -> bool {
        !self.expect.is_empty() || self.also_json.is_some() || !self.columns.is_empty()
    }

    /// Whether headings are printed.
    pub(super) fn header(&self) -> bool {
        !self.no_header
    }

    /// What is decoded.
    pub(super) fn options(&self, context: &mut Context<'_>) -> Result<Options, Failure> {
        self.content.options(context)
    }

    /// What is listed of a dump.
    pub(super) fn listing(&self, context: &Context<'_>) -> Listing {
        Listing {
            columns: self.columns.clone(),
            header: !self.no_header,
            verbose: context.verbose,
            quiet: context.quiet,
        }
    }

    /// The status that `dump` earns; every one but 0 says why.
    fn judge(&self, dump: &Dump, named: &Named, context: &mut Context<'_>) -> Status {
        let path = dumps::shown(&named.dump);
        if let Some(why) = dump.nothing_certain() {
            let one_unnamed = Habits::of(dump.writer).names == Names::AllButOne && dump.segments.is_empty();
            let hint =
                if one_unnamed && !context.find_unnamed { "; --find-unnamed looks for it" } else { "" };
            context.tell(format_args!("{path}: {why}{hint}"));
            return if dump.error.is_some() { Status::Failed } else { Status::Nothing };
        }
        Status::Found
    }

    /// How a dump differs from what is expected of it. Contents are expected whole, however much of them is shown; and who
    /// expects something of a mailbox says that it is one, where no layout says what it is.
    fn compare(
        &self,
        inspection: &mut Inspection,
        options: &Options,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let mailbox = self.expect.iter().any(Expectation::is_of_a_mailbox);
        let otherwise = mailbox.then_some(MAILBOX);
        inspection.decode(&Options { full: true, no_content: false, otherwise, ..options.clone() })?;
        let dump = inspection.report();
        let mut status = Status::Found;
        for difference in self.expect.iter().filter_map(|expectation| expectation.difference(dump)) {
            context.tell(format_args!("{}: {difference}", dump.path.path));
            status = Status::Nothing;
        }
        Ok(status)
    }
}

/// Compares what the dumps at `paths` share; they are read once more, but not standard input.
fn finish(cross_view: CrossView, paths: &[&Path], context: &mut Context<'_>) -> Result<Shared, Failure> {
    let options = Options::without_content();
    let quiet = std::mem::replace(&mut context.quiet, true);
    let shared = cross_view.finish(|index| {
        let path = paths.get(index).filter(|path| path.as_os_str() != "-");
        path.map(|path| dumps::inspect(path, Amount::Segments, &options, context)).transpose()
    });
    context.quiet = quiet;
    shared
}
