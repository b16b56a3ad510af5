//! Every segment of an IPC namespace, and the limits that hold there, from procfs.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::mem;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::status::{pid, time};
use crate::{Error, Gid, Key, Permissions, ShmId, Status, Uid};

/// One row of `/proc/sysvipc/shm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSegment {
    /// What shmctl(2) would tell, here for everybody.
    pub status: Status,
    /// Resident memory, in bytes. `None` where the kernel has no such column.
    pub resident: Option<u64>,
    /// Swapped memory, in bytes. `None` where the kernel has no such column.
    pub swapped: Option<u64>,
}

/// The limits of an IPC namespace (proc_sys_kernel(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// SHMMAX: the largest segment that may be created, in bytes.
    pub max_size: u64,
    /// SHMALL: how much memory all segments together may have, in pages.
    pub max_pages: u64,
    /// SHMMNI: how many segments there may be.
    pub max_segments: u64,
}

const SEGMENTS: &str = "/proc/sysvipc/shm";

/// Every segment of this thread's IPC namespace, in the kernel's order.
///
/// # Errors
/// [`Error::Proc`] without procfs, [`Error::ProcSyntax`] if a row is not understood; [`parse`] gives the
/// other rows.
pub fn segments() -> Result<Vec<ListedSegment>, Error> {
    let file = File::open(SEGMENTS).map_err(|source| Error::Proc { path: SEGMENTS.into(), source })?;
    parse(BufReader::new(file), SEGMENTS)?.collect()
}

/// Reads what `/proc/sysvipc/shm` holds (kernel `ipc/shm.c`, `sysvipc_shm_proc_show`); `path` is for error
/// messages.
///
/// The columns are found by the names in the first line, so their order, their widths, which differ between
/// 32 and 64 bits, and further columns do not matter. `rss` and `swap` may be missing. A row that is not
/// understood is one error among the rows; a failure to read ends them.
///
/// # Errors
/// [`Error::Proc`] if reading fails, [`Error::ProcSyntax`] if the first line lacks a column.
///
/// ```
/// use shmcore::ipcs;
///
/// let table = "key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime\n\
///              2013315112 7 1600 1024 10 0 1 100000 100000 100000 100000 0 0 1700000000\n";
/// let rows: Result<Vec<_>, _> = ipcs::parse(table.as_bytes(), "table")?.collect();
/// let status = &rows?[0].status;
/// assert_eq!(status.key().to_string(), "0x7800c028");
/// assert_eq!(status.owner().as_raw(), 100_000);
/// assert!(status.permissions().is_removed());
/// assert_eq!(status.attached(), None);
/// # Ok::<(), shmcore::Error>(())
/// ```
pub fn parse<R: BufRead>(
    reader: R,
    path: impl Into<PathBuf>,
) -> Result<impl Iterator<Item = Result<ListedSegment, Error>>, Error> {
    let path = path.into();
    let mut lines = reader.lines();
    let header = lines.next().transpose();
    let header = header.map_err(|source| Error::Proc { path: path.clone(), source })?;
    let header = header.unwrap_or_default();
    let columns: HashMap<String, usize> = header.split_whitespace().map(str::to_owned).zip(0..).collect();
    if let Some(missing) = REQUIRED.iter().find(|&&column| !columns.contains_key(column)) {
        let problem = format!("the header has no column {missing:?}");
        return Err(Error::ProcSyntax { path, line: 1, problem });
    }
    // A reader that fails once may fail for ever.
    let mut failed = false;
    Ok(lines.zip(2..).take_while(move |(text, _)| !mem::replace(&mut failed, text.is_err())).map(
        move |(text, line)| {
            let text = text.map_err(|source| Error::Proc { path: path.clone(), source })?;
            let fields = text.split_whitespace().collect();
            Row { columns: &columns, fields }.segment().map_err(|problem| Error::ProcSyntax {
                path: path.clone(),
                line,
                problem,
            })
        },
    ))
}

const REQUIRED: [&str; 14] = [
    "key", "shmid", "perms", "size", "cpid", "lpid", "nattch", "uid", "gid", "cuid", "cgid", "atime",
    "dtime", "ctime",
];

struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    fields: Vec<&'a str>,
}

impl Row<'_> {
    fn segment(&self) -> Result<ListedSegment, String> {
        let permissions = self.text("perms")?;
        let permissions =
            u32::from_str_radix(permissions, 8).map_err(|_| format!("perms {permissions:?} is not octal"))?;
        let status = Status {
            id: ShmId::from_raw(self.number("shmid")?),
            key: Key::from_raw(self.number("key")?),
            size: self.number("size")?,
            permissions: Permissions::from_bits(permissions),
            owner: Uid::from_raw(self.number("uid")?),
            group: Gid::from_raw(self.number("gid")?),
            creator: Uid::from_raw(self.number("cuid")?),
            creator_group: Gid::from_raw(self.number("cgid")?),
            attach_count: self.number("nattch")?,
            creator_pid: pid(self.number("cpid")?),
            last_pid: pid(self.number("lpid")?),
            attached: time(self.number("atime")?),
            detached: time(self.number("dtime")?),
            changed: time(self.number("ctime")?),
        };
        Ok(ListedSegment {
            status,
            resident: self.optional_number("rss")?,
            swapped: self.optional_number("swap")?,
        })
    }

    fn text(&self, column: &str) -> Result<&str, String> {
        let field = self.columns.get(column).and_then(|&at| self.fields.get(at));
        field.copied().ok_or_else(|| format!("there is no {column}"))
    }

    fn number<T: FromStr>(&self, column: &str) -> Result<T, String> {
        let text = self.text(column)?;
        text.parse().map_err(|_| format!("{column} {text:?} is not a number in its range"))
    }

    fn optional_number(&self, column: &str) -> Result<Option<u64>, String> {
        let known = self.columns.contains_key(column);
        known.then(|| self.number(column)).transpose()
    }
}

impl Limits {
    /// The limits of this thread's IPC namespace.
    ///
    /// # Errors
    /// [`Error::Proc`], [`Error::ProcSyntax`].
    pub fn read() -> Result<Limits, Error> {
        Ok(Limits {
            max_size: limit("/proc/sys/kernel/shmmax")?,
            max_pages: limit("/proc/sys/kernel/shmall")?,
            max_segments: limit("/proc/sys/kernel/shmmni")?,
        })
    }
}

fn limit(path: impl AsRef<Path>) -> Result<u64, Error> {
    let path = path.as_ref().to_owned();
    match fs::read_to_string(&path) {
        Ok(text) => text.trim_ascii().parse().map_err(|_| Error::ProcSyntax {
            path,
            line: 1,
            problem: format!("{text:?} is not a number"),
        }),
        Err(source) => Err(Error::Proc { path, source }),
    }
}
