//! Hostile headers end: in bounded time, without a deep stack, with an answer or an error.

use std::time::{Duration, Instant};

use coreinspect::internals::notation::c_header::Header;

use super::errors::X86_64;
use crate::allocations;
use crate::random::Random;

/// Reads a header as a user would; answers the error.
fn read(text: &str) -> Option<String> {
    let start = Instant::now();
    let header = Header::parse("hostile.h", text);
    let told = match &header {
        Ok(header) => header.type_of("struct q", X86_64).err().map(|problem| problem.to_string()),
        Err(problem) => Some(problem.to_string()),
    };
    let (took, shown) = (start.elapsed(), &text[..text.len().min(60)]);
    assert!(took < Duration::from_secs(60), "{took:?} for {shown}");
    assert!(told.as_ref().is_none_or(|told| told.len() < 5000), "{shown}");
    told
}

/// An error that contains these words.
fn refused(text: &str, words: &str) {
    let told = read(text).unwrap_or_else(|| panic!("{} is believed", &text[..text.len().min(60)]));
    assert!(told.contains(words), "{words}: {told}");
}

#[test]
fn depth_has_an_end() {
    const N: usize = 100_000;
    let deep = "are nested more than";
    refused(&format!("struct q {{ int a[{}1{}]; }};", "(".repeat(N), ")".repeat(N)), deep);
    refused(&format!("struct q {{ int a[{}1]; }};", "- ".repeat(N)), deep);
    refused(&format!("struct q {{ int a[{}1]; }};", "1?".repeat(N)), deep);
    refused(&format!("struct q {{ int a[{}]; }};", "sizeof ".repeat(N)), deep);
    refused(&format!("struct q {{ int a[{}1]; }};", "sizeof(int[".repeat(N)), deep);
    refused(&format!("struct q {{ int {}a{}; }};", "(".repeat(N), ")".repeat(N)), deep);
    refused(&format!("struct q {{ int {}a; }};", "*".repeat(N)), deep);
    refused(&format!("struct q {{ int a{}; }};", "[1]".repeat(N)), deep);
    refused(&format!("{}int a;{}", "struct {".repeat(N), "} a;".repeat(N)), deep);
    refused(&format!("struct q {{ {} a; }};", "_Atomic(".repeat(N)), deep);
    refused(&format!("struct q {{ {} a; }};", "typeof(".repeat(N)), deep);
    refused(&format!("#if {}1{}\n#endif\n", "(".repeat(N), ")".repeat(N)), deep);
    refused(&format!("#define F(a) a\nint a[{}1{}];", "F(".repeat(300), ")".repeat(300)), deep);
    refused(
        &format!("struct q {{ int a __attribute__((aligned({}1{}))); }};", "(".repeat(N), ")".repeat(N)),
        deep,
    );

    let mut chains =
        ["typedef int t0;".to_owned(), "struct s0 { int a; };".to_owned(), "#define M0 1\n".to_owned()];
    for level in 1..N / 10 {
        let before = level - 1;
        chains[0].push_str(&format!("typedef t{before} *t{level};"));
        chains[1].push_str(&format!("struct s{level} {{ struct s{before} a; }};"));
        chains[2].push_str(&format!("#define M{level} M{before}\n"));
    }
    chains[2].push_str(&format!("struct q {{ int a[M{}]; }};", N / 10 - 1));
    chains.iter().for_each(|chain| refused(chain, deep));
}

#[test]
fn growth_has_an_end() {
    // Each level doubles the one before it: macros, with and without an output, and structs.
    let mut macros = String::from("#define M0 1,1\n");
    let mut empty = String::from("#define M0\n");
    let mut structs = String::from("struct s0 { char a; };");
    for level in 1..60 {
        let before = level - 1;
        macros.push_str(&format!("#define M{level} M{before} M{before}\n"));
        empty.push_str(&format!("#define M{level} M{before} M{before}\n"));
        structs.push_str(&format!("struct s{level} {{ struct s{before} a, b; }};"));
    }
    refused(&format!("{macros}int a[] = {{ M59 }};"), "more than a million tokens");
    refused(&format!("{empty}M59 struct q {{ int a; }};"), "more than a million tokens");
    refused(&structs, "more than 2^48 bytes");
    let many = "#define F(a) a a a a a a a a\n".to_owned() + "int a[] = { F(F(F(F(F(F(F(F(F(F(1)))))))))) };";
    refused(&many, "more than a million tokens");
    refused(&format!("#define P(a) a##a##a##a##a##a##a##a\n{}", "P(P(P(P(P(P(P(P(P(x)))))))))"), "");
}

/// Files that include each other without a depth, and texts that macros make: each doubles the one before it.
#[test]
fn bombs_have_an_end() {
    let bomb = |lines: &str| {
        let start = Instant::now();
        let mut include = |name: &str| {
            let level: u32 = name.trim_end_matches(".h").parse().unwrap();
            let next = level + 1;
            let both = format!("#include \"{next}.h\"\n#include \"{next}.h\"\n{lines}");
            Some(if level < 30 { both } else { String::new() })
        };
        let (header, usage) = allocations::measure(|| {
            Header::parse_with("0.h", "#include \"1.h\"\nstruct q { int a; };", &mut include)
        });
        let told = header.unwrap_err().to_string();
        assert!(told.contains("each as often as it is included"), "{told}");
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        assert!(usage.peak < 64 << 20, "{} bytes", usage.peak);
    };
    bomb("");
    bomb(&"/* no token at all */\n".repeat(1000));

    let mut names = String::from("#define F0(x) F1(x##0) F1(x##1)\n");
    (1..25).for_each(|level| {
        let next = level + 1;
        names.push_str(&format!("#define F{level}(x) F{next}(x##0) F{next}(x##1)\n"));
    });
    let (told, usage) = allocations::measure(|| read(&format!("{names}F0({})", "x".repeat(4000))));
    assert!(told.unwrap().contains("more than a million tokens"));
    assert!(usage.peak < 64 << 20, "{} bytes", usage.peak);
    // The same text is made again and again.
    let again = format!("#define S(x) #x\n#define B S({})\n{}", "x".repeat(1 << 20), "B ".repeat(300_000));
    refused(&again, "more than a million tokens");
}

#[test]
fn length_has_an_end() {
    refused(&"struct s; ".repeat(500_000), "4 MiB");
    read(&"(".repeat(4 << 20));
    read(&"#".repeat(4 << 20));
    read(&"#if 1\n".repeat(600_000));
    read(&"#ifdef A\n#endif\n".repeat(200_000));
    read(&"#include <x>\n".repeat(300_000));
    read(&"F( ".repeat(1_000_000));
    read(&format!("#define F(x) x\n{}", "F( ".repeat(1_000_000)));
    read(&"\"".repeat(4 << 20));
    read(&"'\n".repeat(2 << 20));
    read(&"\\\n".repeat(2 << 20));
    read(&"a".repeat(4 << 20));
    read(&"0".repeat(4 << 20));
    read(&format!("struct q {{ {} }};", "int a; ".repeat(100_000)));
    let many: String = (0..100_000).map(|index| format!("int a{index} : 3;")).collect();
    assert_eq!(read(&format!("struct q {{ {many} }};")), None);
    read(&format!("enum e {{ {} }};", (0..200_000).map(|index| format!("A{index},")).collect::<String>()));
    refused("#include \"hostile.h\"\n", "was not found");
    let circle =
        Header::parse_with("a.h", "#include \"a.h\"\n", &mut |_| Some("#include \"a.h\"\n".to_owned()));
    assert!(circle.unwrap_err().to_string().contains("32 deep"));
}

/// Headers that are almost right: each of a thousand mutants ends in an answer or an error.
#[test]
fn mutants_are_answered() {
    let good = super::generator::generate(7, 12).text;
    let words = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ":",
        ",",
        "*",
        "struct",
        "#",
        "\n#if ",
        "\n#endif\n",
        "=",
        "\\",
        "\"",
        "'",
        "/*",
        "0",
        "sizeof",
        "##",
        "\u{e9}",
    ];
    let mut random = Random::new(11);
    for _ in 0..1000 {
        let mut text: Vec<char> = good.chars().collect();
        for _ in 0..1 + random.below(6) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => {
                    text.drain(at..(at + 1 + random.below(30)).min(text.len()));
                }
                1 => {
                    let word: Vec<char> = random.pick(&words).chars().collect();
                    text.splice(at..at, word);
                }
                _ => {
                    let from = random.below(text.len());
                    let piece = text[from..(from + random.below(80)).min(text.len())].to_vec();
                    text.splice(at..at, piece);
                }
            }
        }
        read(&text.into_iter().collect::<String>());
    }
}
