//! What is wrong with a header is told with the line, a caret and what to do.

use coreinspect::internals::notation::c_header::{Header, Problem};
use coreinspect::machine::{ByteOrder, Class, Machine};

pub(super) const X86_64: Machine =
    Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };

fn problem(text: &str) -> Problem {
    match Header::parse("queue.h", text) {
        Ok(_) => panic!("nothing is wrong with {text}"),
        Err(problem) => problem,
    }
}

/// Line and column in the text, what is wrong, and words of the advice.
const WRONG: &[(&str, (usize, usize), &str, &str)] = &[
    ("struct q {\n  strng name;\n};", (2, 3), "unknown type name `strng`", "gcc -E"),
    (
        "typedef int meter;\nstruct q { metre a; };",
        (2, 12),
        "unknown type name `metre`",
        "did you mean `meter`?",
    ),
    (
        "#include <far.h>\nstruct q { far_t a; };",
        (2, 12),
        "unknown type name `far_t`",
        "<far.h> was not read",
    ),
    ("#include \"near.h\"\n", (1, 10), "\"near.h\" was not found beside the header", "gcc -E queue.h"),
    ("struct q { int a }", (1, 18), "expected `;`, found `}`", ""),
    ("struct q { int a;", (1, 17), "expected a type, the header ends", ""),
    ("struct q { int a[LEN]; };", (1, 18), "unknown name `LEN`", "gcc -E"),
    ("struct q { int a[-1]; };", (1, 18), "an array of a negative number of elements", ""),
    ("struct q { int a[1ull << 40][1 << 20]; };", (1, 17), "this array has more than 2^48 bytes", ""),
    ("struct q { int a[2000000000ull * 2000000000]; };", (1, 17), "this array has more than 2^48 bytes", ""),
    ("struct q { int a : 33; };", (1, 20), "a bit field of 33 bits in a type of 32", ""),
    ("struct q { double a : 3; };", (1, 23), "only whole numbers can be bit fields", ""),
    ("struct q { int a : 0; };", (1, 16), "a bit field of no bits has no name", ""),
    (
        "struct q { struct r a; };",
        (1, 21),
        "a member of type `struct r`, whose size is not known",
        "define it before",
    ),
    ("struct q { void a; };", (1, 17), "a member of type `void`, whose size is not known", ""),
    ("struct q { int a; char a; };", (1, 24), "two members are named `a`", ""),
    ("struct q { int a; struct { char a; }; };", (1, 19), "two members are named `a`", ""),
    ("struct q { int a[]; int b; };", (1, 16), "an array without a size must be the last member", ""),
    ("struct q { int a; };\nstruct q { int a; };", (2, 8), "`struct q` is defined twice", ""),
    ("struct q; union q { int a; };", (1, 17), "`q` is a struct, not a union", ""),
    (
        "struct q { int a __attribute__((aligned(3))); };",
        (1, 33),
        "an alignment of 3: it must be a power of two",
        "",
    ),
    (
        "struct __attribute__((ms_struct)) q { int a; };",
        (1, 23),
        "ms_struct: the layout of Microsoft's",
        "--types",
    ),
    ("#ifdef A\nstruct q { int a; };\n", (1, 1), "this condition has no #endif", ""),
    ("#endif\n", (1, 2), "#endif without #if", ""),
    ("#if sizeof(int) == 4\n#endif\n", (1, 11), "expected", "gcc -E"),
    ("#error \"choose\"\n", (1, 2), "the header refuses: #error", "-DNAME"),
    ("#frob\n", (1, 2), "unknown directive #frob", ""),
    ("/* never\nends", (1, 1), "this comment does not end", ""),
    ("class queue { int a; };", (1, 1), "unknown type name `class`", ""),
    ("template <int N> struct q { int a; };", (1, 1), "unknown type name `template`", ""),
    (
        "typedef int aligned_8 __attribute__((aligned(8)));\nstruct q { aligned_8 a[2]; };",
        (2, 23),
        "the elements of this array are aligned",
        "",
    ),
    ("struct q { int a; } __attribute__((packed);", (1, 43), "expected `)`, found `;`", ""),
    ("int f(void) { return 0;", (1, 13), "this `{` is not closed", ""),
];

#[test]
fn a_problem_says_where_and_what_to_do() {
    for (text, place, message, help) in WRONG {
        let problem = problem(text);
        let told = problem.to_string();
        assert!(problem.what.message.starts_with(message), "{text}\n{told}");
        assert_eq!(problem.place(), Some(*place), "{text}\n{told}");
        let advice = problem.what.help.as_deref().unwrap_or_default();
        assert!(advice.contains(help), "{text}\n{told}");
        assert!(told.contains(&format!("queue.h:{}:{}", place.0, place.1)) && told.contains('^'), "{told}");
    }
}

#[test]
fn a_line_of_a_preprocessor_is_told_as_its_own_and_as_the_headers() {
    let text = "# 0 \"queue.h\"\n# 1 \"/usr/include/stddef.h\" 1 3 4\ntypedef int x;\n# 7 \"queue.h\" 2\n\nstruct q { y a; };\n";
    let problem = problem(text);
    assert_eq!(problem.place(), Some((6, 12)));
    assert_eq!(problem.origin.as_deref(), Some("queue.h:8"));
    assert!(problem.to_string().contains("queue.h (from queue.h:8):6:12"), "{problem}");
}

#[test]
fn what_a_header_says_moves_no_terminal() {
    let told = problem("struct q { int \u{1b}]0;x\u{7} a\u{202e}; };").to_string();
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{told:?}");
}

#[test]
fn a_struct_that_is_not_there_is_told_with_those_that_are() {
    let header =
        Header::parse("queue.h", "struct queue { int a; }; typedef union { int b; } both; struct far;")
            .unwrap();
    assert_eq!(header.names(), ["struct queue", "both"]);
    assert_eq!(header.only(), None);
    let told = |name: &str| header.type_of(name, X86_64).unwrap_err().to_string();
    assert_eq!(
        told("struct quue"),
        "error: queue.h: it defines no `struct quue`\n = help: did you mean `struct queue`?"
    );
    assert!(told("struct unlike").contains("it defines struct queue, both"), "{}", told("struct unlike"));
    assert!(
        told("struct far").contains("`struct far` is declared there, but not defined"),
        "{}",
        told("struct far")
    );
    assert!(told("").contains("it defines no ``"));
    assert!(told("struct queue nonsense").contains("it defines no"));
    for name in ["struct queue", "queue", "both", "struct queue[4]", "queue[]", "uint32_t", "struct queue *"]
    {
        header.type_of(name, X86_64).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

#[test]
fn the_only_struct_needs_no_name() {
    let only = |text: &str| Header::parse("queue.h", text).unwrap().only().map(str::to_owned);
    assert_eq!(only("struct queue { int a; };").as_deref(), Some("struct queue"));
    assert_eq!(
        only("struct item { int a; }; struct queue { struct item items[4]; };").as_deref(),
        Some("struct queue")
    );
    assert_eq!(only("typedef struct queue { int a; } queue_t;").as_deref(), Some("struct queue"));
    assert_eq!(only("typedef struct { int a; } queue_t;").as_deref(), Some("queue_t"));
    assert_eq!(only("struct a { int a; }; struct b { int b; };"), None);
    assert_eq!(only("int a;"), None);
}

#[test]
fn what_did_not_count_is_told() {
    let text = "#include <stdint.h>\n#include <zmq.h>\n#ifndef QUEUE_H\n#define QUEUE_H\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\
                #ifdef WITH_SEQUENCE\n#define X\n#endif\nstruct queue {\n#if WITH_TIME > 1 && defined(__linux__)\n  long t;\n#else\n  int a;\n#endif\n};\n\
                #ifdef __cplusplus\n}\n#endif\n#endif\n";
    let header = Header::parse("queue.h", text).unwrap();
    let told = [
        "queue.h:2: <zmq.h> was not read",
        "queue.h:8-10 was left out in part: WITH_SEQUENCE is not defined",
        "queue.h:12-16 was left out in part: WITH_TIME is not defined",
    ];
    assert_eq!(header.notes(), told);
    assert_eq!(header.type_of("queue", X86_64).unwrap().size(X86_64), Some(4));
}
