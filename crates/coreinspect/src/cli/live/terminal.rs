//! A terminal that is drawn on: keys as they are typed, and all as it was afterwards, whatever ends us.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use crate::cli::Failure;

/// console_codes(4), and xterm's second screen.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";

/// What came while we waited.
pub(super) enum Key {
    /// Nothing that means something.
    None,
    /// The terminal has another size, or was another's meanwhile.
    Redraw,
    /// q.
    Quit,
    /// A signal that ends us.
    Signal(i32),
}

/// The terminal, taken. It is given back when this is dropped.
pub(super) struct Terminal {
    /// How its keys were; `None` if standard input is none.
    before: Option<Termios>,
    /// The last signal that came.
    signal: Arc<AtomicUsize>,
    given_back: bool,
}

impl Terminal {
    /// Takes it: a second screen, no cursor, keys without Enter.
    pub(super) fn take(out: &mut dyn Write) -> Result<Self, Failure> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGWINCH] {
            signal_hook::flag::register_usize(number, Arc::clone(&signal), number.unsigned_abs() as usize)?;
        }
        let stdin = io::stdin();
        let before = stdin.is_terminal().then(|| tcgetattr(&stdin).ok()).flatten();
        let this = Self { before, signal, given_back: false };
        this.listen();
        // Also where a panic does not unwind.
        let (keys, told) = (this.before.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |what| {
            give_back(keys.as_ref(), &mut io::stdout());
            told(what);
        }));
        out.write_all(ENTER)?;
        out.flush()?;
        Ok(this)
    }

    /// Keys without Enter and without an echo; Ctrl-C stays a signal.
    fn listen(&self) {
        if let Some(before) = &self.before {
            let mut keys = before.clone();
            keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            // Without it q needs an Enter: no reason not to watch.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &keys);
        }
    }

    /// Empties the screen.
    pub(super) fn clear(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(CLEAR)
    }

    /// Waits for a key, for `time` at most.
    pub(super) fn wait(&mut self, time: Duration) -> Key {
        let stdin = io::stdin();
        let mut keyboard = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let keyboard = if self.before.is_some() { keyboard.as_mut_slice() } else { &mut [] };
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        // A signal interrupts it: poll(2) is never restarted.
        let ready = poll(keyboard, timeout).unwrap_or(0);
        let signal = i32::try_from(self.signal.swap(0, Ordering::Relaxed)).unwrap_or(0);
        match signal {
            0 => {}
            SIGWINCH | SIGCONT => {
                self.listen();
                return Key::Redraw;
            }
            signal => return Key::Signal(signal),
        }
        let mut key = [0];
        match ready > 0 && stdin.lock().read(&mut key).unwrap_or(0) > 0 {
            true if matches!(key, [b'q' | b'Q' | 3]) => Key::Quit,
            _ => Key::None,
        }
    }

    /// Gives it back.
    pub(super) fn give_back(mut self, out: &mut dyn Write) -> io::Result<()> {
        out.flush()?;
        give_back(self.before.as_ref(), out);
        self.given_back = true;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.given_back {
            give_back(self.before.as_ref(), &mut io::stdout());
        }
    }
}

fn give_back(keys: Option<&Termios>, out: &mut dyn Write) {
    // Nobody is left to tell if this fails.
    let _ = out.write_all(LEAVE).and_then(|()| out.flush());
    if let Some(keys) = keys {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, keys);
    }
}
