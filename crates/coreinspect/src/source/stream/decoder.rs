//! Decompressed blocks, one after the other: of a file by a thread of their own, beside whoever looks at them.
//!
//! A short dump, and one of which the start is enough, needs no thread: it begins where more is read. A pipe is read by
//! nobody but who asks, because what was taken out of it is gone, and to wait for it could take for ever.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes of a block.
const BLOCK: usize = 128 << 10;
/// Blocks that are decompressed before a thread is worth it.
const ALONE: u8 = 8;
/// Bytes of a block of the thread: handing one over takes as long as to decompress some thousand bytes.
const BLOCK_AHEAD: usize = 512 << 10;
/// Blocks that may wait for their reader.
const AHEAD: usize = 2;

/// Gives decompressed blocks.
#[derive(Default)]
pub(super) struct Decoder {
    from: From,
    /// Blocks until a thread is begun; `None`: never.
    alone: Option<u8>,
}

#[derive(Default)]
enum From {
    /// Nowhere: it ended, or has not begun.
    #[default]
    Nothing,
    /// Decompressed when it is asked for.
    Here(Box<dyn Read + Send>),
    Ahead(Ahead),
}

/// A block, and how much of it is filled.
type Block = (Vec<u8>, usize);

/// A thread that decompresses.
struct Ahead {
    blocks: Option<Receiver<io::Result<Block>>>,
    /// Blocks that were looked at, to be filled again.
    used: SyncSender<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Decoder {
    /// What `reader` gives; `ahead`: whether it may be read before it is asked.
    pub(super) fn new(reader: Box<dyn Read + Send>, ahead: bool) -> Self {
        Self { from: From::Here(reader), alone: ahead.then_some(ALONE) }
    }

    /// Puts the next bytes into `block`, and answers how many they are; 0 at the end.
    ///
    /// # Errors
    /// What the decompressor said.
    pub(super) fn next(&mut self, block: &mut Vec<u8>) -> io::Result<usize> {
        if self.alone == Some(0) {
            self.alone = None;
            self.from = match std::mem::take(&mut self.from) {
                From::Here(reader) => Ahead::begin(reader),
                from => from,
            };
        }
        self.alone = self.alone.map(|left| left.saturating_sub(1));
        match &mut self.from {
            From::Nothing => Ok(0),
            From::Here(reader) => {
                block.resize(BLOCK, 0);
                read(reader, block)
            }
            From::Ahead(ahead) => ahead.next(block),
        }
    }
}

/// Reads once.
fn read(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Ahead {
    /// A thread that reads `reader`; `reader` itself where there can be none.
    fn begin(reader: Box<dyn Read + Send>) -> From {
        let (give, blocks) = sync_channel(AHEAD);
        let (used, free) = sync_channel(AHEAD.saturating_add(1));
        // It comes behind, so that it is still here if no thread can be made.
        let (hand_over, taken) = sync_channel::<Box<dyn Read + Send>>(1);
        let decode = move || {
            if let Ok(mut reader) = taken.recv() {
                decode(&mut *reader, &give, &free);
            }
        };
        match thread::Builder::new().name("decompress".to_owned()).spawn(decode) {
            Ok(thread) => match hand_over.send(reader) {
                Ok(()) => From::Ahead(Self { blocks: Some(blocks), used, thread: Some(thread) }),
                Err(back) => From::Here(back.0),
            },
            Err(_) => From::Here(reader),
        }
    }

    fn next(&mut self, block: &mut Vec<u8>) -> io::Result<usize> {
        // A thread that is gone has given all that there was.
        let Some(Ok(next)) = self.blocks.as_ref().map(Receiver::recv) else { return Ok(0) };
        let (bytes, count) = next?;
        // Where it does not fit there are enough of them.
        let _ = self.used.try_send(std::mem::replace(block, bytes));
        Ok(count)
    }
}

/// Fills blocks and gives them until the end, an error, or until nobody takes them.
fn decode(reader: &mut dyn Read, give: &SyncSender<io::Result<Block>>, free: &Receiver<Vec<u8>>) {
    loop {
        let mut block = match free.try_recv() {
            Ok(block) => block,
            Err(TryRecvError::Empty) => Vec::new(),
            Err(TryRecvError::Disconnected) => return,
        };
        block.resize(BLOCK_AHEAD, 0);
        let (mut count, mut end) = (0_usize, None);
        while let Some(into) = block.get_mut(count..).filter(|into| !into.is_empty()) {
            match read(reader, into) {
                Ok(0) => {
                    end = Some(Ok(()));
                    break;
                }
                Ok(more) => count = count.saturating_add(more),
                Err(error) => {
                    end = Some(Err(error));
                    break;
                }
            }
        }
        if count > 0 && give.send(Ok((block, count))).is_err() {
            return;
        }
        match end {
            None => {}
            Some(Ok(())) => return,
            Some(Err(error)) => return drop(give.send(Err(error))),
        }
    }
}

impl Drop for Ahead {
    /// Waits until the thread is done with the file, which is soon: nobody takes its next block.
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}
