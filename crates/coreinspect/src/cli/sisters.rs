//! `--sister`: dumps whose segments have names, to recognise by them what has none elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dumps::{self, shown};
use super::{Context, Failure};
use crate::inspection::Inspection;
use crate::report::Options;
use crate::source::{Amount, Limits, Reading};
use crate::unnamed::Sister;

/// The segments of one dump.
#[derive(Debug)]
pub(super) struct Sisters {
    dump: PathBuf,
    segments: Vec<Arc<Sister>>,
}

/// The segments of the dumps of `--sister`, other than `dump` itself; they are read once.
///
/// # Errors
/// A dump cannot be read, or names no segment.
pub(super) fn of(dump: &Path, context: &mut Context<'_>) -> Result<Vec<Arc<Sister>>, Failure> {
    for path in std::mem::take(&mut context.sisters) {
        context.sisters_read.push(read(&path, context.limits)?);
    }
    let others = context.sisters_read.iter().filter(|sisters| sisters.dump != dump);
    Ok(others.flat_map(|sisters| sisters.segments.iter().cloned()).collect())
}

/// Takes the dumps of one run for each other's sisters. One that cannot be read, or names no segment, says nothing here.
pub(super) fn each_other<'p>(dumps: impl Iterator<Item = &'p Path>, context: &mut Context<'_>) {
    for dump in dumps.filter(|dump| dump.as_os_str() != "-") {
        if let Ok(sisters) = read(dump, context.limits) {
            context.sisters_read.push(sisters);
        }
    }
}

fn read(path: &Path, limits: Limits) -> Result<Sisters, Failure> {
    let of_path = |error: &dyn std::fmt::Display| Failure::new(format!("--sister {}: {error}", shown(path)));
    let options = Options::without_content();
    let inspection = match dumps::process_of(path) {
        Some(pid) => Inspection::of_process(pid, &options),
        None => {
            dumps::guard(path)?;
            let reading = Reading { amount: Amount::Segments, limits, ..Reading::default() };
            let opened = dumps::open(path, reading).map_err(|error| of_path(&error))?;
            Inspection::of_opened(path, opened, &options)
        }
    };
    if let Some(error) = &inspection.report().error {
        return Err(of_path(&error.message));
    }
    let segments = inspection.into_sisters(&shown(path)).unwrap_or_default();
    let segments: Vec<_> = segments.into_iter().map(Arc::new).collect();
    if segments.is_empty() {
        return Err(of_path(&"it names no System V segment, so coreinspect can recognise nothing by it"));
    }
    Ok(Sisters { dump: path.to_owned(), segments })
}
