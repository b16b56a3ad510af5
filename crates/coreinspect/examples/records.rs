//! Decodes an array of 64-byte records into lines of JSON, without a dump: the decoder as a library, and what it takes.
//!
//! ```sh
//! cargo run --release --example records -- 1024 > /dev/null        # MiB of records of eight fields
//! cargo run --release --example records -- 1024 few > /dev/null    # of four
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::render::records::Records;
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Limits, decode_into};
use coreinspect::types::expression::Expression;
use coreinspect::types::{
    Array, Characters, Count, Extent, Field, Float, FloatFormat, Integer, Struct, Text, Type,
};

/// `struct { uint64_t id; int64_t when; uint32_t state, length; double price; char name[24]; uint32_t flags, check; }`
fn record() -> Type {
    let name =
        Text { extent: Extent::Room(Expression::from(24)), characters: Characters::Bytes, measured: false };
    let fields = vec![
        Field::new("id", Integer::new(8, false).into()),
        Field::new("when", Integer::new(8, true).into()),
        Field::new("state", Integer::new(4, false).into()),
        Field::new("length", Integer::new(4, false).into()),
        Field::new("price", Type::Float(Float { format: FloatFormat::Double, order: None })),
        Field::new("name", Type::Text(name)),
        Field::new("flags", Integer::new(4, false).into()),
        Field::new("check", Integer::new(4, false).into()),
    ];
    Struct { fields, ..Struct::default() }.into()
}

/// Four fields of the same 64 bytes: `id`, `when`, `name`, `check`.
fn record_of_few() -> Type {
    let body =
        Text { extent: Extent::Room(Expression::from(24)), characters: Characters::Bytes, measured: false };
    let fields = vec![
        Field::new("id", Integer::new(8, false).into()),
        Field::new("when", Integer::new(8, true).into()),
        Field::new("name", Type::Text(body)).at(32),
        Field::new("check", Integer::new(4, false).into()).at(60),
    ];
    Struct { fields, ..Struct::default() }.into()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mebibytes: usize = std::env::args().nth(1).map_or(Ok(64), |text| text.parse())?;
    let mut bytes = Vec::with_capacity(mebibytes << 20);
    for number in 0..u32::try_from(mebibytes << 14)? {
        bytes.extend_from_slice(&u64::from(number).to_le_bytes());
        bytes.extend_from_slice(&1_700_000_000_000_u64.saturating_add(number.into()).to_le_bytes());
        bytes.extend_from_slice(&(number % 3).to_le_bytes());
        bytes.extend_from_slice(&(number % 1500).to_le_bytes());
        bytes.extend_from_slice(&(f64::from(number) / 4.0).to_le_bytes());
        let mut name = [0; 24];
        write!(&mut name[..], "record {number}")?;
        bytes.extend_from_slice(&name);
        bytes.extend_from_slice(&[0, 0, 0, 0x80, 1, 2, 3, 4]);
    }
    let few = std::env::args().nth(2).is_some_and(|word| word == "few");
    let element = if few { record_of_few() } else { record() };
    let array = Array { element, count: Count::ToEnd };
    let contents = bytes.as_slice();
    let machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
    let mut out = io::stdout().lock();
    let mut records = Records::new(&mut out);
    let start = Instant::now();
    let remarks = decode_into(
        &Type::Array(array.into()),
        0,
        &mut Window::new(&contents),
        machine,
        Limits::streaming(),
        &Budget::unlimited(),
        &mut records,
    )?;
    let count = records.end()?;
    let rate = mebibytes as f64 / start.elapsed().as_secs_f64();
    writeln!(io::stderr(), "{count} records, {} findings, {rate:.0} MiB/s", remarks.findings.len())?;
    Ok(())
}
