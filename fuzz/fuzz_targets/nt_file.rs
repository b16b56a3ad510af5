//! NT_FILE by itself: the first byte chooses class, byte order and whether the file ends in the note.
#![no_main]

use coreinspect::internals::core_file::FileTable;
use coreinspect::machine::{ByteOrder, Class, Machine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, descriptor)) = data.split_first() else { return };
    let machine = Machine {
        number: 62,
        class: if choice & 1 == 0 { Class::Bits64 } else { Class::Bits32 },
        byte_order: if choice & 2 == 0 { ByteOrder::Little } else { ByteOrder::Big },
    };
    let (cut_off, page_size) = (choice & 4 != 0, (choice & 8 != 0).then_some(4096));
    let Ok(table) = FileTable::read(descriptor.to_vec().into(), machine, cut_off, page_size) else { return };
    table.flaws(cut_off);
    let mut rows = 0;
    for row in table.rows() {
        assert!(!row.range.is_empty() && !row.name.contains(&0));
        rows += 1;
    }
    // A row is three longs and a NUL at least.
    assert!(rows * 13 <= descriptor.len());
});
