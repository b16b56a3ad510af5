//! [`Error`]: everything that can go wrong here, each with a stable code.

use std::io;
use std::path::PathBuf;

/// What failed, why, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no spelling of a key.
    #[error(
        "{text:?} is not a System V key; write it as 0x7800c028, 7800c028 (8 hexadecimal digits), 2013315112 (decimal), \
         SYSV7800c028 or \"/SYSV7800c028 (deleted)\""
    )]
    KeySyntax {
        /// The text as it was given.
        text: String,
    },

    /// A number is no key: keys have 32 bits.
    #[error(
        "{text:?} is not a System V key: a key has 32 bits, from -2147483648 to 4294967295 or 0x0 to 0xffffffff"
    )]
    KeyRange {
        /// The text as it was given.
        text: String,
    },

    /// ftok(3) needs an existing file, and stat(2) failed on it.
    #[error("cannot make a key from {path:?}: the file must exist and its directories be searchable")]
    KeyFile {
        /// The path as it was given.
        path: PathBuf,
        /// What stat(2) said.
        source: io::Error,
    },
}

impl Error {
    /// A short name of the kind of error that does not change between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Error::KeySyntax { .. } => "key-syntax",
            Error::KeyRange { .. } => "key-range",
            Error::KeyFile { .. } => "key-file",
        }
    }
}
