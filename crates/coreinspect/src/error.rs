//! What can go wrong with a dump as a whole, and what can be lost of it.

use std::io;

use crate::position::FileOffset;
use crate::source::Format;

/// Why a dump could not be read. Each says what was read, where, what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be opened.
    #[error("cannot open it: {}", reason(source))]
    Open {
        /// What open(2), fstat(2) or mmap(2) said.
        source: io::Error,
    },
    /// The file is something else than an ELF core.
    #[error("{format}; {}", format.advice())]
    NotACore {
        /// What it is.
        format: Format,
    },
    /// What is inside a compressed file is something else than an ELF core.
    #[error("{wrapping} of {format}; {}", format.advice())]
    NotACoreInside {
        /// What it is wrapped in.
        wrapping: String,
        /// What it is.
        format: Format,
    },
    /// A compressed file, or a pipe, broke off before there was anything to inspect.
    #[error("{damage}; too little of it is left to inspect: copy it again, or take a new dump")]
    Damaged {
        /// How it broke off.
        damage: String,
    },
    /// A limit, or a full disk, ended the reading of a compressed file or a pipe.
    #[error("coreinspect stopped reading: {source}")]
    Refused {
        /// Which, and what to do.
        source: io::Error,
    },
    /// The ELF header, or the table of program headers, cannot be used.
    #[error(
        "{what}, at offset {at}; the file is damaged or no core: `readelf -h` shows the header, take a new dump if you can"
    )]
    BadHeader {
        /// What is wrong with it.
        what: String,
        /// Where the wrong field stands.
        at: FileOffset,
    },
    /// The file ends before there is anything to inspect.
    #[error("the file ends at offset {at}, {what}; was the disk full, or the copy cut short?")]
    CutOff {
        /// Inside what it ends.
        what: &'static str,
        /// The file's size.
        at: FileOffset,
    },
    /// A read failed.
    #[error("cannot read {what} at offset {at}: {}", reason(source))]
    Read {
        /// What was read.
        what: &'static str,
        /// Where.
        at: FileOffset,
        /// What the operating system said.
        source: io::Error,
    },
    /// The named layout has no type for the bytes: what it says of them is known to the dump's own programs alone, and they do not
    /// tell.
    #[error("{problem}")]
    NoLayout {
        /// Why, in words.
        problem: String,
    },
    /// A running process could not be looked at.
    #[error("{}", of_a_process(*pid, what, source))]
    Process {
        /// The process.
        pid: u32,
        /// What of it was read.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why a process could not be looked at, and what to do.
fn of_a_process(pid: u32, what: &str, error: &io::Error) -> String {
    match process_code(error) {
        "no-process" => format!("there is no process {pid}: it has ended, or never existed"),
        "no-rights" => format!(
            "no right to read {what}: process {pid} belongs to another user, or is protected (set-user-ID, PR_SET_DUMPABLE); try as its user or as root: sudo coreinspect live {pid}"
        ),
        _ => format!("cannot read {what}, of process {pid}: {error}"),
    }
}

/// The word for what the operating system said of a process.
fn process_code(error: &io::Error) -> &'static str {
    const ESRCH: i32 = nix::libc::ESRCH;
    match error.kind() {
        io::ErrorKind::NotFound => "no-process",
        io::ErrorKind::PermissionDenied => "no-rights",
        _ if error.raw_os_error() == Some(ESRCH) => "no-process",
        _ => "process",
    }
}

/// An error of the operating system as a person reads it.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "no right to read it; a core has mode 0600 and belongs to the user of the process: try as that user or root".to_owned()
        }
        io::ErrorKind::IsADirectory => "it is a directory; name the dump inside it".to_owned(),
        io::ErrorKind::InvalidInput => {
            "it is no regular file (a FIFO, a device or a socket); save the dump to a file, or pipe it into `coreinspect -`"
                .to_owned()
        }
        io::ErrorKind::UnexpectedEof => {
            "the file became shorter while it was read; copy it to a quiet place and read the copy".to_owned()
        }
        _ => error.to_string(),
    }
}

impl Error {
    /// A stable word for scripts: `error.code` of the JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::NotACore { .. } | Self::NotACoreInside { .. } => "not-a-core",
            Self::Damaged { .. } => "damaged-stream",
            Self::Refused { .. } => "limit",
            Self::BadHeader { .. } => "bad-header",
            Self::CutOff { .. } => "cut-off",
            Self::Read { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => "file-shrank",
            Self::Read { .. } => "read",
            Self::NoLayout { .. } => "no-layout",
            Self::Process { source, .. } => process_code(source),
        }
    }

    /// Where in the file, in bytes; `None` if no place is to blame.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Open { .. } | Self::Process { .. } | Self::Refused { .. } | Self::NoLayout { .. } => None,
            Self::NotACore { .. } | Self::NotACoreInside { .. } | Self::Damaged { .. } => Some(0),
            Self::BadHeader { at, .. } | Self::CutOff { at, .. } | Self::Read { at, .. } => Some(at.get()),
        }
    }
}

/// For where bytes are read while they are written out: whoever wrote gets the [`Error`] back by [`io::Error::downcast`].
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

/// Something that a dump does not hold, or holds damaged, and that did not keep the rest from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable word for scripts.
    pub code: &'static str,
    /// What is lost, where, and what follows.
    pub message: String,
}

impl Warning {
    /// A warning of `code` that says `message`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Warnings as they come up. A damaged file can earn one for each of a million notes: of each code the first few are
/// kept in full, the rest are counted.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    counts: Vec<(&'static str, u64)>,
}

/// Warnings of one code that are kept in full.
const KEPT_OF_A_CODE: u64 = 5;

impl Warnings {
    /// Adds a warning of `code`. `message` is called only if the text is kept.
    pub(crate) fn push(&mut self, code: &'static str, message: impl FnOnce() -> String) {
        let known = self.counts.iter().position(|(known, _)| *known == code).unwrap_or_else(|| {
            self.counts.push((code, 0));
            self.counts.len().saturating_sub(1)
        });
        let Some((_, count)) = self.counts.get_mut(known) else { return };
        *count = count.saturating_add(1);
        if *count <= KEPT_OF_A_CODE {
            self.kept.push(Warning::new(code, message()));
        }
    }

    /// Whether any warning of `code` came up.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.counts.iter().any(|(known, _)| *known == code)
    }

    /// Adds those of `other`.
    pub(crate) fn append(&mut self, other: Self) {
        self.kept.extend(other.kept);
        for (code, count) in other.counts {
            match self.counts.iter_mut().find(|(known, _)| *known == code) {
                Some((_, total)) => *total = total.saturating_add(count),
                None => self.counts.push((code, count)),
            }
        }
    }

    /// The warnings, and one line for those of a code that were only counted.
    pub(crate) fn into_list(self) -> Vec<Warning> {
        let mut list = self.kept;
        for (code, count) in self.counts {
            let more = count.saturating_sub(KEPT_OF_A_CODE);
            if more > 0 {
                list.push(Warning::new(code, format!("{more} more warnings of this kind")));
            }
        }
        list
    }
}
