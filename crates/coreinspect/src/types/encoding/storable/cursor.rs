//! The bytes that Storable froze, cut into the pieces that its header describes: bytes, numbers, lengths.

use crate::machine::ByteOrder;

/// Where reading stands, and how numbers are written. No length is believed: what it asks for must be there.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) next: usize,
    pub(super) order: ByteOrder,
    integer: usize,
    /// Bytes of a double.
    pub(super) double: usize,
}

impl<'a> Cursor<'a> {
    /// At the header; without one numbers are in network order.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, order: ByteOrder::Big, integer: 8, double: 8 }
    }

    /// Reads the header.
    pub(super) fn header(&mut self) -> Result<(), String> {
        let version = self.byte()?;
        let minor = self.byte()?;
        if version >> 1 != 2 || minor > 12 {
            return Err(format!("a header {version} {minor}, which Storable does not write"));
        }
        if version & 1 == 1 {
            return Ok(());
        }
        let length = self.byte()?;
        let order = self.take(length.into())?;
        let order = match order {
            b"1234" | b"12345678" => ByteOrder::Little,
            b"4321" | b"87654321" => ByteOrder::Big,
            _ => return Err(format!("the byte order \"{}\"", order.escape_ascii())),
        };
        let sizes = self.take(3)?;
        if !sizes.iter().all(|size| matches!(size, 4 | 8)) {
            return Err(format!("int, long and pointer of {sizes:?} bytes"));
        }
        self.double = if minor >= 2 { self.byte()?.into() } else { 8 };
        if !matches!(self.double, 8 | 12 | 16) {
            return Err(format!("a double of {} bytes", self.double));
        }
        (self.order, self.integer) = (order, length.into());
        Ok(())
    }

    pub(super) fn integer(&mut self) -> Result<i128, String> {
        let order = self.order;
        Ok(match self.integer {
            4 => match order {
                ByteOrder::Little => i32::from_le_bytes(self.array()?).into(),
                ByteOrder::Big => i32::from_be_bytes(self.array()?).into(),
            },
            _ => match order {
                ByteOrder::Little => i64::from_le_bytes(self.array()?).into(),
                ByteOrder::Big => i64::from_be_bytes(self.array()?).into(),
            },
        })
    }

    /// A length of four bytes; those of 2 GiB and more have a kind of their own.
    pub(super) fn length(&mut self) -> Result<usize, String> {
        let length = match self.order {
            ByteOrder::Little => i32::from_le_bytes(self.array()?),
            ByteOrder::Big => i32::from_be_bytes(self.array()?),
        };
        usize::try_from(length).map_err(|_| self.wrong(&format!("a length of {length}")))
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.wrong("too few bytes"))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.next.checked_add(length);
        let taken = end.and_then(|end| Some((self.bytes.get(self.next..end)?, end)));
        let (taken, end) = taken.ok_or_else(|| self.wrong("it ends before its value does"))?;
        self.next = end;
        Ok(taken)
    }

    pub(super) fn wrong(&self, what: &str) -> String {
        format!("{what}, at byte {} of it", self.next)
    }
}
