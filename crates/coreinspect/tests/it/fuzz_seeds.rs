//! The seeds of the fuzz targets, from the builder: small, as a fuzzer is quick on small inputs.

use crate::core_builder::ByteOrder;
use crate::core_builder::notes::NT_FILE;
use crate::minidump::builder::{AMD64, breakpad, crashpad, lldb};
use crate::seeds;
use std::path::Path;

/// Bytes of a page: no machine has such small ones, but no parser needs larger ones.
const PAGE: u64 = 64;

/// What `fuzz/seeds` holds: folder, file and content.
fn files() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut files = vec![];
    for (writer, builder) in seeds::writers(PAGE) {
        let name = format!("{writer} {}", builder.abi.name).replace([' ', ','], "-");
        let core = builder.build();
        if let Some(note) = core.notes.iter().find(|note| note.kind == NT_FILE) {
            let big = builder.abi.order == ByteOrder::Big;
            let choice = u8::from(builder.abi.bits == 32) | u8::from(big) << 1;
            files.push(("nt_file", name.clone(), [&[choice], &core.bytes[note.desc.clone()]].concat()));
        }
        files.push(("dump", name, core.bytes));
    }
    let [amd64, mips] = [(false, AMD64, 8), (true, 1, 4)].map(|(big, cpu, width)| breakpad(big, cpu, width));
    for (name, dump) in
        [("breakpad", amd64), ("breakpad-mips", mips), ("lldb", lldb()), ("crashpad", crashpad())]
    {
        files.push(("minidump", name.to_owned(), dump.build()));
    }
    for key in ["0x7800c028", "7800c028", "-12345678", "12345678", "SYSV7800c028", "/SYSV7800c028 (deleted)"]
    {
        files.push(("key", key.replace(['/', ' ', '(', ')'], "-"), key.into()));
    }
    files
}

/// With `COREINSPECT_WRITE_SEEDS=1` they are written; otherwise they must be what the builder makes now.
#[test]
fn the_seeds_are_what_the_builder_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (target, name, bytes) in files() {
        let path = folder.join(target).join(&name);
        if std::env::var("COREINSPECT_WRITE_SEEDS").as_deref() == Ok("1") {
            std::fs::create_dir_all(folder.join(target)).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(
            std::fs::read(&path).is_ok_and(|found| found == bytes),
            "COREINSPECT_WRITE_SEEDS=1 writes {name} anew"
        );
    }
}
