//! The decoder, on bytes of which some are missing, and on types and counts that lie.

use std::sync::Arc;

use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::position::SegmentOffset;
use coreinspect::render::json;
use coreinspect::render::records::Records;
use coreinspect::report::Value;
use coreinspect::types::Budget;
use coreinspect::types::contents::{Contents, Run, Window};
use coreinspect::types::decode::{Decoded, Limits, decode, decode_into};
use coreinspect::types::expression::{Binary, Expression, Reference};
use coreinspect::types::{
    Array, Characters, Check, Count, Expected, Extent, Field, Float, FloatFormat, Integer, Meaning, Names,
    Place, Pointer, Struct, Switch, Text, Type, Width,
};
use serde_json::json;

use crate::random::Random;

const X86_64: Machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
const S390: Machine = Machine { number: 22, class: Class::Bits32, byte_order: ByteOrder::Big };

/// Bytes, and which of them are missing.
struct Holed {
    bytes: Vec<u8>,
    missing: Vec<bool>,
}

impl Holed {
    fn new(bytes: &[u8], holes: &[(usize, usize)]) -> Self {
        let mut missing = vec![false; bytes.len()];
        for (start, end) in holes {
            missing[*start..*end].fill(true);
        }
        Self { bytes: bytes.to_vec(), missing }
    }
}

impl Contents for Holed {
    fn end(&self) -> SegmentOffset {
        SegmentOffset::new(self.bytes.len() as u64)
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, coreinspect::Error> {
        let at = at.get() as usize;
        let there = self.missing.iter().skip(at).take_while(|missing| !**missing).count().min(into.len());
        into[..there].copy_from_slice(&self.bytes[at..at + there]);
        Ok(there)
    }

    fn run(&self, at: SegmentOffset) -> Run {
        let at = at.get() as usize;
        let Some(missing) = self.missing.get(at) else {
            return Run { until: SegmentOffset::new(u64::MAX), missing: Some("not-mapped") };
        };
        let length = self.missing[at..].iter().take_while(|other| *other == missing).count();
        Run { until: SegmentOffset::new((at + length) as u64), missing: missing.then_some("not-saved") }
    }
}

fn read_on(kind: &Type, contents: &dyn Contents, machine: Machine, limits: Limits) -> Decoded {
    decode(kind, 0, &mut Window::new(contents), machine, limits, &Budget::unlimited()).unwrap()
}

fn read(kind: &Type, contents: &dyn Contents) -> Decoded {
    read_on(kind, contents, X86_64, Limits::default())
}

fn as_json(decoded: &Decoded) -> serde_json::Value {
    serde_json::to_value(Value(decoded.value.clone())).unwrap()
}

fn unavailable(decoded: &Decoded) -> Vec<(String, String)> {
    let parts = decoded.remarks.unavailable.iter();
    parts.map(|part| (part.path.clone(), part.offsets.to_string())).collect()
}

fn findings(decoded: &Decoded) -> Vec<&str> {
    decoded.remarks.findings.iter().map(|finding| finding.message.as_str()).collect()
}

fn number(name: &str, bytes: u8) -> Field {
    Field::new(name, Integer::new(bytes, false).into())
}

fn of(fields: Vec<Field>) -> Type {
    Struct { fields, ..Struct::default() }.into()
}

fn array(element: Type, count: Count) -> Type {
    Type::Array(Arc::new(Array { element, count }))
}

fn exactly(count: u64) -> Count {
    Count::Exactly(Expression::from(count))
}

fn cstr() -> Type {
    Type::Text(Text { extent: Extent::Nul, characters: Characters::Bytes, measured: false })
}

/// The field with this index of the struct that asks.
fn field(index: usize, name: &str) -> Expression {
    Expression::Field(Reference { up: 0, path: vec![index], name: name.into() })
}

fn remembered(mut field: Field) -> Field {
    field.remembered = true;
    field
}

#[test]
fn what_is_missing_is_null_and_named_and_the_rest_is_told() {
    let inner = of(vec![number("a", 4), number("b", 4)]);
    let kind = of(vec![number("head", 8), Field::new("one", inner.clone()), Field::new("two", inner), {
        Field::new("name", cstr())
    }]);
    let mut bytes = vec![0; 40];
    bytes[0] = 7;
    bytes[20] = 9;
    bytes[24..40].copy_from_slice(b"half of a string");
    let decoded = read(&kind, &Holed::new(&bytes, &[(8, 20), (28, 40)]));
    assert_eq!(
        as_json(&decoded),
        json!({"head": 7, "one": null, "two": {"a": null, "b": 9}, "name": "half"})
    );
    let expected = [("one", "0x8-0x10"), ("two.a", "0x10-0x14"), ("name", "0x1c-0x28")];
    assert_eq!(unavailable(&decoded), expected.map(|(path, range)| (path.to_owned(), range.to_owned())));
}

/// `struct { char tag; long count; void *next; short last; }` as each ABI lays it out (System V ABI AMD64 3.1.2; s390).
#[test]
fn places_and_widths_are_the_targets() {
    let long = Integer { width: Width::Long, ..Integer::new(8, true) };
    let next = Pointer { width: Width::Long, order: None, to: None };
    let kind = of(vec![
        number("tag", 1),
        Field::new("count", long.into()),
        Field::new("next", Type::Pointer(next)),
        number("last", 2),
    ]);
    assert_eq!(kind.size(X86_64), Some(32));
    assert_eq!(kind.size(S390), Some(16));
    let mut little = [0; 32];
    little[0] = 1;
    little[8..16].copy_from_slice(&(-2_i64).to_le_bytes());
    little[16..24].copy_from_slice(&0x7f00_0000_1234_u64.to_le_bytes());
    little[24] = 3;
    let expected = json!({"tag": 1, "count": -2, "next": "0x7f0000001234", "last": 3});
    assert_eq!(as_json(&read(&kind, &little.as_slice())), expected);
    let big = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe, 0x7f, 0, 0x12, 0x34, 0, 3, 0, 0];
    let decoded = read_on(&kind, &big.as_slice(), S390, Limits::default());
    assert_eq!(as_json(&decoded), json!({"tag": 1, "count": -2, "next": "0x7f001234", "last": 3}));
}

#[test]
fn counts_offsets_and_cases_come_from_fields_before() {
    let case = Switch {
        on: field(0, "kind"),
        cases: vec![(1, 1, of(vec![number("small", 1)])), (2, 5, of(vec![number("large", 4)]))],
        otherwise: None,
        size: None,
    };
    let kind = Type::from(Struct {
        fields: vec![
            remembered(number("kind", 1)),
            remembered(number("count", 1)),
            remembered(number("at", 2)),
            Field { name: None, ..Field::new("", Type::Switch(Arc::new(case))) },
            Field::new("items", array(Integer::new(2, false).into(), Count::Exactly(field(1, "count")))),
            Field { place: Place::At(field(2, "at")), ..Field::new("far", cstr()) },
        ],
        packed: true,
        ..Struct::default()
    });
    let bytes = b"\x02\x03\x10\x00\xd2\x04\x00\x00\x01\x00\x02\x00\x03\x00__there\x00";
    let decoded = read(&kind, &bytes.as_slice());
    let expected =
        json!({"kind": 2, "count": 3, "at": 16, "large": 1234, "items": [1, 2, 3], "far": "there"});
    assert_eq!(as_json(&decoded), expected);
    assert!(findings(&decoded).is_empty());
}

#[test]
fn what_does_not_hold_is_found() {
    let equal = Expression::Binary(Binary::Equal, field(1, "count").into(), field(2, "valid").into());
    let kind = Type::from(Struct {
        fields: vec![
            Field { expected: Some(Box::new(Expected::Number(0x1234))), ..number("magic", 2) },
            remembered(number("count", 2)),
            remembered(number("valid", 2)),
        ],
        checks: vec![Check { holds: equal, says: "torn write".into() }],
        ..Struct::default()
    });
    let bad = read(&kind, &[0x35, 0x12, 7, 0, 6, 0].as_slice());
    assert_eq!(findings(&bad), ["magic is 0x1235, not 0x1234", "torn write: count 7, valid 6"]);
    let good = read(&kind, &[0x34, 0x12, 7, 0, 7, 0].as_slice());
    assert!(findings(&good).is_empty());
    // Of what is missing nothing is claimed.
    let holed = read(&kind, &Holed::new(&[0x34, 0x12, 7, 0, 6, 0], &[(2, 4)]));
    assert!(findings(&holed).is_empty());
}

#[test]
fn counts_that_lie_end_where_the_bytes_do() {
    let item = Type::from(Integer::new(8, false));
    for count in [1_u64 << 63, u64::MAX, 1 << 32, 5] {
        let decoded = read(&array(item.clone(), exactly(count)), &[0; 32].as_slice());
        assert_eq!(as_json(&decoded), json!([0, 0, 0, 0]), "{count}");
        assert_eq!(findings(&decoded).len(), 1, "{count}");
    }
    let from_bytes = of(vec![
        remembered(number("count", 8)),
        Field::new("items", array(item.clone(), Count::Exactly(field(0, "count")))),
    ]);
    let decoded = read(&from_bytes, &[0xff; 24].as_slice());
    assert_eq!(as_json(&decoded)["items"].as_array().unwrap().len(), 2);
    // Elements of no bytes, and a text of nothing but room.
    let nothing = of(vec![]);
    assert_eq!(as_json(&read(&array(nothing.clone(), exactly(u64::MAX)), &[0; 8].as_slice())), json!([{}]));
    assert_eq!(as_json(&read(&array(nothing, Count::ToEnd), &[0; 8].as_slice())), json!([]));
    let room = Text {
        extent: Extent::Room(Expression::from(u64::MAX)),
        characters: Characters::Utf32,
        measured: false,
    };
    assert_eq!(as_json(&read(&Type::Text(room), &[b'a', 0, 0, 0].as_slice())), json!("a"));
}

#[test]
fn nodes_and_depth_are_limited_and_it_is_said() {
    let bytes = vec![1; 4096];
    let limits = Limits { nodes: 100, ..Limits::default() };
    let decoded =
        read_on(&array(Integer::new(1, false).into(), Count::ToEnd), &bytes.as_slice(), X86_64, limits);
    assert_eq!(as_json(&decoded).as_array().unwrap().len(), 99);
    assert_eq!(decoded.remarks.limits, ["stopped after 100 values"]);
    let mut deep = Type::from(Integer::new(1, false));
    for _ in 0..1000 {
        deep = array(deep, exactly(1));
    }
    let decoded = read(&deep, &bytes.as_slice());
    assert!(decoded.remarks.limits[0].contains("deep"), "{:?}", decoded.remarks.limits);
    // 2^800 bytes are claimed, and 4,096 are there.
    let mut wide = Type::from(Integer::new(1, false));
    for _ in 0..40 {
        wide = array(wide, exactly(1 << 20));
    }
    let decoded = read(&wide, &bytes.as_slice());
    assert!(!decoded.remarks.findings.is_empty());
}

/// A type of every kind, some of them absurd.
fn any_type(random: &mut Random, depth: u32) -> Type {
    let expression = |random: &mut Random| match random.below(6) {
        0 => Expression::Constant(i128::from(random.next()) - (1 << 62)),
        1 => field(random.below(4), "other"),
        2 => Expression::SegmentSize,
        3 => Expression::Binary(
            Binary::Subtract,
            Expression::from(random.below(50) as u64).into(),
            field(random.below(3), "other").into(),
        ),
        _ => Expression::from(random.below(9) as u64),
    };
    let count = |random: &mut Random| match random.below(5) {
        0 => Count::ToEnd,
        1 => Count::Until(expression(random)),
        _ => Count::Exactly(expression(random)),
    };
    let order = [None, Some(ByteOrder::Little), Some(ByteOrder::Big)][random.below(3)];
    let characters = [Characters::Bytes, Characters::Utf16, Characters::Utf32][random.below(3)];
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0..=2 => {
            let names = Arc::new(Names::new([(0, "zero".into()), (1, "one".into()), (4, "four".into())]));
            let meaning = match random.below(6) {
                0 => Meaning::Names(names),
                1 => Meaning::Flags(names),
                2 => Meaning::Character,
                _ => Meaning::Number,
            };
            let signed = random.below(2) == 0;
            Integer { order, ..Integer::new(random.below(17) as u8, signed) }.meaning(meaning).into()
        }
        3 => {
            let formats =
                [FloatFormat::Half, FloatFormat::Single, FloatFormat::Double, FloatFormat::Extended(16)];
            Type::Float(Float { format: formats[random.below(4)], order })
        }
        4 => Type::Pointer(Pointer { width: Width::Long, order, to: None }),
        5 => {
            let extent = if random.below(2) == 0 { Extent::Nul } else { Extent::Room(expression(random)) };
            Type::Text(Text { extent, characters, measured: random.below(2) == 0 })
        }
        6 => Type::Bytes(count(random)),
        7 => array(any_type(random, depth - 1), count(random)),
        8 => Type::Switch(Arc::new(Switch {
            on: expression(random),
            cases: vec![(0, 3, any_type(random, depth - 1))],
            otherwise: (random.below(2) == 0).then(|| any_type(random, depth - 1)),
            size: (random.below(4) == 0).then(|| random.below(30) as u64),
        })),
        _ => {
            let fields = (0..random.below(5)).map(|index| Field {
                name: (random.below(6) > 0).then(|| format!("f{index}").into()),
                place: match random.below(8) {
                    0 => Place::At(expression(random)),
                    1 => Place::InSegment(expression(random)),
                    _ => Place::Next,
                },
                when: (random.below(9) == 0).then(|| Box::new(expression(random))),
                remembered: random.below(2) == 0,
                ..Field::new("", any_type(random, depth - 1))
            });
            Type::from(Struct {
                fields: fields.collect(),
                union: random.below(5) == 0,
                packed: random.below(3) == 0,
                size: (random.below(5) == 0).then(|| expression(random)),
                ..Struct::default()
            })
        }
    }
}

/// Any type on any bytes ends, within its limits; what it says is missing is missing; and a stream of records says what
/// the tree says.
#[test]
fn any_type_on_any_bytes_ends_and_tells_the_truth() {
    let mut random = Random::new(0x6c61_796f_7574_7321);
    for round in 0..20_000 {
        let length = random.below(200);
        let bytes: Vec<u8> = (0..length)
            .map(|_| if random.below(2) == 0 { random.below(6) as u8 } else { random.next() as u8 })
            .collect();
        let hole = random.below(length + 1);
        let holes = if random.below(2) == 0 { vec![(hole, (hole + 9).min(length))] } else { vec![] };
        let contents = Holed::new(&bytes, &holes);
        let machine = if random.below(2) == 0 { X86_64 } else { S390 };
        let kind = any_type(&mut random, 4);
        let limits = Limits { nodes: 3000, ..Limits::default() };
        let decoded = read_on(&kind, &contents, machine, limits);
        for part in &decoded.remarks.unavailable {
            let (start, end) = (part.offsets.start().get(), part.offsets.end().get());
            let missing = |at: u64| contents.run(SegmentOffset::new(at)).missing == Some(part.reason);
            assert!(start < end && missing(start) && missing(end - 1), "round {round}: {part:?}");
        }
        let records = array(kind, exactly(3));
        let tree = read_on(&records, &contents, machine, limits);
        let mut expected = Vec::new();
        if let serde_json::Value::Array(_) = as_json(&tree) {
            let coreinspect::types::value::Kind::Array(elements, _) = tree.value.kind else { panic!() };
            for element in elements {
                json::inline(&Value(element), &mut expected).unwrap();
                expected.push(b'\n');
            }
        }
        let mut lines = Vec::new();
        let mut sink = Records::new(&mut lines);
        let mut window = Window::new(&contents);
        decode_into(&records, 0, &mut window, machine, limits, &Budget::unlimited(), &mut sink).unwrap();
        sink.end().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(text(lines), text(expected), "round {round}: {records:?}");
    }
}
