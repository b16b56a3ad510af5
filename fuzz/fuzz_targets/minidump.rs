//! Streams of a minidump, its mappings and its memory: any bytes are read, or refused, without a panic.
#![no_main]

use std::sync::Arc;

use coreinspect::source::Bytes;
use coreinspect::targets::{MinidumpTarget, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let source = Bytes::new(data.to_vec());
    let Ok(target) = MinidumpTarget::read(Arc::new(source)) else { return };
    for mapping in target.mappings().into_iter().flatten().take(64) {
        let extents = target.memory(mapping.range);
        let tiled = extents.iter().fold(mapping.range.start(), |at, extent| {
            assert_eq!(at, extent.range.start());
            extent.range.end()
        });
        assert_eq!(tiled, mapping.range.end());
        let mut bytes = [0; 64];
        let saved = target.read(mapping.range.start(), &mut bytes).unwrap();
        assert!(saved <= data.len());
    }
});
