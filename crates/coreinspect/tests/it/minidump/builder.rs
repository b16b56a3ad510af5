//! Minidumps made by hand, as minidumpapiset.h and Breakpad's minidump_format.h lay them out; it shares nothing with the
//! reader.

pub(crate) const THREAD_LIST: u32 = 3;
pub(crate) const MEMORY_LIST: u32 = 5;
pub(crate) const EXCEPTION: u32 = 6;
pub(crate) const SYSTEM_INFO: u32 = 7;
pub(crate) const MEMORY64_LIST: u32 = 9;
pub(crate) const MISC_INFO: u32 = 15;
pub(crate) const MEMORY_INFO_LIST: u32 = 16;
pub(crate) const THREAD_NAMES: u32 = 24;
pub(crate) const CPU_INFO: u32 = 0x4767_0003;
pub(crate) const STATUS: u32 = 0x4767_0004;
pub(crate) const COMMAND_LINE: u32 = 0x4767_0006;
pub(crate) const ENVIRONMENT: u32 = 0x4767_0007;
pub(crate) const AUXV: u32 = 0x4767_0008;
pub(crate) const MAPS: u32 = 0x4767_0009;
pub(crate) const PROC_STAT: u32 = 0x4767_000b;
pub(crate) const CRASHPAD_INFO: u32 = 0x4350_0001;

pub(crate) const LINUX: u32 = 0x8201;
pub(crate) const WINDOWS: u32 = 2;
pub(crate) const AMD64: u16 = 9;

/// A minidump: streams in the order of the directory, then memory.
#[derive(Clone)]
pub(crate) struct Minidump {
    pub(crate) big: bool,
    pub(crate) streams: Vec<(u32, Vec<u8>)>,
    pub(crate) memory: Vec<(u64, Vec<u8>)>,
    /// Memory64List instead of MemoryList.
    pub(crate) long: bool,
}

impl Minidump {
    pub(crate) fn number(&self, value: u64, width: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..width].to_vec();
        if self.big {
            bytes.reverse();
        }
        bytes
    }

    pub(crate) fn numbers(&self, values: &[(u64, usize)]) -> Vec<u8> {
        values.iter().flat_map(|(value, width)| self.number(*value, *width)).collect()
    }

    pub(crate) fn empty(big: bool) -> Minidump {
        Minidump { big, streams: vec![], memory: vec![], long: false }
    }

    pub(crate) fn add(&mut self, kind: u32, bytes: impl AsRef<[u8]>) {
        self.streams.push((kind, bytes.as_ref().to_vec()));
    }

    pub(crate) fn system(&mut self, processor: u16, platform: u32) {
        let mut bytes = self.number(processor.into(), 2);
        bytes.resize(20, 0);
        bytes.extend(self.number(platform.into(), 4));
        bytes.resize(56, 0);
        self.add(SYSTEM_INFO, bytes);
    }

    pub(crate) fn threads(&mut self, ids: &[u32]) {
        let mut bytes = self.number(ids.len() as u64, 4);
        for id in ids {
            let start = bytes.len();
            bytes.extend(self.number(u64::from(*id), 4));
            bytes.resize(start + 48, 0);
        }
        self.add(THREAD_LIST, bytes);
    }

    pub(crate) fn exception(&mut self, thread: u32, signal: u32, code: u32, address: u64) {
        let mut bytes = self.numbers(&[
            (thread.into(), 4),
            (0, 4),
            (signal.into(), 4),
            (code.into(), 4),
            (0, 8),
            (address, 8),
        ]);
        bytes.resize(168, 0);
        self.add(EXCEPTION, bytes);
    }

    pub(crate) fn auxv(&mut self, width: usize, entries: &[(u64, u64)]) {
        let longs: Vec<_> =
            entries.iter().flat_map(|(tag, value)| [(*tag, width), (*value, width)]).collect();
        self.add(AUXV, self.numbers(&longs));
    }

    /// The whole file, and where the stream of each row of the directory stands in it.
    pub(crate) fn build_with_places(&self) -> (Vec<u8>, Vec<usize>) {
        let mut streams = self.streams.clone();
        if !self.memory.is_empty() {
            let size = if self.long { 16 } else { 4 } + 16 * self.memory.len();
            streams.push((if self.long { MEMORY64_LIST } else { MEMORY_LIST }, vec![0; size]));
        }
        let mut at = 32 + 12 * streams.len();
        let mut places = vec![];
        for (_, bytes) in &streams {
            places.push(at);
            at = (at + bytes.len()).next_multiple_of(8);
        }
        if let (false, Some((_, list))) = (self.memory.is_empty(), streams.last_mut()) {
            *list = self.list(at);
        }
        let mut file = self.numbers(&[
            (0x504d_444d, 4),
            (0xa793, 4),
            (streams.len() as u64, 4),
            (32, 4),
            (0, 8),
            (0, 8),
        ]);
        for ((kind, bytes), place) in streams.iter().zip(&places) {
            file.extend(self.numbers(&[(u64::from(*kind), 4), (bytes.len() as u64, 4), (*place as u64, 4)]));
        }
        for ((_, bytes), place) in streams.iter().zip(&places) {
            file.resize(*place, 0);
            file.extend(bytes);
        }
        file.resize(at, 0);
        file.extend(self.memory.iter().flat_map(|(_, bytes)| bytes));
        (file, places)
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        self.build_with_places().0
    }

    /// The list of memory whose bytes stand from `at` on.
    fn list(&self, mut at: usize) -> Vec<u8> {
        let count = self.memory.len() as u64;
        let mut list =
            if self.long { self.numbers(&[(count, 8), (at as u64, 8)]) } else { self.number(count, 4) };
        for (address, bytes) in &self.memory {
            let size = bytes.len() as u64;
            list.extend(self.number(*address, 8));
            list.extend(match self.long {
                true => self.number(size, 8),
                false => self.numbers(&[(size, 4), (at as u64, 4)]),
            });
            at += bytes.len();
        }
        list
    }
}

pub(crate) const PID: u32 = 4711;
pub(crate) const KEY: u32 = 0x7800_c028;

/// /proc/PID/maps of a program with two attachments of one segment, one of another, and look-alikes.
pub(crate) const TEXT: &str = "\
00400000-00401000 r-xp 00000000 fe:00 11                         /bin/wri\\ter
10000000-10002000 rw-s 00000000 00:01 98304                      /SYSV7800c028 (deleted)
20000000-20002000 r--s 00000000 00:01 98304                      /SYSV7800c028 (deleted)
30000000-30001000 rw-s 00000000 00:01 5                          /SYSV00000000 (deleted)
31000000-31001000 rw-s 00000000 fe:00 77                         /SYSVcafef00d (deleted)
32000000-32001000 rw-s 00000000 00:01 78                         /memfd:SYSV12345678 (deleted)
33000000-33001000 rw-s 00000000 00:1c 79                         /dev/shm/other
7ff00000-7ff01000 rw-p 00000000 00:00 0                          [stack]
";

/// What Breakpad writes on this machine: stacks, and files of /proc.
pub(crate) fn breakpad(big: bool, processor: u16, width: usize) -> Minidump {
    let mut dump = Minidump::empty(big);
    dump.threads(&[PID + 1, PID]);
    dump.exception(PID, 11, 1, 0x2000_0123);
    dump.system(processor, LINUX);
    dump.add(CPU_INFO, "processor\t: 0\n");
    dump.add(STATUS, format!("Name:\twri\\\\te\\nr\nTgid:\t{PID}\nPid:\t{}\nUid:\t1000\t0\t0\t0\n", PID + 1));
    dump.add(COMMAND_LINE, "./writer\0--key\0x\0");
    dump.add(ENVIRONMENT, "HOME=/\0");
    dump.auxv(width, &[(3, 0x40_0040), (6, 4096), (9, 0x40_0100), (25, 0x7ff0_0010), (0, 0)]);
    dump.add(MAPS, TEXT);
    dump.memory.push((0x7ff0_0000, vec![7; 4096]));
    dump
}

/// As lldb with `--style modified-memory`: what is writable.
pub(crate) fn lldb() -> Minidump {
    let mut dump = breakpad(false, AMD64, 8);
    dump.add(PROC_STAT, "4711 (writer) t\n");
    let mailbox = |flag: u8, text: &str| {
        let mut bytes = vec![flag];
        bytes.extend(text.as_bytes());
        bytes.resize(0x2000, 0);
        bytes
    };
    dump.memory.insert(0, (0x1000_0000, mailbox(1, "hello")));
    dump.memory.insert(1, (0x3000_0000, mailbox(2, "private")[..0x1000].to_vec()));
    dump.long = true;
    dump
}

/// As Crashpad: no text of maps, the rights of mappings instead.
pub(crate) fn crashpad() -> Minidump {
    let mut dump = Minidump::empty(false);
    dump.system(AMD64, LINUX);
    dump.add(MISC_INFO, dump.numbers(&[(24, 4), (1, 4), (PID.into(), 4), (0, 8), (0, 4)]));
    dump.threads(&[PID]);
    dump.exception(PID, 6, 0xffff_fffa, 0);
    let mut list = dump.numbers(&[(16, 4), (48, 4), (1, 8)]);
    list.extend(dump.numbers(&[(0x1000_0000, 8), (0x1000_0000, 8), (4, 4), (0, 4), (0x2000, 8)]));
    list.extend(dump.numbers(&[(0x1000, 4), (4, 4), (0x4_0000, 4), (0, 4)]));
    dump.add(MEMORY_INFO_LIST, list);
    dump.add(CRASHPAD_INFO, [0; 52]);
    dump.memory.push((0x7ff0_0000, vec![7; 4096]));
    dump
}
