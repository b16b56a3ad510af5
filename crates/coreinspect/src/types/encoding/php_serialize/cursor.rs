//! The bytes of serialized text, cut into the pieces that its grammar knows: tags, numbers, counted texts.

/// Where reading stands. No count is believed: what it asks for must be there.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) next: usize,
}

impl<'a> Cursor<'a> {
    /// `:LENGTH:"BYTES"`. With `escapes`, `\62` is the byte 0x62 and counts as one.
    pub(super) fn string(&mut self, escapes: bool) -> Result<Vec<u8>, String> {
        self.want(b":")?;
        let length = self.length(b':')?;
        self.want(b"\"")?;
        let bytes = if escapes { self.take_escaped(length)? } else { self.take(length)?.to_vec() };
        self.want(b"\"")?;
        Ok(bytes)
    }

    fn take_escaped(&mut self, length: usize) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let byte = match self.byte("text")? {
                b'\\' => {
                    let start = self.next;
                    let digits = std::str::from_utf8(self.take(2)?).ok();
                    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    byte.ok_or_else(|| format!("no two hexadecimal digits at {start}"))?
                }
                byte => byte,
            };
            bytes.push(byte);
        }
        Ok(bytes)
    }

    pub(super) fn float(&mut self) -> Result<f64, String> {
        let start = self.next;
        let digits = self.until(b';')?;
        match digits {
            b"INF" => Ok(f64::INFINITY),
            b"-INF" => Ok(f64::NEG_INFINITY),
            b"NAN" => Ok(f64::NAN),
            _ => {
                let plain = digits.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
                let number = std::str::from_utf8(digits).ok().filter(|_| plain);
                let number = number.and_then(|digits| digits.parse().ok());
                number.ok_or_else(|| format!("no number at {start}"))
            }
        }
    }

    /// Digits up to `end`.
    pub(super) fn number(&mut self, end: u8) -> Result<i64, String> {
        let start = self.next;
        let digits = std::str::from_utf8(self.until(end)?).ok();
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| format!("no whole number at {start}"))
    }

    pub(super) fn length(&mut self, end: u8) -> Result<usize, String> {
        let start = self.next;
        let number = self.number(end)?;
        usize::try_from(number).map_err(|_| format!("{number} at {start} is no length"))
    }

    /// The bytes before `end`, which no number is further away than.
    fn until(&mut self, end: u8) -> Result<&'a [u8], String> {
        const LONGEST: usize = 400;
        let left = self.bytes.get(self.next..).unwrap_or_default();
        let near = left.get(..LONGEST).unwrap_or(left);
        let Some((found, _)) = split_at(near, end) else {
            return Err(format!("no {:?} behind the number at {}", char::from(end), self.next));
        };
        self.next = self.next.saturating_add(found.len()).saturating_add(1);
        Ok(found)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.next.saturating_add(length);
        let bytes = self.bytes.get(self.next..end);
        let bytes = bytes.ok_or_else(|| format!("{length} bytes at {} pass the end", self.next))?;
        self.next = end;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self, what: &str) -> Result<u8, String> {
        let byte = self.bytes.get(self.next).copied();
        let byte = byte.ok_or_else(|| format!("it ends at {}, where {what} should begin", self.next))?;
        self.next = self.next.saturating_add(1);
        Ok(byte)
    }

    pub(super) fn want(&mut self, wanted: &[u8]) -> Result<(), String> {
        let start = self.next;
        if self.take(wanted.len()).is_ok_and(|found| found == wanted) {
            return Ok(());
        }
        Err(format!("no {:?} at {start}", String::from_utf8_lossy(wanted)))
    }
}

/// What stands before the first `end`, and behind it.
pub(super) fn split_at(bytes: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(end, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at.checked_add(1)?..)?))
}
