//! What is known of the process that a dump was made of.

use crate::machine::SignalNumbering;
use crate::position::Address;

/// A process at the moment of its dump. `None`, and an empty list, is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The process id, in the pid namespace of whoever wrote the dump.
    pub pid: Option<u32>,
    /// `pr_fname`: by the kernel the command's name, at most 15 bytes (proc(5), comm); by gcore up to 16 bytes of the
    /// command line's file name. Not always UTF-8.
    pub command: Option<Vec<u8>>,
    /// The mapped file that holds the program's headers (AT_PHDR, else AT_ENTRY), as the dump names it.
    pub executable: Option<Vec<u8>>,
    /// `pr_psargs`: the first 79 bytes of the command line, arguments parted by spaces.
    pub arguments: Option<Vec<u8>>,
    /// The real user id.
    pub uid: Option<u32>,
    /// What killed it; `None` for a process that was alive.
    pub signal: Option<Signal>,
    /// The address whose access raised the signal, if the kernel raised it for an access.
    pub fault_address: Option<Address>,
    /// si_code of the signal, if the dump has its siginfo: why it was raised (sigaction(2)).
    pub signal_code: Option<i32>,
    /// Thread ids, the dumping thread first where the writer says so.
    pub threads: Vec<u32>,
}

/// A signal's number on Linux. MIPS, Alpha, SPARC and PA-RISC number some differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signal(u32);

impl Signal {
    /// SIGILL, which has this number on every Linux machine.
    pub const ILL: Self = Self(4);
    /// SIGTRAP, which has this number on every Linux machine.
    pub const TRAP: Self = Self(5);
    /// SIGABRT, which has this number on every Linux machine.
    pub const ABRT: Self = Self(6);
    /// SIGFPE, which has this number on every Linux machine.
    pub const FPE: Self = Self(8);
    /// SIGSEGV, which has this number on every Linux machine.
    pub const SEGV: Self = Self(11);

    /// The signal of `number`; `None` for 0, which means that there was none.
    pub fn new(number: u32) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Its name, as in signal(7).
    pub fn name(self, numbering: SignalNumbering) -> Option<&'static str> {
        let common = match self.0 {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            4 => "SIGILL",
            5 => "SIGTRAP",
            6 => "SIGABRT",
            8 => "SIGFPE",
            9 => "SIGKILL",
            11 => "SIGSEGV",
            13 => "SIGPIPE",
            14 => "SIGALRM",
            15 => "SIGTERM",
            _ => "",
        };
        if !common.is_empty() {
            return Some(common);
        }
        let of_most = [
            (7, "SIGBUS"),
            (10, "SIGUSR1"),
            (12, "SIGUSR2"),
            (16, "SIGSTKFLT"),
            (17, "SIGCHLD"),
            (18, "SIGCONT"),
            (19, "SIGSTOP"),
            (20, "SIGTSTP"),
            (21, "SIGTTIN"),
            (22, "SIGTTOU"),
            (23, "SIGURG"),
            (24, "SIGXCPU"),
            (25, "SIGXFSZ"),
            (26, "SIGVTALRM"),
            (27, "SIGPROF"),
            (28, "SIGWINCH"),
            (29, "SIGIO"),
            (30, "SIGPWR"),
            (31, "SIGSYS"),
        ];
        // Linux arch/mips/include/uapi/asm/signal.h
        let of_mips = [
            (7, "SIGEMT"),
            (10, "SIGBUS"),
            (12, "SIGSYS"),
            (16, "SIGUSR1"),
            (17, "SIGUSR2"),
            (18, "SIGCHLD"),
            (19, "SIGPWR"),
            (20, "SIGWINCH"),
            (21, "SIGURG"),
            (22, "SIGIO"),
            (23, "SIGSTOP"),
            (24, "SIGTSTP"),
            (25, "SIGCONT"),
            (26, "SIGTTIN"),
            (27, "SIGTTOU"),
            (28, "SIGVTALRM"),
            (29, "SIGPROF"),
            (30, "SIGXCPU"),
            (31, "SIGXFSZ"),
        ];
        // Linux arch/alpha/include/uapi/asm/signal.h; arch/sparc/include/uapi/asm/signal.h has LOST for PWR.
        let of_sparc = [
            (7, "SIGEMT"),
            (10, "SIGBUS"),
            (12, "SIGSYS"),
            (16, "SIGURG"),
            (17, "SIGSTOP"),
            (18, "SIGTSTP"),
            (19, "SIGCONT"),
            (20, "SIGCHLD"),
            (21, "SIGTTIN"),
            (22, "SIGTTOU"),
            (23, "SIGIO"),
            (24, "SIGXCPU"),
            (25, "SIGXFSZ"),
            (26, "SIGVTALRM"),
            (27, "SIGPROF"),
            (28, "SIGWINCH"),
            (29, "SIGPWR"),
            (30, "SIGUSR1"),
            (31, "SIGUSR2"),
        ];
        // Linux arch/parisc/include/uapi/asm/signal.h
        let of_parisc = [
            (7, "SIGSTKFLT"),
            (10, "SIGBUS"),
            (12, "SIGXCPU"),
            (16, "SIGUSR1"),
            (17, "SIGUSR2"),
            (18, "SIGCHLD"),
            (19, "SIGPWR"),
            (20, "SIGVTALRM"),
            (21, "SIGPROF"),
            (22, "SIGIO"),
            (23, "SIGWINCH"),
            (24, "SIGSTOP"),
            (25, "SIGTSTP"),
            (26, "SIGCONT"),
            (27, "SIGTTIN"),
            (28, "SIGTTOU"),
            (29, "SIGURG"),
            (30, "SIGXFSZ"),
            (31, "SIGSYS"),
        ];
        let table = match numbering {
            SignalNumbering::Generic => of_most,
            SignalNumbering::Mips => of_mips,
            SignalNumbering::Sparc => of_sparc,
            SignalNumbering::Parisc => of_parisc,
        };
        table.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}
