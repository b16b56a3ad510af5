//! C headers, with the files beside them that they include.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

use nix::libc;

use crate::layout::HeaderLayout;
use crate::notation::c_header::Header;

/// Bytes of a header.
const LARGEST: u64 = 4 << 20;

/// The type that the header at `path` calls `name` (`struct queue`, a typedef); without a name its only struct.
/// `#include "name"` is looked for in the header's folder and below it.
///
/// # Errors
/// What cannot be read, or is wrong with it, as a compiler tells it.
pub fn layout(path: &Path, name: Option<&str>) -> Result<HeaderLayout, String> {
    let shown = path.to_string_lossy();
    let text = read(path).map_err(|error| format!("{shown}: {error}"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut include = |name: &str| {
        // A header from elsewhere must not have any file of this machine read.
        let below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        below.then(|| read(&folder.join(name)).ok()).flatten()
    };
    let header = Header::parse_with(&shown, &text, &mut include).map_err(|problem| problem.to_string())?;
    HeaderLayout::new(header, path.to_owned(), name).map_err(|problem| problem.to_string())
}

/// The text of a file; what is not UTF-8 in it, in comments most likely, becomes U+FFFD.
fn read(path: &Path) -> io::Result<String> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
