//! Keys in every spelling: what is read can be printed in each way and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shmcore::Key;

fuzz_target!(|data: &[u8]| {
    if let Some(name) = Key::from_mapping_name(data) {
        let printed = name.key.mapping_name().to_string();
        assert!(
            printed.as_bytes().starts_with(&data[..13]) && (name.deleted == (printed.len() == data.len()))
        );
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for key in Key::readings(text).into_iter().flatten() {
        assert_eq!(Key::from_parts(key.parts()), key);
        let spellings = [
            key.hexadecimal().to_string(),
            key.signed_decimal().to_string(),
            key.unsigned_decimal().to_string(),
            key.mapping_name().to_string(),
        ];
        for spelling in spellings {
            let read = Key::readings(&spelling).ok().into_iter().flatten().any(|read| read == key);
            assert!(read, "{text:?} as {spelling:?}");
        }
    }
});
