//! [`Key`]: the number that two processes agree on to find one segment, and every way tools spell it.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use crate::Error;

/// A System V IPC key (`key_t`, 32 bits).
///
/// The kernel keeps it signed and prints it both ways: `/proc/sysvipc/shm` in signed decimal, the name of a
/// mapping in hexadecimal, two's complement (kernel `ipc/shm.c`, `"SYSV%08x"`). [`Display`](fmt::Display)
/// writes what `ipcs -m` shows: `0x7800c028`.
///
/// ```
/// use shmcore::Key;
///
/// let key: Key = "/SYSV7800c028 (deleted)".parse()?;
/// assert_eq!(key.to_string(), "0x7800c028");
/// assert_eq!(key.parts().project_char(), Some('x'));
/// assert_eq!("-1".parse::<Key>()?, Key::from_bits(0xffff_ffff));
/// # Ok::<(), shmcore::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(i32);

/// What [`Key::ftok`] packs into a key. Only low bits survive, so different files can share one key (ftok(3),
/// Notes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyParts {
    /// Bits 24 to 31: the project id, often a letter.
    pub project_id: u8,
    /// Bits 16 to 23: the low 8 bits of `st_dev`, which are those of the device's minor number.
    pub device_low: u8,
    /// Bits 0 to 15: the low 16 bits of `st_ino`.
    pub inode_low: u16,
}

/// The name of a mapping that is a System V segment, from [`Key::from_mapping_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MappingName {
    /// The key the segment was made with; IPC_RMID does not change the name. [`Key::PRIVATE`] for every
    /// private segment.
    pub key: Key,
    /// Whether ` (deleted)` follows. The kernel always writes it: the file behind a segment never has a link.
    pub deleted: bool,
}

/// Every key that a text can mean, from [`Key::readings`]: one, or two where eight digits are decimal and
/// hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    first: Key,
    second: Option<Key>,
}

const NAME_PREFIX: &str = "/SYSV";
const DELETED_SUFFIX: &str = " (deleted)";

impl Key {
    /// `IPC_PRIVATE`: not a key to look up but the wish for a new segment. Every segment made with it has
    /// this key.
    pub const PRIVATE: Key = Key(0);

    /// The key with this `key_t` value.
    pub const fn from_raw(raw: i32) -> Key {
        Key(raw)
    }

    /// The `key_t` value.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The key with these bits (two's complement).
    pub const fn from_bits(bits: u32) -> Key {
        Key(bits.cast_signed())
    }

    /// The bits of the key (two's complement).
    pub const fn bits(self) -> u32 {
        self.0.cast_unsigned()
    }

    /// Whether this is [`Key::PRIVATE`].
    pub const fn is_private(self) -> bool {
        self.0 == Self::PRIVATE.0
    }

    /// The key that ftok(3) makes: `(id & 0xff) << 24 | (st_dev & 0xff) << 16 | (st_ino & 0xffff)`.
    ///
    /// As in glibc and musl symbolic links are followed, and a project id of 0, which POSIX leaves undefined,
    /// is packed like any other. Moving or replacing the file changes the key, renaming it does not.
    ///
    /// # Errors
    /// [`Error::KeyFile`] if stat(2) fails on `path`.
    pub fn ftok(path: impl AsRef<Path>, project_id: u8) -> Result<Key, Error> {
        let path = path.as_ref();
        let metadata =
            std::fs::metadata(path).map_err(|source| Error::KeyFile { path: path.to_owned(), source })?;
        let [.., device_low] = metadata.dev().to_be_bytes();
        let [.., inode_high, inode_low] = metadata.ino().to_be_bytes();
        let inode_low = u16::from_be_bytes([inode_high, inode_low]);
        Ok(Key::from_parts(KeyParts { project_id, device_low, inode_low }))
    }

    /// Packs what ftok(3) would pack.
    pub const fn from_parts(parts: KeyParts) -> Key {
        let [high, low] = parts.inode_low.to_be_bytes();
        Key(i32::from_be_bytes([parts.project_id, parts.device_low, high, low]))
    }

    /// The key read as one from ftok(3). Nothing in a key says that ftok made it; many programs use
    /// constants.
    pub const fn parts(self) -> KeyParts {
        let [project_id, device_low, high, low] = self.0.to_be_bytes();
        KeyParts { project_id, device_low, inode_low: u16::from_be_bytes([high, low]) }
    }

    /// Reads a mapping's name as the kernel prints it in `/proc/PID/maps` and in a core's NT_FILE note.
    ///
    /// Exactly `/SYSV`, eight lower-case hexadecimal digits, and ` (deleted)` or nothing (kernel `ipc/shm.c`,
    /// `newseg`); all else is `None`. The name is evidence, not proof: an unlinked regular file can be called
    /// the same. Allocates nothing.
    ///
    /// ```
    /// use shmcore::{Key, MappingName};
    ///
    /// let name = Key::from_mapping_name(b"/SYSV7800c028 (deleted)");
    /// assert_eq!(name, Some(MappingName { key: Key::from_bits(0x7800c028), deleted: true }));
    /// assert_eq!(Key::from_mapping_name(b"/memfd:SYSV12345678 (deleted)"), None);
    /// ```
    pub fn from_mapping_name(name: &[u8]) -> Option<MappingName> {
        let rest = name.strip_prefix(NAME_PREFIX.as_bytes())?;
        let (digits, suffix) = rest.split_first_chunk::<8>()?;
        let deleted = match suffix {
            [] => false,
            suffix if suffix == DELETED_SUFFIX.as_bytes() => true,
            _ => return None,
        };
        let mut bits = 0;
        for digit in digits {
            let value = char::from(*digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase())?;
            bits = bits << 4 | value;
        }
        Some(MappingName { key: Key::from_bits(bits), deleted })
    }

    /// Every key that `text` can mean, the decimal one first.
    ///
    /// `text` is any spelling that tools print: `0x7800c028` (`ipcs`; one to eight digits), `7800c028`,
    /// `SYSV7800c028`, `/SYSV7800c028 (deleted)`, or decimal, signed as in `/proc/sysvipc/shm` or unsigned.
    /// Digits only are decimal; eight digits only are also hexadecimal, and the caller can decide by what
    /// exists. Hexadecimal digits may be of either case.
    ///
    /// # Errors
    /// [`Error::KeySyntax`] if `text` is none of these, [`Error::KeyRange`] if it is a number beyond 32 bits.
    ///
    /// ```
    /// use shmcore::Key;
    ///
    /// let keys: Vec<Key> = Key::readings("12345678")?.into_iter().collect();
    /// assert_eq!(keys, [Key::from_raw(12_345_678), Key::from_bits(0x1234_5678)]);
    /// # Ok::<(), shmcore::Error>(())
    /// ```
    pub fn readings(text: &str) -> Result<Readings, Error> {
        let syntax = || Error::KeySyntax { text: text.to_owned() };
        let one = |first| Readings { first, second: None };

        let name = text.strip_suffix(DELETED_SUFFIX).unwrap_or(text);
        if let Some(digits) = name.strip_prefix(NAME_PREFIX).or_else(|| name.strip_prefix("SYSV")) {
            return eight_hexadecimal_digits(digits).map(one).ok_or_else(syntax);
        }
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(syntax());
            }
            let bits =
                u32::from_str_radix(digits, 16).map_err(|_| Error::KeyRange { text: text.to_owned() })?;
            return Ok(one(Key::from_bits(bits)));
        }
        let hexadecimal = eight_hexadecimal_digits(text);
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return hexadecimal.map(one).ok_or_else(syntax);
        }
        let raw = text.parse::<i32>().or_else(|_| text.parse::<u32>().map(u32::cast_signed));
        let first = raw.map(Key).map_err(|_| Error::KeyRange { text: text.to_owned() })?;
        Ok(Readings { first, second: hexadecimal.filter(|&key| key != first) })
    }

    /// The key in a text that names a mapping of a segment, as debuggers' messages do: `Unable to verify timestamp for SYSV10cf21d1
    /// (deleted)`.
    pub fn in_text(text: &str) -> Option<Key> {
        text.match_indices("SYSV").find_map(|(at, name)| {
            let rest = text.get(at.checked_add(name.len())?..)?;
            let end = rest.find(|next: char| !next.is_ascii_hexdigit()).unwrap_or(rest.len());
            eight_hexadecimal_digits(rest.get(..end)?)
        })
    }

    /// As `ipcs -m` prints it: `0x7800c028`. The same as [`Display`](fmt::Display).
    pub fn hexadecimal(self) -> impl fmt::Display {
        self
    }

    /// As `/proc/sysvipc/shm` prints it: signed decimal.
    pub fn signed_decimal(self) -> impl fmt::Display {
        self.raw()
    }

    /// Unsigned decimal, as programs print that keep a key in an `unsigned int`.
    pub fn unsigned_decimal(self) -> impl fmt::Display {
        self.bits()
    }

    /// As the kernel names the mapping: `/SYSV7800c028 (deleted)`.
    pub fn mapping_name(self) -> impl fmt::Display {
        Name(self)
    }
}

struct Name(Key);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME_PREFIX}{:08x}{DELETED_SUFFIX}", self.0.bits())
    }
}

fn eight_hexadecimal_digits(digits: &str) -> Option<Key> {
    let all = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(Key::from_bits)
}

impl FromStr for Key {
    type Err = Error;

    /// The first of [`Key::readings`]: eight digits that are all decimal are a decimal number.
    fn from_str(text: &str) -> Result<Key, Error> {
        Key::readings(text).map(Readings::first)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.bits())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl KeyParts {
    /// A project id as people write it: a character (`x`, or `'x'` in quotes), or a number up to 255 (`120`, `0x78`). A
    /// single digit is a number, as in `ftok(path, 1)`. `None` for anything else.
    ///
    /// ```
    /// use shmcore::KeyParts;
    ///
    /// assert_eq!(KeyParts::parse_project_id("x"), Some(0x78));
    /// assert_eq!(KeyParts::parse_project_id("0x78"), Some(0x78));
    /// assert_eq!(KeyParts::parse_project_id("1"), Some(1));
    /// assert_eq!(KeyParts::parse_project_id("256"), None);
    /// ```
    pub fn parse_project_id(text: &str) -> Option<u8> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        number.or(match text.as_bytes() {
            [character @ (b' '..=b'~')] | [b'\'', character, b'\''] => Some(*character),
            _ => None,
        })
    }

    /// The project id as the character that was most likely meant: printable ASCII, space included.
    pub fn project_char(self) -> Option<char> {
        matches!(self.project_id, b' '..=b'~').then(|| char::from(self.project_id))
    }
}

impl Readings {
    /// The reading that [`FromStr`] takes.
    pub const fn first(self) -> Key {
        self.first
    }

    /// The hexadecimal reading of eight decimal digits.
    pub const fn second(self) -> Option<Key> {
        self.second
    }
}

impl IntoIterator for Readings {
    type Item = Key;
    type IntoIter = std::iter::Chain<std::iter::Once<Key>, std::option::IntoIter<Key>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.second)
    }
}
