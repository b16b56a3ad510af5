//! The grammar of the command line: what each form reads from bytes that were written down by hand.

use serde_json::{Value, json};

use super::{I386, S390X, X86_64, decoded, findings};

/// What `bytes` say on x86-64.
fn read(text: &str, bytes: &[u8]) -> Value {
    super::json(text, bytes, X86_64)
}

#[test]
fn flag_and_message() {
    let text = "u8 flag { 0=empty 1=ready 2=read }; cstr message";
    let expected = json!({"flag": {"value": 1, "name": "ready"}, "message": "Hello"});
    assert_eq!(read(text, b"\x01Hello\0stale"), expected);
    let unnamed = json!({"flag": {"value": 9, "name": null}, "message": ""});
    assert_eq!(read(text, b"\x09\0"), unnamed);
}

#[test]
fn measured_text_says_whether_its_nul_is_there() {
    assert_eq!(read("text s", b"abc"), json!({"s": {"text": "abc", "length": 3, "terminated": false}}));
    assert_eq!(
        read("text s[4]; u8 x", b"ab\0\0\x07"),
        json!({"s": {"text": "ab", "length": 2, "terminated": true}, "x": 7})
    );
}

#[test]
fn spellings_of_one_type_are_one_type() {
    for same in [
        &["u32 x", "uint32_t x", "unsigned x", "unsigned int x", "int unsigned x", "__u32 x", "uint x"][..],
        &["i64 x", "int64_t x", "long long x", "signed long long int x", "s64 x"],
        &["long x", "long int x", "signed long x", "ssize_t x", "off_t x"],
        &["unsigned long x", "size_t x", "ulong x"],
        &["float x", "f32 x"],
        &["be u32 x", "u32be x", "__be32 x", "big u32 x", "be; u32 x"],
        &[
            "u8 x { 0=no 1=yes }",
            "u8 x { no yes }",
            "u8 x { no = 0, yes = 1, }",
            "u8 x { 0=\"no\", 0x1 = yes }",
        ],
        &["time_t x", "time_s long x"],
        &["char x[8]", "char x[4 + 4]", "const N = 8; char x[N]", "char x[sizeof(u64)]"],
        &[
            "struct item { u8 a; }; item x",
            "struct item { u8 a; } x",
            "struct item { u8 a; }; struct item x;",
        ],
        &["u16 a, b[2], *c", "u16 a; u16 b[2]; u16 *c"],
    ] {
        let first = super::parse(same[0]);
        for other in same {
            assert_eq!(super::parse(other), first, "{other}");
        }
    }
}

#[test]
fn the_machine_gives_width_and_order() {
    let text = "long l; u16 s; void *p";
    let wide = [0, 0, 0, 0, 0, 0, 0, 5, 0, 6, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 7];
    assert_eq!(super::json(text, &wide, S390X), json!({"l": 5, "s": 6, "p": "0x7"}));
    let narrow = [5, 0, 0, 0, 6, 0, 9, 9, 7, 0, 0, 0];
    assert_eq!(super::json(text, &narrow, I386), json!({"l": 5, "s": 6, "p": "0x7"}));
}

#[test]
fn an_order_of_its_own_is_kept() {
    assert_eq!(
        read("be u16 a; le u16 b; u16 c", &[1, 2, 1, 2, 1, 2]),
        json!({"a": 0x102, "b": 0x201, "c": 0x201})
    );
    let text = "struct pair { u16 a; u16 b[2]; }; be pair x; pair y; struct be { u16 z; } w;";
    let bytes = [0, 1, 0, 2, 0, 3, 1, 0, 2, 0, 3, 0, 0, 9];
    assert_eq!(
        read(text, &bytes),
        json!({"x": {"a": 1, "b": [2, 3]}, "y": {"a": 1, "b": [2, 3]}, "w": {"z": 9}})
    );
}

#[test]
fn counts_and_lengths_come_from_fields_before() {
    let text = "struct { u8 n; u8 length; } head; u16 list[head.n * 2]; bytes rest[head.length - 1]; u8 last";
    let bytes = [1, 3, 7, 0, 8, 0, 0xaa, 0xbb, 5];
    assert_eq!(
        read(text, &bytes),
        json!({"head": {"n": 1, "length": 3}, "list": [7, 8], "rest": "aabb", "last": 5})
    );
}

#[test]
fn arrays_to_the_end_until_an_offset_and_of_arrays() {
    assert_eq!(read("u8 a; u8 b[]", &[1, 2, 3]), json!({"a": 1, "b": [2, 3]}));
    assert_eq!(read("u8 end; u8 b[until end]; u8 c", &[3, 1, 2, 9]), json!({"end": 3, "b": [1, 2], "c": 9}));
    assert_eq!(read("u8 m[2][3]", &[1, 2, 3, 4, 5, 6]), json!({"m": [[1, 2, 3], [4, 5, 6]]}));
    assert_eq!(read("char names[2][4]", b"ab\0\0cdef"), json!({"names": ["ab", "cdef"]}));
    assert_eq!(read("bytes b[2][2]", &[1, 2, 3, 4]), json!({"b": ["0102", "0304"]}));
    assert_eq!(read("char s[until 4]; u8 x", b"ab\0\0\x01"), json!({"s": "ab", "x": 1}));
    assert_eq!(
        read("struct item { u8 a; u16 b; }; item[]", &[1, 0, 2, 0, 3, 0, 4, 0]),
        json!([{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    );
    assert_eq!(read("struct { cstr s; } all[]", b"ab\0c\0"), json!({"all": [{"s": "ab"}, {"s": "c"}]}));
}

#[test]
fn wide_text() {
    let expected = json!({"s": "hä", "x": 7});
    assert_eq!(read("utf16 s; u8 x", &[b'h', 0, 0xe4, 0, 0, 0, 7]), expected);
    assert_eq!(read("char16_t s[3]; u8 x", &[b'h', 0, 0xe4, 0, 0, 0, 7]), expected);
    assert_eq!(super::json("utf32 s; u8 x", &[0, 0, 0, b'h', 0, 0, 0, 0xe4, 0, 0, 0, 0, 7], S390X), expected);
}

#[test]
fn enums_and_flags() {
    let text = "enum color : u8 { red, green = 5, blue }; color a; enum color b; enum { no, yes } c; \
                flags access : u8 { read, write, run }; access d; flags u16 e { 1=x 0x100=y }";
    let bytes = [5, 6, 0, 0, 1, 0, 0, 0, 0b101, 0, 1, 1];
    assert_eq!(
        read(text, &bytes),
        json!({
            "a": {"value": 5, "name": "green"},
            "b": {"value": 6, "name": "blue"},
            "c": {"value": 1, "name": "yes"},
            "d": {"value": 5, "names": ["read", "run"]},
            "e": {"value": 0x101, "names": ["x", "y"]},
        })
    );
}

/// The low bits first where the lowest byte stands first, the high bits first where the highest does.
#[test]
fn bit_fields_are_packed_as_c_packs_them() {
    let text = "u32 a : 3, b : 5; u32 c : 24; u8 d";
    let bytes = [0b0101_1101, 1, 0, 0x80, 9];
    assert_eq!(read(text, &bytes), json!({"a": 0b101, "b": 0b01011, "c": 0x80_0001, "d": 9}));
    let bytes = [0b1010_1011, 0x80, 0, 1, 9];
    assert_eq!(super::json(text, &bytes, S390X), json!({"a": 0b101, "b": 0b01011, "c": 0x80_0001, "d": 9}));
    // Behind a byte in the unit of the type; a unit that is full or left leads to the next.
    assert_eq!(
        read("u8 x; u32 a : 8; u32 b : 17", &[1, 2, 0, 0, 3, 0, 1, 0]),
        json!({"x": 1, "a": 2, "b": 0x1_0003})
    );
    assert_eq!(read("u8 a : 4; u8 : 0; u8 b : 4", &[0xf1, 0xf2]), json!({"a": 1, "b": 2}));
    assert_eq!(
        read("packed; u8 x; u32 a : 12, b : 12", &[1, 0x34, 0x12, 0xab]),
        json!({"x": 1, "a": 0x234, "b": 0xab1})
    );
    assert_eq!(
        read("i8 a : 2 { -1=low 1=high }; bool b : 1", &[0b111]),
        json!({"a": {"value": -1, "name": "low"}, "b": 1})
    );
}

#[test]
fn conditions_choose_fields() {
    let text = "u8 version; if (version >= 3) { u8 extra; u8 more; } else u16 old; u8 last";
    assert_eq!(read(text, &[3, 1, 2, 9]), json!({"version": 3, "extra": 1, "more": 2, "last": 9}));
    assert_eq!(read(text, &[2, 0, 1, 2, 9]), json!({"version": 2, "old": 0x201, "last": 9}));
    // Of two fields of one name, one is there.
    let text = "packed; u8 wide; if (wide) u16 n; else u8 n";
    assert_eq!(read(text, &[1, 1, 1]), json!({"wide": 1, "n": 0x101}));
    assert_eq!(read(text, &[0, 1, 1]), json!({"wide": 0, "n": 1}));
}

#[test]
fn a_switch_chooses_a_type() {
    let text = "u8 kind { 1=number 2=name }; switch (kind) { case number: u8 n; case name: case 3..4, 6: cstr s; default: u8 raw[2]; } u8 end";
    assert_eq!(read(text, &[1, 5, 9])["n"], 5);
    assert_eq!(
        read(text, b"\x02ab\0\x09"),
        json!({"kind": {"value": 2, "name": "name"}, "s": "ab", "end": 9})
    );
    assert_eq!(read(text, b"\x04ab\0\x09")["s"], "ab");
    assert_eq!(read(text, &[7, 1, 2, 9])["raw"], json!([1, 2]));
    let named = "u8 kind; switch (kind) { case 1: u8; case 2: cstr; case 3: u8 a; u8 b; } body; u8 end";
    assert_eq!(read(named, &[1, 5, 9]), json!({"kind": 1, "body": 5, "end": 9}));
    assert_eq!(read(named, &[3, 5, 6, 9]), json!({"kind": 3, "body": {"a": 5, "b": 6}, "end": 9}));
    // As large as a C union, whichever is chosen.
    let sized = "u8 kind; switch (kind) size 4 { case 1: u8 n; case 2: char s[4]; } u8 end";
    assert_eq!(read(sized, &[1, 5, 0, 0, 0, 9])["end"], 9);
}

#[test]
fn unions_and_structs_without_a_name_lend_their_fields() {
    let text = "struct { u8 a; union { u8 b; char c; }; }; u8 list[b]";
    assert_eq!(read(text, &[1, 2, 8, 9]), json!({"a": 1, "b": 2, "c": 2, "list": [8, 9]}));
}

#[test]
fn a_struct_without_a_tag_sees_what_is_around_it() {
    let text = "u8 n; struct { u8 list[n]; } rows[2]";
    assert_eq!(read(text, &[2, 1, 2, 3, 4]), json!({"n": 2, "rows": [{"list": [1, 2]}, {"list": [3, 4]}]}));
}

#[test]
fn places_padding_and_sizes() {
    assert_eq!(
        read("u8 a; pad 2; u8 b; align 8; u8 c", &[1, 0, 0, 2, 0, 0, 0, 0, 3]),
        json!({"a": 1, "b": 2, "c": 3})
    );
    assert_eq!(read("@4 u8 a; u8 b; @1 u8 c", &[0, 3, 0, 0, 1, 2]), json!({"a": 1, "b": 2, "c": 3}));
    let text = "u8 at; pad 1; struct { u8 x; @1 u8 y; @segment(at) u8 z; } inner";
    assert_eq!(read(text, &[4, 0, 1, 2, 3])["inner"], json!({"x": 1, "y": 2, "z": 3}));
    let text = "struct record { u8 length; size length; cstr s; }; record all[]";
    assert_eq!(
        read(text, b"\x04ab\0\x03c\0")["all"],
        json!([{"length": 4, "s": "ab"}, {"length": 3, "s": "c"}])
    );
    assert_eq!(
        read("packed struct { u8 a; u32 b; } x; struct packed { u8 a; u16 b; } y", &[1, 2, 0, 0, 0, 3, 4, 0]),
        json!({"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 4}})
    );
}

/// Padding up to an alignment has no bytes of its own to ask: the size is still known, and elements are counted.
#[test]
fn the_size_of_aligned_records_is_known() {
    let kind = super::parse("struct { u8 a; align 8; u8 b; align 16; }");
    assert_eq!(kind.size(X86_64), Some(16));
}

#[test]
fn magic_and_invariants_are_told() {
    let text =
        "u32 magic = 0x1234; u8 count; u8 valid; check count == valid \"torn write\"; check count <= 2;";
    assert_eq!(findings(text, &[0x34, 0x12, 0, 0, 1, 1]), Vec::<String>::new());
    assert_eq!(
        findings(text, &[0x35, 0x12, 0, 0, 7, 6]),
        [
            "magic is 0x1235, not 0x1234",
            "torn write: count 7, valid 6",
            "`count <= 2` does not hold: count 7"
        ]
    );
    let text = "char magic[8] = \"PHP_SM\\0\"; bytes elf[] = \"\\x7fELF\"; u8 v[2] = { 1, 'a' }";
    assert_eq!(findings(text, b"PHP_SM\0\0\x7fELF\x01a"), Vec::<String>::new());
    assert_eq!(findings(text, b"PHP_XM\0\0\x7fELG\x01b").len(), 3);
}

#[test]
fn a_check_under_a_condition_holds_where_the_condition_does_not() {
    let text = "u8 version; if (version > 1) { u8 n; check n == 1 \"n\"; }";
    assert_eq!(findings(text, &[1, 9]), Vec::<String>::new());
    assert_eq!(findings(text, &[2, 9]), ["n: version 2, n 9"]);
}

#[test]
fn times() {
    let told = decoded("time_ms u64 a; time32 b; struct timespec c; hex u16 d", &[0; 40], X86_64);
    let told = format!("{:?}", told.value);
    for word in ["Time(Milliseconds)", "Time(Seconds)", "tv_nsec", "Hexadecimal"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn expressions_are_those_of_c() {
    for (expression, expected) in [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("1 << 2 + 1", 8),
        ("0x10 | 3 & 2", 18),
        ("!0 + ~0 + 2", 2),
        ("7 % 4 == 3 && 1 || 0", 1),
        ("010 + 0b11 + 1_000ul", 1011),
        ("'A'", 65),
        ("-3 + 5", 2),
        ("sizeof(u32[3]) + sizeof(struct timespec) / sizeof(long)", 14),
        ("sizeof(struct { u8 a; u32 b; })", 8),
    ] {
        let kind = super::parse(&format!("u8 x[{expression}]"));
        assert_eq!(kind.size(X86_64), Some(expected), "{expression}");
    }
}
