//! `--sister`: dumps whose segments have names, to recognise by them what has none elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dumps::{self, shown};
use super::{Context, Failure};
use crate::report::{Dump, Options, inspect_process, inspect_with};
use crate::shm::Segment;
use crate::source::{Amount, Limits, Opened, Reading};
use crate::targets::Target;
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
    let options = Options { no_content: true, ..Options::default() };
    let take = |read: Option<(&dyn Target, &[Segment])>, dump: Dump| match read {
        Some((target, segments)) => Ok(Sister::all(target, segments, &shown(path))),
        None => Err(dump.error.map_or_else(String::new, |error| error.message)),
    };
    let segments = match dumps::process_of(path) {
        Some(pid) => inspect_process(pid, &options, take),
        None => {
            dumps::guard(path)?;
            let reading = Reading { amount: Amount::Segments, limits, progress: None };
            let Opened { source, .. } = dumps::open(path, reading).map_err(|error| of_path(&error))?;
            inspect_with(path, &*source, &options, take)
        }
    };
    let segments: Vec<_> = segments.map_err(|error| of_path(&error))?.into_iter().map(Arc::new).collect();
    if segments.is_empty() {
        return Err(of_path(&"it names no System V segment, so nothing can be recognised by it"));
    }
    Ok(Sisters { dump: path.to_owned(), segments })
}
