//! The default layout: the flag + content protocol of [`shmcore::Mailbox`].
//!
//! Byte 0 is a control flag: 0 empty, 1 data ready, 2 read. From byte 1 stands a NUL-ended message.

use super::{Budget, Confidence, Unavailable, read_blocks, read_from, unavailable};
use crate::error::Error;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::target::Target;

/// Bytes of a message that are shown unless all are asked for.
pub const SHOWN: usize = 4096;

/// What a segment holds, read as a mailbox. What is missing is `None`, never 0 or "".
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Byte 0.
    pub flag: Option<u8>,
    /// The message, if its first byte is there.
    pub message: Option<Message>,
    /// How far the bytes speak for this layout.
    pub confidence: Confidence,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// The base of the attachment that the flag (or else the message) was read from.
    pub attachment: Option<Address>,
    /// What is missing.
    pub unavailable: Vec<Unavailable>,
}

/// A message: the saved bytes from byte 1 up to a NUL, a missing byte or the segment's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its bytes, or the first of them; cut on a character's boundary if they are UTF-8.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub length: u64,
    /// Whether the NUL itself was saved.
    pub terminated: bool,
}

/// The name of a flag's value (shmcore's protocol); `None` for a value without one.
pub fn flag_name(flag: u8) -> Option<&'static str> {
    match flag {
        0 => Some("empty"),
        1 => Some("ready"),
        2 => Some("read"),
        _ => None,
    }
}

impl Mailbox {
    /// Reads `segment` as a mailbox. `full` keeps the whole message; `forced`: the user named the layout.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(
        target: &dyn Target,
        segment: &Segment,
        full: bool,
        forced: bool,
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let (flag_at, message_at) = (SegmentOffset::new(0), SegmentOffset::new(1));
        let mut missing: Vec<_> = unavailable(segment, "flag", flag_at).into_iter().collect();
        for flag in &mut missing {
            flag.offsets = Interval::new(flag_at, message_at).unwrap_or(flag.offsets);
        }
        let has_flag = missing.is_empty();
        let no_message = unavailable(segment, "message", message_at);
        // Flag and message in one go: with 2,000 segments the system calls are what a listing costs.
        let (mut flag, mut text) = (None, Text::new(full));
        let start = if has_flag { flag_at } else { message_at };
        if has_flag || no_message.is_none() {
            read_blocks(target, segment, start, |block| {
                let block = match block.split_first() {
                    Some((first, rest)) if has_flag && flag.is_none() => {
                        flag = Some(*first);
                        rest
                    }
                    _ => block,
                };
                text.add(block, budget)
            })?;
        }
        let stopped = text.stopped;
        let message = no_message.is_none().then(|| text.into_message());
        missing.extend(no_message);
        if let Some(message) = &message
            && !message.terminated
            && !stopped
            && let Some(end) = message_at.checked_add(message.length)
            && end < segment.end()
        {
            missing.extend(unavailable(segment, "message", end));
        }
        let (confidence, mut reasons) = judge(flag, message.as_ref());
        if forced {
            reasons = vec!["named by --layout".to_owned()];
        }
        if stopped {
            reasons.push(
                "the message goes on, but the segments of this dump claim more bytes than it has: not read"
                    .to_owned(),
            );
        }
        Ok(Self {
            flag,
            message,
            confidence: if forced { Confidence::Forced } else { confidence },
            reasons,
            attachment: read_from(segment, flag_at).or_else(|| read_from(segment, message_at)),
            unavailable: missing,
        })
    }
}

/// A message while it is read, block by block.
struct Text {
    message: Message,
    full: bool,
    /// Whether reading ended because too much was read before.
    stopped: bool,
}

impl Text {
    fn new(full: bool) -> Self {
        Self { message: Message { bytes: Vec::new(), length: 0, terminated: false }, full, stopped: false }
    }

    /// Adds what follows; answers whether more is wanted.
    fn add(&mut self, block: &[u8], budget: &mut Budget) -> bool {
        // A few bytes more than are shown, to see whether the last character is whole.
        let keep = if self.full { usize::MAX } else { SHOWN.saturating_add(4) };
        let end = memchr::memchr(0, block);
        let text = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
        let message = &mut self.message;
        let room = keep.saturating_sub(message.bytes.len()).min(text.len());
        message.bytes.extend_from_slice(text.get(..room).unwrap_or_default());
        message.length = message.length.saturating_add(text.len() as u64);
        message.terminated = end.is_some();
        self.stopped = end.is_none() && !budget.take(block.len() as u64);
        end.is_none() && !self.stopped
    }

    fn into_message(self) -> Message {
        let mut message = self.message;
        if !self.full && message.bytes.len() > SHOWN {
            let boundary =
                (SHOWN.saturating_sub(3)..=SHOWN).rev().find(|at| is_boundary(&message.bytes, *at));
            message.bytes.truncate(boundary.unwrap_or(SHOWN));
        }
        message
    }
}

impl Message {
    /// The message as text, if the bytes that are kept are UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// Whether a UTF-8 character can begin at `at`.
fn is_boundary(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

fn judge(flag: Option<u8>, message: Option<&Message>) -> (Confidence, Vec<String>) {
    let mut reasons = Vec::new();
    let flag_fits = flag.and_then(flag_name);
    reasons.push(match (flag, flag_fits) {
        (Some(value), Some(name)) => format!("byte 0 is {value} ({name})"),
        (Some(value), None) => format!("byte 0 is {value}, which no flag is"),
        (None, _) => "byte 0 is not in the dump".to_owned(),
    });
    let text = message.and_then(Message::text);
    let readable = text.is_some_and(|text| text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace()));
    let message_fits = match message {
        None => {
            reasons.push("the message is not in the dump".to_owned());
            false
        }
        Some(message) if !readable => {
            reasons.push(format!("the {} bytes from byte 1 on are no printable text", message.length));
            false
        }
        Some(message) if !message.terminated => {
            reasons.push(format!("no NUL ends the {} bytes of text from byte 1 on", message.length));
            false
        }
        Some(message) => {
            reasons.push(format!("a NUL ends the {} bytes of text from byte 1 on", message.length));
            true
        }
    };
    let says_nothing = flag == Some(0) && message.is_some_and(|message| message.length == 0);
    if says_nothing {
        reasons.push("zero bytes alone prove no layout".to_owned());
    }
    let fits = flag_fits.is_some() && message_fits && !says_nothing;
    (if fits { Confidence::Likely } else { Confidence::None }, reasons)
}
