//! Programs, libraries and their debug files: ELF files beside the dump, read by the crate `object`.
//!
//! They are trusted more than a dump, because the user or the build-id chose them, but not to be undamaged: what is
//! wrong in them is an error, never a panic.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use object::read::{Object, ObjectSection};

use crate::machine::{ByteOrder, Class, Machine};
use crate::position::{FileOffset, Interval};
use crate::source::{Layer, MappedFile, Source, Table};

/// Bytes that a byte of a compressed section may unpack to: zlib's most. Real debug information has a tenth of a tenth.
const RATIO: u64 = 1032;

/// An ELF file: a program, a library, or a file of debug information.
#[derive(Debug)]
pub struct ElfFile {
    path: PathBuf,
    bytes: Table,
    /// The file that `bytes` may be a map of.
    file: Option<MappedFile>,
    machine: Machine,
}

/// The bytes of a section: in the file, or unpacked.
#[derive(Debug)]
pub enum Section {
    /// Where they stand in the file.
    InFile(Range<usize>),
    /// What a compressed section unpacked to.
    Unpacked(Vec<u8>),
}

impl ElfFile {
    /// Opens the file at `path`, which must be a regular one: a FIFO or a device is refused without waiting for it.
    ///
    /// # Errors
    /// What the operating system said, or why it is no ELF file, in words.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        })?;
        let file = MappedFile::new(file).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
            io::ErrorKind::InvalidInput => "it is no regular file".to_owned(),
            _ => error.to_string(),
        })?;
        let all = Interval::clamped(FileOffset::new(0), file.size());
        let bytes = file.bytes(all).map_err(|error| error.to_string())?;
        Self::of(path.to_owned(), bytes, Some(file))
    }

    /// The file whose bytes are `bytes`, called `path` in messages.
    ///
    /// # Errors
    /// Why they are no ELF file, in words.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, String> {
        Self::of(path.to_owned(), bytes.into(), None)
    }

    fn of(path: PathBuf, bytes: Table, file: Option<MappedFile>) -> Result<Self, String> {
        let machine = machine(&bytes).ok_or("it is no ELF file")?;
        let file = Self { path, bytes, file, machine };
        file.object()?;
        Ok(file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The machine that it is for.
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        // Shorter than it was: nothing of it is believed any more.
        if self.file.as_ref().is_some_and(MappedFile::is_shorter) { &[] } else { &self.bytes }
    }

    /// The file as `object` reads it; to read its header costs next to nothing.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn object(&self) -> Result<object::File<'_>, String> {
        object::File::parse(self.bytes()).map_err(|error| error.to_string())
    }

    /// What the linker wrote to tell this build from every other (`ld --build-id`).
    pub fn build_id(&self) -> Option<&[u8]> {
        self.object().ok()?.build_id().ok()?
    }

    /// The section called `name`, unpacked; `None` if there is none, or only room for it.
    ///
    /// # Errors
    /// Why it cannot be unpacked.
    pub fn section(&self, name: &str) -> Result<Option<Section>, String> {
        let object = self.object()?;
        let Some(section) = object.section_by_name(name) else { return Ok(None) };
        let wrong = |error: object::Error| format!("section {name}: {error}");
        let data = section.compressed_data().map_err(wrong)?;
        if data.format == object::CompressionFormat::None {
            let range = section.file_range().and_then(|(start, size)| {
                let start = usize::try_from(start).ok()?;
                let range = start..start.checked_add(usize::try_from(size).ok()?)?;
                self.bytes().get(range.clone()).filter(|bytes| !bytes.is_empty()).map(|_| range)
            });
            return Ok(range.map(Section::InFile));
        }
        if data.uncompressed_size > RATIO.saturating_mul(data.data.len() as u64) {
            return Err(format!("section {name} claims to unpack to {} bytes", data.uncompressed_size));
        }
        Ok(Some(Section::Unpacked(unpack(data).map_err(|error| format!("section {name}: {error}"))?)))
    }

    /// Bytes that [`ElfFile::section`] would unpack for the section called `name`: 0 for one that is not compressed.
    pub fn unpacked_size(&self, name: &str) -> u64 {
        let object = self.object().ok();
        let section = object.as_ref().and_then(|object| object.section_by_name(name));
        let data = section.and_then(|section| section.compressed_data().ok());
        let data = data.filter(|data| data.format != object::CompressionFormat::None);
        data.map_or(0, |data| data.uncompressed_size)
    }

    /// The bytes of `section`, which [`ElfFile::section`] found.
    pub fn bytes_of<'a>(&'a self, section: &'a Section) -> &'a [u8] {
        match section {
            Section::InFile(range) => self.bytes().get(range.clone()).unwrap_or_default(),
            Section::Unpacked(bytes) => bytes,
        }
    }
}

/// What a compressed section holds (gabi, "Section Compression"). Its bytes are as many as its header says, or it is an error.
fn unpack(data: object::CompressedData<'_>) -> Result<Vec<u8>, String> {
    let bytes = data.data.to_vec();
    let decoder = match data.format {
        object::CompressionFormat::Zlib => zlib(bytes),
        object::CompressionFormat::Zstandard => Layer::Zstandard.decoder(Box::new(Cursor::new(bytes))),
        _ => return Err("it is compressed by a method that is not known".to_owned()),
    };
    let mut unpacked = Vec::new();
    let read = decoder.and_then(|decoder| decoder.take(data.uncompressed_size).read_to_end(&mut unpacked));
    let length = read.map_err(|error| error.to_string())?;
    if length as u64 != data.uncompressed_size {
        return Err(format!("it unpacks to {length} bytes and claims {}", data.uncompressed_size));
    }
    Ok(unpacked)
}

#[cfg(feature = "compression")]
fn zlib(bytes: Vec<u8>) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(flate2::bufread::ZlibDecoder::new(Cursor::new(bytes))))
}

#[cfg(not(feature = "compression"))]
fn zlib(_: Vec<u8>) -> io::Result<Box<dyn Read + Send>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this build of coreinspect cannot read zlib"))
}

/// Machine, class and byte order of an ELF header (elf(5)).
pub(super) fn machine(header: &[u8]) -> Option<Machine> {
    if header.get(..4)? != b"\x7fELF" {
        return None;
    }
    let class = match header.get(4)? {
        1 => Class::Bits32,
        2 => Class::Bits64,
        _ => return None,
    };
    let number = header.get(18..20)?.try_into().ok()?;
    let (byte_order, number) = match header.get(5)? {
        1 => (ByteOrder::Little, u16::from_le_bytes(number)),
        2 => (ByteOrder::Big, u16::from_be_bytes(number)),
        _ => return None,
    };
    Some(Machine { number, class, byte_order })
}
