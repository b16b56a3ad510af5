//! What is told of a text that is wrong: where, and what to do.

use coreinspect::internals::notation::inline::parse;

/// The line, the column, and the words that must be in the message or its help.
const WRONG: &[(&str, usize, usize, &str)] = &[
    ("", 1, 1, "nothing is described"),
    ("u23 x", 1, 1, "u32 field : 12"),
    ("u33 x", 1, 1, "u32 field : 12"),
    ("uint23_t x", 1, 1, "did you mean `uint32_t`"),
    ("u8 flag; strutc { u8 a; } x", 1, 10, "did you mean `struct`"),
    ("u8 a; u16 a", 1, 11, "`a` is there twice"),
    ("u8 a; struct { u8 a; };", 1, 7, "`a` is there twice"),
    ("u32 cnt;\nu8 list[count]", 2, 9, "did you mean `cnt`"),
    ("u8 x\nu8 y", 1, 4, "`;` is missing"),
    ("u8 x[", 1, 6, "a number or the name of a field is expected"),
    ("u8 x[-1]", 1, 5, "-1 is no count"),
    ("u8 x[2", 1, 7, "`]` is expected here, not the end"),
    ("struct { u8 a;", 1, 8, "has no `}`"),
    ("u8 a }", 1, 6, "a field or the end"),
    ("struct a { u8 x; a y; };", 1, 18, "cannot hold itself"),
    ("struct a { u8 x; struct a *next; };\nu8 b; u8;", 2, 7, "a field needs a name"),
    ("cstr s[4]", 1, 1, "char name[16]"),
    ("bytes b", 1, 1, "how many"),
    ("void v", 1, 1, "`void *name`"),
    ("u8 a : 9", 1, 8, "1 to 8 bits"),
    ("f32 a : 3", 1, 9, "only integers have bits"),
    ("u8 a { 0=x 0=x }", 1, 12, "`x` is there twice"),
    ("u8 a { 300=x }", 1, 6, "8 bits do not hold"),
    ("u8 a { 0=x", 1, 11, "`}` is expected"),
    ("flags u8 a", 1, 11, "names of the flags"),
    ("f32 a; u8 b[a]", 1, 13, "is no number"),
    ("u8 a; u8 b[a.x]", 1, 12, "is no struct"),
    ("struct { u8 count; } a; u8 b[a.cuont]", 1, 30, "did you mean `count`"),
    ("u8 n; struct item { u8 list[n]; };", 1, 29, "sees its own fields alone"),
    ("u8 k; if (k) u8 n; else u16 n; u8 list[n]", 1, 40, "two fields"),
    ("u8 k; switch (k) { case 1: u8 n; } u8 list[n]", 1, 44, "stands in a case"),
    ("u8 k; switch (k) { case 1: u8 n; case 0..5: u8 m; }", 1, 39, "has this value already"),
    ("u8 k; switch (k) { case k: u8 n; }", 1, 25, "a constant is needed"),
    ("u8 k; switch (k) { u8 n; }", 1, 20, "`case` or `default`"),
    ("else u8 x", 1, 1, "without an `if`"),
    ("case 1: u8 x", 1, 1, "outside of a `switch`"),
    ("char m[4] = \"12345\"", 1, 13, "more than the field has"),
    ("u32 m = \"1234\"", 1, 9, "text is held by"),
    ("u8 x[1/0]", 1, 6, ""),
    ("const N = 1/0; u8 x", 1, 11, "division by zero"),
    ("u8 x; packed;", 1, 7, "before the first field"),
    ("/* u8 x", 1, 1, "does not end"),
    ("char m[4] = \"123", 1, 13, "that ends it"),
    ("u8 x; $y", 1, 7, "shell"),
    ("#define N 4", 1, 1, "const N = 4;"),
    ("u8 x[0xfg]", 1, 6, "`g` is no digit"),
    ("u8 x[099]", 1, 6, "octal"),
    ("encoded(pph) v[2]", 1, 9, "no encoding is called `pph`"),
    ("hex f32 x", 1, 1, "integers only"),
    ("be char16_t s[4]", 1, 4, "byte order"),
    ("long double x", 1, 1, "f80"),
    ("u8 list[4]; u8 x[list[0]]", 1, 18, "elements of arrays"),
    ("size 4; size 5; u8 x", 1, 9, "twice"),
    ("u8 \u{e4}", 1, 4, "no meaning"),
];

#[test]
fn each_is_told_with_its_place() {
    for (text, line, column, words) in WRONG {
        let Err(problem) = parse(text) else {
            // A sum that has no value on any machine is told when it is asked for.
            assert!(words.is_empty(), "{text}: is taken");
            continue;
        };
        let told = problem.in_text(text, "layout").to_string();
        assert!(told.contains(words), "{text}: {told}");
        assert_eq!(problem.place(text), (*line, *column), "{text}: {told}");
        assert!(!told.contains("``"), "{told}");
    }
}

#[test]
fn the_screen_of_a_compiler() {
    let text = "u8 flag;\nstruct item { u32 id; strng name; };\nitem list[]";
    let told = parse(text).unwrap_err().in_text(text, "queue.layout").to_string();
    let expected = "error: no type is called `strng`
 --> queue.layout:2:23
  |
2 | struct item { u32 id; strng name; };
  |                       ^^^^^
  = help: a field is a type and a name: `u32 count;`; `coreinspect layouts --help` lists the types";
    assert_eq!(told, expected);
}

/// Depth, size and doubling end with a message, in bounded time.
#[test]
fn hostile_texts_end() {
    let nested = |open: &str, close: &str, count: usize| open.repeat(count) + "u8 x;" + &close.repeat(count);
    let mut doubling = "struct s0 { u8 x; };".to_owned();
    for level in 1..60 {
        let below = level - 1;
        doubling += &format!("struct s{level} {{ s{below} a; s{below} b; }};");
    }
    for text in [
        nested("struct { ", "};", 100_000),
        nested("u8 k; switch (1) { case 1: ", "}", 10_000),
        format!("u8 x[{}1{}]", "(".repeat(100_000), ")".repeat(100_000)),
        format!("u8 x[{}1]", "-".repeat(100_000)),
        format!("u8 x[1{}]", "+1".repeat(100_000)),
        format!("u8 a; {}u8 x;", "if (a) ".repeat(10_000)),
        format!("u8 x{}", "[2]".repeat(1000)),
        format!("u8 a {{ {} }}", (0..200_000).map(|value| format!("a{value} ")).collect::<String>()),
        doubling,
        " ".repeat(2 << 20),
    ] {
        let started = std::time::Instant::now();
        assert!(parse(&text).is_err(), "{}", &text[..60]);
        assert!(started.elapsed().as_secs() < 5, "{}: {:?}", &text[..60], started.elapsed());
    }
}
