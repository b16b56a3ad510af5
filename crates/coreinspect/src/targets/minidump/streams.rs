//! The header of a minidump and its directory: which streams there are, and where.

use minidump_common::format::{MINIDUMP_DIRECTORY, MINIDUMP_HEADER, MINIDUMP_SIGNATURE};
use scroll::ctx::{SizeWith, TryFromCtx};
use scroll::{Endian, Pread};

use crate::error::{Error, Warnings};
use crate::machine::ByteOrder;
use crate::position::{FileOffset, Interval};
use crate::source::{Source, Table};

pub(crate) use minidump_common::format::MINIDUMP_STREAM_TYPE as Kind;

/// Streams that are looked at; real minidumps have some twenty.
const MOST_STREAMS: u32 = 1024;
/// Rows of a list that are read; a process has at most as many mappings and threads.
const MOST_ROWS: usize = 1 << 20;

const HEADER_SIZE: u64 = 32;
const DIRECTORY_SIZE: u64 = 12;

/// The streams of a minidump.
pub(crate) struct Streams<'s> {
    source: &'s dyn Source,
    byte_order: ByteOrder,
    streams: Vec<(u32, Interval<FileOffset>)>,
}

impl<'s> Streams<'s> {
    /// Reads header and directory.
    ///
    /// # Errors
    /// [`Error::CutOff`] inside the header or before the directory, [`Error::Read`].
    pub(crate) fn read(source: &'s dyn Source, warnings: &mut Warnings) -> Result<Self, Error> {
        let read = |range: Interval<FileOffset>, what| {
            source.bytes(range).map_err(|source| Error::Read { what, at: range.start(), source })
        };
        let cut_off = |what| Error::CutOff { what, at: FileOffset::new(source.size()) };
        let header = read(Interval::clamped(FileOffset::new(0), HEADER_SIZE), "the minidump's header")?;
        let big: Option<u32> = header.pread_with(0, Endian::Big).ok();
        let byte_order = if big == Some(MINIDUMP_SIGNATURE) { ByteOrder::Big } else { ByteOrder::Little };
        let header: MINIDUMP_HEADER = header
            .pread_with(0, byte_order.into())
            .map_err(|_| cut_off("inside the header of the minidump"))?;
        let count = header.stream_count.min(MOST_STREAMS);
        let at = FileOffset::new(u64::from(header.stream_directory_rva));
        let size = u64::from(count).saturating_mul(DIRECTORY_SIZE);
        let directory = read(Interval::clamped(at, size), "the directory of streams")?;
        let rows = directory.chunks_exact(usize::try_from(DIRECTORY_SIZE).unwrap_or(usize::MAX));
        let rows = rows.filter_map(|row| row.pread_with::<MINIDUMP_DIRECTORY>(0, byte_order.into()).ok());
        let mut streams = Vec::<(u32, Interval<FileOffset>)>::new();
        let mut read_rows = 0_u32;
        for row in rows {
            read_rows = read_rows.saturating_add(1);
            let place = FileOffset::new(u64::from(row.location.rva));
            let known = streams.iter().any(|(kind, _)| *kind == row.stream_type);
            if row.stream_type != u32::from(Kind::UnusedStream) && !known {
                streams.push((row.stream_type, Interval::clamped(place, u64::from(row.location.data_size))));
            }
        }
        if read_rows == 0 {
            return Err(cut_off("before the directory of the minidump's streams"));
        }
        if read_rows < header.stream_count {
            warnings.push("streams", || {
                format!(
                    "only {read_rows} of the {} streams that the directory at {at} claims are known",
                    header.stream_count
                )
            });
        }
        Ok(Self { source, byte_order, streams })
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    /// Which byte of a number stands first.
    pub(crate) fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Whether there is a stream of this number.
    pub(crate) fn has(&self, kind: u32) -> bool {
        self.streams.iter().any(|(known, _)| *known == kind)
    }

    /// Where the stream stands.
    pub(crate) fn place(&self, kind: Kind) -> Option<FileOffset> {
        Some(self.range(kind)?.start())
    }

    /// The offset in the file after the last byte that the directory promises.
    pub(crate) fn promised_end(&self) -> FileOffset {
        self.streams.iter().map(|(_, range)| range.end()).max().unwrap_or(FileOffset::new(0))
    }

    fn range(&self, kind: Kind) -> Option<Interval<FileOffset>> {
        let (_, range) = self.streams.iter().find(|(known, _)| *known == u32::from(kind))?;
        Some(*range)
    }

    /// The bytes of a stream, as far as the file has them; `None` if there is no such stream.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn bytes(&self, kind: Kind, what: &'static str) -> Result<Option<Table>, Error> {
        let Some(range) = self.range(kind) else { return Ok(None) };
        self.at(range, what).map(Some)
    }

    /// The bytes of `range`, as far as the file has them.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn at(&self, range: Interval<FileOffset>, what: &'static str) -> Result<Table, Error> {
        self.source.bytes(range).map_err(|source| Error::Read { what, at: range.start(), source })
    }

    /// A number of 4 bytes.
    pub(crate) fn number(&self, bytes: [u8; 4]) -> u32 {
        match self.byte_order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    /// A unit of UTF-16.
    pub(crate) fn unit(&self, bytes: [u8; 2]) -> u16 {
        match self.byte_order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    /// The structure at the start of a stream; `None` if the file does not hold all of it.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn structure<T>(&self, kind: Kind) -> Result<Option<T>, Error>
    where
        T: for<'a> TryFromCtx<'a, Endian, [u8], Error = scroll::Error>,
    {
        let bytes = self.bytes(kind, "a stream of the minidump")?;
        Ok(bytes.and_then(|bytes| bytes.pread_with(0, self.byte_order.into()).ok()))
    }

    /// The rows of a list: a count of 4 bytes, perhaps 4 more to align what follows, then the rows. As many as the file
    /// holds, whatever the count says.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn list<T>(&self, kind: Kind, warnings: &mut Warnings) -> Result<Vec<T>, Error>
    where
        T: for<'a> TryFromCtx<'a, Endian, [u8], Error = scroll::Error> + SizeWith<Endian>,
    {
        let Some(range) = self.range(kind) else { return Ok(Vec::new()) };
        let bytes = self.bytes(kind, "a list of the minidump")?.unwrap_or_default();
        let endian = Endian::from(self.byte_order);
        let row_size = T::size_with(&endian);
        let count: u32 = bytes.pread_with(0, endian).unwrap_or(0);
        let claimed = u64::from(count).saturating_mul(row_size as u64);
        let padding = if range.length() == claimed.saturating_add(8) { 8 } else { 4 };
        self.rows(kind, bytes.get(padding..).unwrap_or_default(), u64::from(count), warnings)
    }

    /// As many of `count` rows as stand in `bytes`.
    pub(crate) fn rows<T>(
        &self,
        kind: Kind,
        bytes: &[u8],
        count: u64,
        warnings: &mut Warnings,
    ) -> Result<Vec<T>, Error>
    where
        T: for<'a> TryFromCtx<'a, Endian, [u8], Error = scroll::Error> + SizeWith<Endian>,
    {
        let endian = Endian::from(self.byte_order);
        let most = usize::try_from(count).unwrap_or(usize::MAX).min(MOST_ROWS);
        let rows = bytes.chunks_exact(T::size_with(&endian).max(1)).take(most);
        let rows: Vec<T> = rows.filter_map(|row| row.pread_with(0, endian).ok()).collect();
        if (rows.len() as u64) < count {
            warnings.push("streams", || {
                format!("the stream {kind:?} claims {count} rows; {} of them are there", rows.len())
            });
        }
        Ok(rows)
    }
}
