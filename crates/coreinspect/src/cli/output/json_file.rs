//! JSON, whatever is printed, in a file of its own: `--also-json`, and what `extract` writes beside the bytes.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::cli::Failure;
use crate::cli::new_file::NewFile;
use crate::render::Document;
use crate::render::json::{Data, Dumps};
use crate::render::output::Beside;
use crate::report::Dump;

/// The document of several dumps in a file.
pub(in crate::cli) struct JsonFile {
    file: NewFile,
    document: Dumps,
}

impl JsonFile {
    /// Begins the file at `path`, which is none of `inputs`.
    pub(in crate::cli) fn create<'p>(
        path: &Path,
        force: bool,
        inputs: impl IntoIterator<Item = &'p Path>,
    ) -> Result<Self, Failure> {
        Ok(Self { file: NewFile::create(path, force, inputs)?, document: Dumps::default() })
    }

    /// Adds a dump.
    pub(in crate::cli) fn dump(&mut self, dump: &Dump) -> Result<(), Failure> {
        let document = &mut self.document;
        buffered(&mut self.file, |file| document.dump(dump, &(), file))
    }

    /// Ends the document; the file is there from now on.
    pub(in crate::cli) fn finish(mut self, beside: Beside<'_>) -> Result<(), Failure> {
        let document = &mut self.document;
        buffered(&mut self.file, |file| document.end(beside, file))?;
        self.file.finish()
    }
}

/// What machines get of `data`, for whoever wants to know whether it has changed.
pub(in crate::cli) fn as_json(data: &dyn Data) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    data.compact(&mut bytes)?;
    Ok(bytes)
}

/// Writes `data` into `file`.
pub(in crate::cli) fn write_json(data: &dyn Data, file: &mut NewFile) -> Result<(), Failure> {
    buffered(file, |file| {
        data.pretty(file)?;
        file.write_all(b"\n")
    })
}

fn buffered(file: &mut NewFile, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    file.write(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.flush()
    })
}
