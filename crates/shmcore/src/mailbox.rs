//! [`Mailbox`]: a flag and a message, as thousands of C programs lay them out.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Attachment, Error};

/// The first byte of a [`Mailbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// 0: there is no message. New segments are so.
    Empty,
    /// 1: the message is complete.
    Ready,
    /// 2: a reader has read it.
    Read,
    /// Any other value, which the protocol does not have.
    Unknown(u8),
}

impl Flag {
    /// The flag that a byte stands for.
    pub const fn from_byte(byte: u8) -> Flag {
        match byte {
            0 => Flag::Empty,
            1 => Flag::Ready,
            2 => Flag::Read,
            other => Flag::Unknown(other),
        }
    }

    /// The byte that stands for the flag.
    pub const fn byte(self) -> u8 {
        match self {
            Flag::Empty => 0,
            Flag::Ready => 1,
            Flag::Read => 2,
            Flag::Unknown(other) => other,
        }
    }
}

impl fmt::Display for Flag {
    /// `empty`, `ready`, `read`, or `unknown (7)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::Empty => f.write_str("empty"),
            Flag::Ready => f.write_str("ready"),
            Flag::Read => f.write_str("read"),
            Flag::Unknown(byte) => write!(f, "unknown ({byte})"),
        }
    }
}

/// A segment laid out as a [`Flag`] in byte 0 and, from byte 1 on, a message that a NUL ends.
///
/// One writer and one reader take turns: the writer writes while the flag is not ready, the reader reads
/// while it is. C programs that use plain loads and stores take part.
///
/// ```
/// use std::time::Duration;
/// use shmcore::{Access, Flag, Key, Mailbox, OwnedSegment, Permissions, Segment};
///
/// let segment = OwnedSegment::new(Segment::create(Key::PRIVATE, 1024, Permissions::OWNER)?);
/// let writer = Mailbox::new(segment.attach(Access::ReadWrite)?)?;
/// let reader = Mailbox::new(segment.attach(Access::ReadWrite)?)?;
///
/// writer.write(b"Hello from writer process!")?;
///
/// reader.wait_for(Flag::Ready, Duration::from_secs(1))?;
/// assert_eq!(reader.message()?, b"Hello from writer process!");
/// reader.set_flag(Flag::Read)?;
///
/// assert_eq!(writer.flag()?, Flag::Read);
/// # Ok::<(), shmcore::Error>(())
/// ```
#[derive(Debug)]
pub struct Mailbox {
    attachment: Attachment,
}

const FLAG: usize = 0;
const MESSAGE: usize = 1;

/// Between two looks at the flag: short beside a person's patience, long beside a look.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

impl Mailbox {
    /// Uses an attached segment as a mailbox. Changes nothing in it.
    ///
    /// # Errors
    /// [`Error::MailboxTooSmall`] below 2 bytes.
    pub fn new(attachment: Attachment) -> Result<Mailbox, Error> {
        match attachment.size() {
            size @ (0 | 1) => Err(Error::MailboxTooSmall { size }),
            _ => Ok(Mailbox { attachment }),
        }
    }

    /// The attached segment.
    pub const fn attachment(&self) -> &Attachment {
        &self.attachment
    }

    /// The longest message, in bytes, without its NUL.
    pub const fn capacity(&self) -> usize {
        self.attachment.size().saturating_sub(MESSAGE + 1)
    }

    /// The flag. After [`Flag::Ready`] the message is visible (acquire).
    ///
    /// # Errors
    /// As [`Attachment::load`].
    pub fn flag(&self) -> Result<Flag, Error> {
        self.attachment.load(FLAG).map(Flag::from_byte)
    }

    /// Sets the flag, after all that was written before (release).
    ///
    /// # Errors
    /// [`Error::ReadOnly`].
    pub fn set_flag(&self, flag: Flag) -> Result<(), Error> {
        self.attachment.store(FLAG, flag.byte())
    }

    /// Writes the message and its NUL, then sets the flag to [`Flag::Ready`]. It does not look at the flag
    /// before: a message that nobody has read is lost.
    ///
    /// # Errors
    /// [`Error::MessageTooLong`], [`Error::MessageHoldsNul`], [`Error::ReadOnly`]; then nothing was written.
    pub fn write(&self, message: &[u8]) -> Result<(), Error> {
        let length = message.len();
        if length > self.capacity() {
            return Err(Error::MessageTooLong { length, size: self.attachment.size() });
        }
        if let Some(at) = message.iter().position(|&byte| byte == 0) {
            return Err(Error::MessageHoldsNul { at, length });
        }
        self.attachment.write(MESSAGE, message)?;
        self.attachment.write(MESSAGE.saturating_add(length), &[0])?;
        self.set_flag(Flag::Ready)
    }

    /// The message without its NUL, whatever the flag says.
    ///
    /// # Errors
    /// [`Error::MessageUnterminated`] if there is no NUL up to the end of the segment.
    pub fn message(&self) -> Result<Vec<u8>, Error> {
        let size = self.attachment.size();
        let mut message = Vec::new();
        for offset in MESSAGE..size {
            match self.attachment.load(offset)? {
                0 => return Ok(message),
                byte => message.push(byte),
            }
        }
        Err(Error::MessageUnterminated { size })
    }

    /// Waits until the flag is `wanted`, looking every millisecond.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if it is not within `timeout`. It is looked at once even if that is 0.
    pub fn wait_for(&self, wanted: Flag, timeout: Duration) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            let found = self.flag()?;
            if found == wanted {
                return Ok(());
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::TimedOut { wanted, found, waited: timeout });
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }
}
