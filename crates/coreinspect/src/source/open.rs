//! Opens what was named: a file, compressed or not, a folder that holds one, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use super::layers::Layer;
use super::{Format, Handler, MappedFile, Reading, Source, Stream, folder};

/// A dump, and what the handler that stored it knew.
pub struct Opened {
    /// The dump.
    pub source: Arc<dyn Source>,
    /// What stands beside it.
    pub handler: Option<Handler>,
}

/// Opens the dump at `path`, or the one dump in the folder there. A file is mapped; one that is compressed is read forward
/// ([`Stream`]).
///
/// # Errors
/// As [`MappedFile::open`] and [`Stream::of_file`].
pub fn open(path: &Path, reading: Reading) -> io::Result<Opened> {
    match MappedFile::open(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            let dump = folder::dump_in(path)?;
            let opened = of_mapped(MappedFile::open(&dump)?, reading)?;
            Ok(Opened { handler: opened.handler.or_else(|| Handler::of_folder(path)), ..opened })
        }
        // `coreinspect <(zstd -dc core.zst)`: the shell has opened both ends, so that opening it once more does not wait.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && is_read_once(path) => {
            of_pipe(File::open(path)?, reading)
        }
        file => of_mapped(file?, reading),
    }
}

/// Whether `path` names something that this process was given open, and that is no file: what was read of it is gone.
pub fn is_read_once(path: &Path) -> bool {
    let open = ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.parent() == Some(Path::new(folder)));
    open && std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Opens standard input: a pipe is read forward, a file as [`open`] does it.
///
/// # Errors
/// As [`open`].
pub fn standard_input(reading: Reading) -> io::Result<Opened> {
    let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    match stdin.metadata()?.is_file() {
        true => of_mapped(MappedFile::new(stdin)?, reading),
        false => of_pipe(stdin, reading),
    }
}

/// Opens what comes out of `pipe`.
///
/// # Errors
/// As [`Stream::of_pipe`].
pub fn of_pipe(pipe: impl Read + Send + 'static, reading: Reading) -> io::Result<Opened> {
    Ok(Opened { source: Arc::new(Stream::of_pipe(pipe, reading)?), handler: None })
}

fn of_mapped(file: MappedFile, reading: Reading) -> io::Result<Opened> {
    let handler = Handler::of_attributes(file.file());
    let source: Arc<dyn Source> = match Layer::of(Format::of(&file)?) {
        Some(_) => Arc::new(Stream::of_file(file.into_file(), reading)?),
        None => Arc::new(file),
    };
    Ok(Opened { source, handler })
}
