//! What was made: a core, a segment, what is left of a crash. Who reads along is told the name, to go on with.

use std::io;

use super::canvas::{Canvas, Draw};
use super::printable::Printable;
use super::style::Tone;
use crate::report::{CollectedCrash, PathText, RestoredSegment, WrittenCore};

fn printed(path: &PathText) -> String {
    Printable(path.path.as_bytes()).to_string()
}

/// The path of the core.
impl Draw for WrittenCore {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        canvas.line(0, &[(Tone::Plain, &printed(&self.path))])
    }
}

/// The paths of the files.
impl Draw for CollectedCrash {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let folder = printed(&self.path);
        let files = [&self.core, &self.saved_segments, &self.sidecar];
        for name in files.into_iter().flatten() {
            let slash = if folder.ends_with('/') { "" } else { "/" };
            let name = Printable(name.as_bytes());
            canvas.line(0, &[(Tone::Plain, &format!("{folder}{slash}{name}"))])?;
        }
        Ok(())
    }
}

/// Its number and its key.
impl Draw for RestoredSegment {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let what = match (self.shmid, &self.key, &self.name) {
            (Some(shmid), _, _) if self.private => format!("shmid {shmid}  key IPC_PRIVATE"),
            (Some(shmid), Some(key), _) => format!("shmid {shmid}  key {key}"),
            (_, _, Some(name)) => format!("path {}", Printable(name.bytes())),
            _ => String::new(),
        };
        let text = format!("{what}  {} bytes  {}", self.size, self.perms);
        canvas.line(0, &[(Tone::Plain, &text)])
    }
}
