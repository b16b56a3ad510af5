//! Opens what was named: a file, compressed or not, or standard input.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::layers::Layer;
use super::{Format, MappedFile, Reading, Source, Stream};

/// Opens the dump at `path`. A file is mapped; one that is compressed is read forward ([`Stream`]).
///
/// # Errors
/// As [`MappedFile::open`] and [`Stream::of_file`].
pub fn open(path: &Path, reading: Reading) -> io::Result<Box<dyn Source>> {
    of_mapped(MappedFile::open(path)?, reading)
}

/// Opens standard input: a pipe is read forward, a file as [`open`] does it.
///
/// # Errors
/// As [`open`].
pub fn standard_input(reading: Reading) -> io::Result<Box<dyn Source>> {
    let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    match stdin.metadata()?.is_file() {
        true => of_mapped(MappedFile::new(stdin)?, reading),
        false => Ok(Box::new(Stream::of_pipe(stdin, reading)?)),
    }
}

fn of_mapped(file: MappedFile, reading: Reading) -> io::Result<Box<dyn Source>> {
    match Layer::of(Format::of(&file)?) {
        Some(_) => Ok(Box::new(Stream::of_file(file.into_file(), reading)?)),
        None => Ok(Box::new(file)),
    }
}
