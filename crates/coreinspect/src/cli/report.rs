//! A page to hand on.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::dumps::{self, DumpFlags, Named};
use super::inspect::ContentFlags;
use super::new_file::NewFile;
use super::{Context, Execute, Failure, Status};
use crate::inspection::CrossView;
use crate::page::{Page, Redaction};
use crate::report::Dump;
use crate::source::Amount;

/// Writes one HTML file that shows what dumps say: to look at, to print, to send.
///
/// It needs no script and no network. Bytes of the dumps are in it: --redact leaves structure, sizes and addresses alone.
#[derive(Args, Debug)]
pub(super) struct ReportCommand {
    /// The dumps, each perhaps behind its program.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Write to this file, with mode 0600; `-` is standard output.
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
    /// Remove the contents of the segments: letters become x, digits 0, bytes a square. The page lists what was removed.
    #[arg(long)]
    redact: bool,
    /// With --redact, keep paths and names that repeat a text of the contents; without, the page is refused.
    #[arg(long, requires = "redact")]
    keep_paths: bool,
    #[command(flatten)]
    content: ContentFlags,
}

impl Execute for ReportCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        context.looks_at_all_kinds();
        let named = dumps::pair(&self.paths, self.dump.dump().as_ref())?;
        let options = self.content.options(context)?;
        let redaction = if self.redact { Redaction::of_contents() } else { Redaction::default() };
        let mut page = Page::new(redaction);
        let mut cross_view = CrossView::default();
        let mut status = Status::Nothing;
        let mut unread = false;
        for Named { dump, .. } in &named {
            let mut inspection = dumps::inspect(dump, Amount::Everything, &options, context)?;
            page.add(&mut inspection)?;
            let report = inspection.report();
            unread |= report.error.is_some();
            if !report.segments.is_empty() {
                status = Status::Found;
            }
            if let Some(text) = page.repeats(report).filter(|_| !self.keep_paths) {
                return Err(Failure::new(format!(
                    "{}: a path, an argument or a name of the process still shows {text:?}, which stands in a segment; \
                     --keep-paths writes the page all the same",
                    report.path.path
                )));
            }
            cross_view.add(report);
        }
        if named.len() > 1 {
            let open = |index: usize| match named.get(index) {
                Some(Named { dump, .. }) => {
                    dumps::inspect(dump, Amount::Everything, &options, context).map(Some)
                }
                None => Ok(None),
            };
            page.compare(&cross_view.finish(open)?);
        }
        write(&page.finish(), &self.output, named.iter().map(|named| named.dump.as_path()), context)?;
        Ok(if unread { Status::Failed } else { status })
    }
}

fn write<'p>(
    text: &str,
    path: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(context.out.write_all(text.as_bytes())?);
    }
    let mut file = NewFile::create(path, context.force, inputs)?;
    file.write(|file| file.write_all(text.as_bytes()))?;
    file.finish()?;
    context.tell(format_args!("wrote {}", dumps::shown(path)));
    Ok(())
}

impl Page {
    /// A text of the contents that what stands around them repeats.
    fn repeats(&self, dump: &Dump) -> Option<String> {
        let process = &dump.process;
        let texts = [&process.command, &process.executable];
        let texts = texts.into_iter().flatten().map(|text| text.escaped());
        let names = dump.segments.iter().filter_map(|segment| Some(segment.name.as_ref()?.escaped()));
        let threads = process.thread_states.iter().filter_map(|thread| Some(thread.name.as_ref()?.escaped()));
        let mut outside = texts.chain(names).chain(threads).chain([dump.path.path.clone()]);
        outside.find_map(|outside| self.shown_by(&outside))
    }
}
