//! Layouts that users write.

mod c_structs;
mod command;
mod files;
mod inline;
mod inline_problems;
mod mutants;

use coreinspect::internals::notation::inline as grammar;
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::Budget;
use coreinspect::types::Type;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Decoded, Limits, decode};
use serde_json::Value;

const X86_64: Machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
const I386: Machine = Machine { number: 3, class: Class::Bits32, byte_order: ByteOrder::Little };
const S390X: Machine = Machine { number: 22, class: Class::Bits64, byte_order: ByteOrder::Big };

fn parse(text: &str) -> Type {
    grammar::parse(text).unwrap_or_else(|problem| panic!("{}", problem.in_text(text, "layout")))
}

fn decoded(text: &str, bytes: &[u8], machine: Machine) -> Decoded {
    decode_type(&parse(text), bytes, machine)
}

fn decode_type(kind: &Type, bytes: &[u8], machine: Machine) -> Decoded {
    let mut window = Window::new(&bytes);
    decode(kind, 0, &mut window, machine, Limits::default(), &Budget::unlimited()).unwrap()
}

/// What `bytes` say by `text`, as the contract writes it.
fn json(text: &str, bytes: &[u8], machine: Machine) -> Value {
    let decoded = decoded(text, bytes, machine);
    serde_json::to_value(coreinspect::report::Value(decoded.value)).unwrap()
}

/// What the invariants of `text` say of `bytes`.
fn findings(text: &str, bytes: &[u8]) -> Vec<String> {
    let remarks = decoded(text, bytes, X86_64).remarks;
    remarks.findings.into_iter().map(|finding| finding.message).collect()
}
