//! Bytes as the programs of the built-in layouts leave them in a segment, on x86-64: what is changed a little to see what it can
//! cost. They share nothing with the layouts; `software/` holds those against the programs themselves.

use coreinspect::layout::{BUILTIN, Subject, choose};
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::Budget;
use shmcore::Key;

/// A segment of a program.
pub(crate) struct Honest {
    /// The layout's name, and what is in it.
    pub(crate) name: &'static str,
    pub(crate) key: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Little-endian numbers at their offsets.
struct Room(Vec<u8>);

impl Room {
    fn new(size: usize) -> Room {
        Room(vec![0; size])
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Room {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn u16(&mut self, at: usize, value: u16) -> &mut Room {
        self.put(at, &value.to_le_bytes())
    }

    fn u32(&mut self, at: usize, value: u32) -> &mut Room {
        self.put(at, &value.to_le_bytes())
    }

    fn u64(&mut self, at: usize, value: u64) -> &mut Room {
        self.put(at, &value.to_le_bytes())
    }
}

const NOW: u64 = 1_764_500_000;

/// One segment for each built-in layout, and for each encoding in it.
pub(crate) fn segments() -> Vec<Honest> {
    let honest = |name, key, bytes| Honest { name, key, bytes };
    vec![
        honest(
            "mailbox",
            0x7800_0001,
            [b"\x01a message that is long enough to be one".as_slice(), &[0; 200]].concat(),
        ),
        honest("postgresql", 0x0052_e2c1, postgresql()),
        honest("php-sysvshm", 0x7800_0002, php_sysvshm()),
        honest("ntp-shm", 0x4e54_5030, ntp_shm()),
        honest("gpsd", 0x4750_5344, gpsd()),
        honest("ipc-shareable", 0x7800_0003, [b"IPC::Shareable".as_slice(), &frozen()].concat()),
        honest("ipc-shareable", 0x7800_0004, [b"IPC::Shareable".as_slice(), JSON].concat()),
        honest("ipc-sharelite", 0x7800_0005, ipc_sharelite()),
        honest("openj9", 0x7800_0006, openj9()),
        honest("boost-interprocess", 0x7800_0007, boost_interprocess(8)),
        honest("apr-rmm", 0x7800_0008, apr_rmm(10)),
        honest("linuxcnc-hal", 0x4841_4c32, linuxcnc_hal(9)),
        honest("yottadb", 0, yottadb()),
        honest("xwd", 0x7800_0009, xwd()),
        honest("hsperfdata", 0, hsperfdata()),
    ]
}

const JSON: &[u8] = br#"{"a": [1, -2.5, "x\u00e4y", null, true], "a": {"b": {"b": [[[]]]}}, "long": "0123456789012345678901234567890123456789"}"#;

/// pg_shmem.h since 9.4: magic, pid, totalsize, freeoffset, dsm_control, index, device, inode.
fn postgresql() -> Vec<u8> {
    let mut room = Room::new(4096);
    room.u32(0, 679_834_894)
        .u32(4, 4242)
        .u64(8, 4096)
        .u64(16, 56)
        .u32(24, 7)
        .u64(40, 0x801)
        .u64(48, 0x0052_e2c1);
    room.0
}

fn php_sysvshm() -> Vec<u8> {
    let values: [&[u8]; 3] = [
        b"a:3:{i:0;O:1:\"P\":2:{s:4:\"\0P\0z\";d:0.5;s:1:\"y\";b:1;}i:1;r:2;i:2;E:3:\"S:H\";}",
        b"a:4:{s:3:\"key\";s:4:\"text\";s:3:\"two\";N;i:7;a:2:{i:0;i:-3;i:1;R:3;}s:1:\"c\";C:1:\"K\":2:{ab}}",
        b"a:2:{i:0;a:2:{i:0;a:2:{i:0;a:1:{i:0;N;}i:1;r:2;}i:1;r:3;}i:1;r:4;}",
    ];
    let mut variables = vec![];
    for (key, value) in (1_u64..).zip(values) {
        let next = (24 + value.len()).next_multiple_of(8);
        let mut room = Room::new(next);
        room.u64(0, key).u64(8, value.len() as u64).u64(16, next as u64).put(24, value);
        variables.extend(room.0);
    }
    let (end, total) = (40 + variables.len() as u64, 4096);
    let mut room = Room::new(4096);
    room.put(0, b"PHP_SM\0\0")
        .u64(8, 40)
        .u64(16, end)
        .u64(24, total - end)
        .u64(32, total)
        .put(40, &variables);
    room.0
}

/// refclock_shm.c: mode, count, two times, leap, precision, nsamples, valid.
fn ntp_shm() -> Vec<u8> {
    let mut room = Room::new(4096);
    room.u32(0, 1).u32(4, 2).u64(8, NOW).u32(16, 5).u64(24, NOW).u32(32, 6);
    room.u32(40, (-20_i32) as u32).u32(44, 3).u32(48, 1);
    room.0
}

/// gpsd 3.12 to 3.17: the int that the writer sets first and last, and a file descriptor that is none.
fn gpsd() -> Vec<u8> {
    let mut room = Room::new(12288);
    room.u32(0, 9).u32(24, u32::MAX).u32(8928, 9);
    room.0
}

/// What Storable freezes: a hash of an array, objects of one class, a reference to one of them, texts, doubles.
fn frozen() -> Vec<u8> {
    let text = |text: &[u8]| [&[10, text.len() as u8], text].concat();
    let key = |key: &[u8]| [&(key.len() as u32).to_le_bytes(), key].concat();
    let array =
        |items: &[Vec<u8>]| [vec![2], (items.len() as u32).to_le_bytes().to_vec(), items.concat()].concat();
    let class = [&[17, 5], b"Class".as_slice(), &[8, 130]].concat();
    let again = vec![18, 0, 4, 5];
    let objects = array(&[class, again.clone(), again, vec![0, 0, 0, 0, 2]]);
    let scalars = array(&[
        [vec![7], 2.5_f64.to_le_bytes().to_vec()].concat(),
        [vec![6], (-1000_i64).to_le_bytes().to_vec()].concat(),
        vec![5],
        [vec![4], text(b"looked through")].concat(),
        [vec![32, 0, 2], b"^x".to_vec(), vec![1], b"i".to_vec()].concat(),
    ]);
    let pairs = [(objects, "objects"), (scalars, "scalars"), (text(b"x"), "a"), (text(b"y"), "a")];
    let hash = pairs.iter().flat_map(|(value, name)| [value.clone(), key(name.as_bytes())]).flatten();
    [b"\x04\x0b\x0812345678\x04\x08\x08\x08".to_vec(), vec![3, 4, 0, 0, 0], hash.collect()].concat()
}

/// sharelite.h: no next segment, length, state, version; the value.
fn ipc_sharelite() -> Vec<u8> {
    let value = frozen();
    let mut room = Room::new(4096);
    room.u32(0, u32::MAX).u32(4, value.len() as u32).u32(8, 2).u32(12, 3).put(16, &value);
    room.0
}

fn openj9() -> Vec<u8> {
    let mut room = Room::new(4096);
    room.put(0, b"J9SC\0");
    [29, 9, 1, 64, 2, 1].into_iter().zip(0..).for_each(|(value, index)| {
        room.u32(8 + 4 * index, value);
    });
    room.u32(32, 4096).u32(36, 100).u32(40, 4096 - 136).u32(44, 40).u32(48, 1);
    room.0
}

/// rbtree_best_fit.hpp and segment_manager.hpp of 1.74, with names in a tree that leans to the right.
fn boost_interprocess(objects: u64) -> Vec<u8> {
    const NODE: u64 = 80;
    let size = 0x1000;
    let mut room = Room::new(size);
    room.u32(0, 2).u32(16 + 16, 128).u64(88, 200).u64(96, 2000).u64(104, size as u64 - 16).u32(112 + 16, 129);
    // Null pointers are 1.
    let first = 256;
    room.u64(152, objects).u64(160, first - 160).u64(168, 1).u64(176, 1);
    room.u64(184, 0).u64(192, 1).u64(200, 1).u64(208, 1);
    for index in 0..objects {
        let node = first + index * NODE;
        let at = node as usize;
        let right = if index + 1 < objects { NODE - 16 } else { 1 };
        room.u64(at, 1).u64(at + 8, 1).u64(at + 16, right);
        let name = format!("object{:02}", index / 2);
        room.u64(at + 24, 16).u16(at + 32, name.len() as u16).put(at + 34, &[8, 1 << 5 | 1]);
        room.u64(at + 40, index).put(at + 56, name.as_bytes());
    }
    room.0
}

/// apr_rmm.c: size, first used, first free; blocks of size, previous, next.
fn apr_rmm(blocks: u64) -> Vec<u8> {
    let (size, block) = (8192_u64, 88);
    let mut room = Room::new(size as usize);
    let last = 24 + blocks * block;
    room.u64(0, size).u64(8, 24).u64(16, last);
    for index in 0..blocks {
        let at = 24 + index * block;
        let [before, next] = [index > 0, index + 1 < blocks];
        room.u64(at as usize, block)
            .u64(at as usize + 8, if before { at - block } else { 0 })
            .u64(at as usize + 16, if next { at + block } else { 0 });
    }
    room.u64(last as usize, size - last);
    room.0
}

/// hal_priv.h of 2.9.1: six lists; of components, pins, signals and parameters there are some.
fn linuxcnc_hal(pins: u64) -> Vec<u8> {
    let mut room = Room::new(0x4000);
    room.u32(0, 0x10).u32(16, 1000).u32(128, 0x3000).u32(132, 0x3f00);
    let lists = 136;
    let chain = |room: &mut Room, head: usize, items: &[u64]| {
        room.u64(head, items[0]);
        for pair in items.windows(2) {
            room.u64(pair[0] as usize, pair[1]);
        }
    };
    let list =
        |start: u64, count: u64, size: u64| (0..count).map(|index| start + index * size).collect::<Vec<_>>();
    let components = list(0x200, 3, 0x60);
    let signals = list(0x400, 3, 0x60);
    let all = list(0x800, pins, 0x80);
    let parameters = list(0x800 + pins * 0x80, 3, 0x80);
    for (index, items) in [&components, &all, &signals, &parameters].into_iter().enumerate() {
        chain(&mut room, lists + 8 * index, items);
    }
    for (index, at) in components.iter().enumerate() {
        room.put(*at as usize + 40, format!("component{index}").as_bytes());
    }
    for (index, at) in signals.iter().enumerate() {
        room.u64(*at as usize + 8, 0x2000 + 8 * index as u64).u32(*at as usize + 16, 1 + index as u32 % 4);
        room.put(*at as usize + 32, format!("signal{index}").as_bytes());
    }
    for (index, at) in all.iter().enumerate() {
        let signal = if index % 3 == 0 { signals[index % signals.len()] } else { 0 };
        room.u64(*at as usize + 16, components[index % 3]).u64(*at as usize + 24, signal);
        room.u32(*at as usize + 48, 1 + index as u32 % 4).u32(*at as usize + 52, 16);
        room.put(*at as usize + 56, format!("pin{}", index / 2).as_bytes());
    }
    for (index, at) in parameters.iter().enumerate() {
        room.u64(*at as usize + 8, 0x2100 + 8 * index as u64).u64(*at as usize + 16, components[index % 3]);
        room.u32(*at as usize + 32, 2).u32(*at as usize + 36, 192);
        room.put(*at as usize + 40, format!("parameter{index}").as_bytes());
    }
    room.0
}

/// gdsbt.h and gdsfhead.h: the file, the program, and a copy of the file's header.
fn yottadb() -> Vec<u8> {
    let mut room = Room::new(8192);
    room.put(0, b"GDSDYNUNX03\0").put(12, b"/data/mumps.dat").put(268, b"YottaDB r2.00").put(304, b"host");
    room.u64(632, 4096).put(4096, b"GDSDYNUNX03\0").u32(4108, 4096).u32(4128, 1);
    room.0
}

/// perfMemory.hpp and perfData.hpp of HotSpot: the prologue, a counter that is a long and one that is text.
fn hsperfdata() -> Vec<u8> {
    let mut room = Room::new(4096);
    room.put(0, b"\xca\xfe\xc0\xc0\x01\x02\x00\x01").u32(8, 136).u32(24, 32).u32(28, 2);
    room.u32(32, 48)
        .u32(36, 20)
        .put(44, b"J\0\x04\x03")
        .u32(48, 40)
        .put(52, b"java.ci.totalTime")
        .u64(72, 4711);
    room.u32(80, 56).u32(84, 20).u32(88, 16).put(92, b"B\0\x05\x01").u32(96, 40);
    room.put(100, b"java.property.v").put(120, b"17.0.2+8");
    room.0
}

/// XWDFile.h: 25 big-endian numbers, the name, colors, pixels.
fn xwd() -> Vec<u8> {
    let numbers: [u32; 25] = [
        104, 7, 2, 24, 32, 16, 0, 0, 32, 0, 32, 32, 128, 4, 0xff_0000, 0xff00, 0xff, 8, 256, 4, 32, 16, 0, 0,
        0,
    ];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    bytes.extend(b"xwd\0");
    bytes.resize(104 + 4 * 12 + 128 * 16, 0x55);
    bytes.resize(4096, 0);
    bytes
}

/// What they are: what is taken for something else says nothing of the layout.
#[test]
fn each_is_what_it_says() {
    let machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
    for Honest { name, key, bytes } in segments() {
        let bytes = [bytes.as_slice(), &vec![0; bytes.len().next_multiple_of(4096) - bytes.len()]].concat();
        let contents = bytes.as_slice();
        let budget = Budget::unlimited();
        let subject = Subject::new(&contents, Some(Key::from_bits(key)), machine, None, &budget);
        let choice = choose(BUILTIN.iter().copied(), &subject);
        let best = choice.best.map(|(layout, verdict)| (layout.name().into_owned(), verdict));
        assert!(best.as_ref().is_some_and(|(best, _)| best == name), "{name}: {best:?}");
    }
    let named = |layout: &str| segments().iter().any(|honest| honest.name == layout);
    // What is known by the name of its file alone has no bytes of its own here.
    let by_name = |name: &str| name == "posix-semaphore";
    let missing = BUILTIN.iter().map(|layout| layout.name()).filter(|name| !named(name) && !by_name(name));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "no bytes of {missing:?}");
}
