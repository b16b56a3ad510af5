//! Locks: bytes as every lock of every library, and a dump with what its threads wait for, to JSON and to the terminal.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use coreinspect::inspection::{LockPicture, LockSearch};
use coreinspect::internals::lock_shapes;
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::render::locks::ShownLocks;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::source::Bytes;
use coreinspect::{Inspection, Options};
use libfuzzer_sys::fuzz_target;

const MACHINES: [Machine; 3] = [
    Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little },
    Machine { number: 183, class: Class::Bits64, byte_order: ByteOrder::Big },
    Machine { number: 3, class: Class::Bits32, byte_order: ByteOrder::Little },
];

fuzz_target!(|data: &[u8]| {
    for machine in MACHINES {
        lock_shapes::count(data, machine);
    }
    let open = || {
        let source = Arc::new(Bytes::new(data.to_vec()));
        Inspection::of_source(Path::new("core"), source, &Options::without_content())
    };
    let search = LockSearch { all: true, ..LockSearch::default() };
    let mut picture = LockPicture::default();
    for _ in 0..2 {
        picture.add(&open(), search).unwrap();
    }
    let locks = picture.finish(|_| Ok::<_, coreinspect::Error>(Some(open()))).unwrap();
    serde_json::to_string(&locks).unwrap();
    let style = Style { width: Some(80), unicode: true, interactive: true, ..Style::default() };
    let mut out = Vec::new();
    let mut canvas = Terminal { style, out: &mut out };
    ShownLocks { locks: &locks, quiet: false }.draw(&mut canvas).unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    assert!(!text.contains(|char: char| char.is_control() && char != '\n'));
});
