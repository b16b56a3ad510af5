//! The text of a layout, a NUL, and bytes: any text ends in a message or in a type, and any bytes in a bounded value.
#![no_main]

use coreinspect::internals::notation::inline;
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Limits, decode};
use coreinspect::types::outline;
use libfuzzer_sys::fuzz_target;

const MACHINES: [Machine; 2] = [
    Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little },
    Machine { number: 20, class: Class::Bits32, byte_order: ByteOrder::Big },
];

fuzz_target!(|input: &[u8]| {
    let (text, bytes) = match input.iter().position(|byte| *byte == 0) {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[][..]),
    };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match inline::parse(text) {
        Err(problem) => drop(problem.in_text(text, "layout").to_string()),
        Ok(kind) => {
            for machine in MACHINES {
                let mut window = Window::new(&bytes);
                let budget = &Budget::unlimited();
                let decoded = decode(&kind, 0, &mut window, machine, Limits::default(), budget);
                let value = decoded.expect("bytes in memory are read").value;
                serde_json::to_string(&coreinspect::report::Value(value)).expect("a value is JSON");
                outline(&kind, machine);
            }
        }
    }
});
