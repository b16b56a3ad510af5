//! Headers, notes and the index of saved memory: any bytes are read, or refused, without a panic.
#![no_main]

use coreinspect::internals::core_file::CoreFile;
use coreinspect::source::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let source = Bytes::new(data.to_vec());
    if let Ok(core) = CoreFile::read(&source) {
        for row in core.files().into_iter().flat_map(|files| files.rows()) {
            let extents = core.loads().extents(row.range, data.len() as u64);
            let tiled = extents.iter().fold(row.range.start(), |at, extent| {
                assert_eq!(at, extent.range.start());
                extent.range.end()
            });
            assert_eq!(tiled, row.range.end());
        }
    }
});
