//! Headers with structs of every kind, each with the members that a compiler is asked about.

use std::fmt::Write;

use crate::random::Random;

/// A header and its structs.
pub(super) struct Generated {
    pub(super) text: String,
    pub(super) structs: Vec<Known>,
}

/// A struct and its members.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) members: Vec<Member>,
}

/// A member as `a.b` leads to it.
pub(super) struct Member {
    pub(super) path: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bits,
    /// A whole number, whose sign is asked about.
    Number,
    /// An array that has no size.
    Flexible,
    Other,
}

const PROLOGUE: &str = "\
#ifndef GENERATED_H
#define GENERATED_H
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#define FOUR 4
#define TWICE(number) ((number) * 2)
#define LENGTH (TWICE(FOUR) - sizeof(int) + (1 ? 0 : 100))
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 wide;
#else
typedef unsigned long long wide;
#endif
enum small { RED, GREEN = FOUR, BLUE };
enum signed_one { MINUS = -1, PLUS };
enum __attribute__((packed)) tiny { TINY_A, TINY_B = 200 };
enum large { LARGE = 1ull << 40 };
typedef int aligned_8 __attribute__((aligned(8)));
typedef long long aligned_2 __attribute__((aligned(2)));
typedef double array_of_3[3];
typedef void (*handler)(int, const char *);
struct forward;
typedef struct pair { char a; double b; } pair_t;
struct three { char bytes[3]; };
struct __attribute__((packed)) tight { char a; long long b; short c; };
struct spacious { short a; } __attribute__((aligned(32)));
typedef union { long long number; char text[11]; } either;
struct only_bits { unsigned a : 3; unsigned : 0; unsigned b : 5; };
";

/// Types of numbers.
const NUMBERS: &[&str] = &[
    "char",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned",
    "long",
    "unsigned long",
    "long long",
    "unsigned long long",
    "int8_t",
    "uint8_t",
    "int16_t",
    "uint16_t",
    "int32_t",
    "uint32_t",
    "int64_t",
    "uint64_t",
    "size_t",
    "wchar_t",
    "_Bool",
    "bool",
    "enum small",
    "enum signed_one",
    "enum tiny",
    "enum large",
    "aligned_8",
    "aligned_2",
    "wide",
    "const volatile int",
    "_Atomic int",
    "_Atomic long long",
    "_Atomic(short)",
    "unsigned long int",
    "long long unsigned int",
    "intptr_t",
];
/// All other types.
const OTHERS: &[&str] = &[
    "float",
    "double",
    "long double",
    "void *",
    "struct forward *",
    "handler",
    "array_of_3",
    "pair_t",
    "struct pair",
    "struct three",
    "struct tight",
    "struct spacious",
    "either",
    "struct only_bits",
    "_Complex float",
    "_Complex double",
    "_Complex long double",
    "const char *const",
];
/// Types of which no array may be made: their alignment is more than their size.
const NO_ARRAY: &[&str] = &["aligned_8"];
/// Types of bit fields and the bits that they have on every machine.
const OF_BITS: &[(&str, usize)] = &[
    ("int", 32),
    ("unsigned", 32),
    ("long", 32),
    ("unsigned long", 32),
    ("long long", 64),
    ("unsigned long long", 64),
    ("char", 8),
    ("signed char", 8),
    ("unsigned char", 8),
    ("short", 16),
    ("unsigned short", 16),
    ("_Bool", 1),
    ("enum small", 32),
    ("enum tiny", 8),
    ("uint8_t", 8),
    ("uint16_t", 16),
    ("uint64_t", 64),
    ("aligned_8", 32),
    ("aligned_2", 64),
    ("wide", 64),
];

/// A header with `count` structs.
pub(super) fn generate(seed: u64, count: usize) -> Generated {
    let mut maker = Maker { random: Random::new(seed), next: 0 };
    let mut text = PROLOGUE.to_owned();
    let mut structs = vec![];
    for index in 0..count {
        let (definition, known) = maker.structure(index);
        text.push_str(&definition);
        structs.push(known);
    }
    text.push_str("#endif\n");
    Generated { text, structs }
}

struct Maker {
    random: Random,
    next: usize,
}

impl Maker {
    fn one_in(&mut self, chances: usize) -> bool {
        self.random.below(chances) == 0
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("m{}", self.next)
    }

    fn structure(&mut self, index: usize) -> (String, Known) {
        let keyword = if self.one_in(6) { "union" } else { "struct" };
        let (before, after) = self.of_struct();
        let pack = self.one_in(8).then(|| *self.random.pick(&[1, 2, 4, 8, 16]));
        let mut members = vec![];
        let flexible = keyword == "struct" && self.one_in(12);
        let body = self.body(2, "", &mut members, flexible);
        let typedef = self.one_in(4);
        let mut text = String::new();
        if let Some(bytes) = pack {
            match self.one_in(2) {
                true => writeln!(text, "#pragma pack(push, {bytes})").unwrap(),
                false => writeln!(text, "#pragma pack(push)\n#pragma pack({bytes})").unwrap(),
            }
        }
        let name = match typedef {
            true => {
                writeln!(text, "typedef {keyword}{before} {{\n{body}}}{after} t{index};").unwrap();
                format!("t{index}")
            }
            false => {
                writeln!(text, "{keyword}{before} s{index} {{\n{body}}}{after};").unwrap();
                format!("{keyword} s{index}")
            }
        };
        if pack.is_some() {
            text.push_str("#pragma pack(pop)\n");
        }
        (text, Known { name, members })
    }

    /// Attributes before a struct's tag, and behind its brace.
    fn of_struct(&mut self) -> (String, String) {
        let packed = [" __attribute__((packed))", " __attribute__((__packed__))"];
        let mut chosen = [String::new(), String::new()];
        if self.one_in(5) {
            let place = self.random.below(2);
            let word = *self.random.pick(&packed);
            chosen[place].push_str(word);
        }
        if self.one_in(8) {
            let place = self.random.below(2);
            let word = match self.random.pick(&["1", "2", "4", "8", "16", "64", ""]) {
                &"" => " __attribute__((aligned))".to_owned(),
                bytes => format!(" __attribute__((aligned({bytes})))"),
            };
            chosen[place].push_str(&word);
        }
        let [before, after] = chosen;
        (before, after)
    }

    fn body(&mut self, depth: usize, path: &str, members: &mut Vec<Member>, flexible: bool) -> String {
        let mut text = String::new();
        for _ in 0..1 + self.random.below(8) {
            match self.random.below(10) {
                0..=3 => self.bits(path, members, &mut text),
                4 if depth > 0 => self.nested(depth, path, members, &mut text),
                5 | 6 => self.other(path, members, &mut text),
                7 => self.array(path, members, &mut text),
                _ => self.number(path, members, &mut text),
            }
        }
        if flexible {
            let name = self.name();
            // A flexible array may not be the only member.
            writeln!(text, "    int {name}_before;").unwrap();
            let kind = *self.random.pick(&["char", "long long", "struct pair", "uint8_t"]);
            let size = *self.random.pick(&["", "0"]);
            writeln!(text, "    {kind} {name}[{size}];").unwrap();
            members.push(Member { path: format!("{path}{name}_before"), kind: Kind::Number });
            members.push(Member { path: format!("{path}{name}"), kind: Kind::Flexible });
        }
        text
    }

    /// Attributes of a member: before its type, and behind its name.
    fn of_member(&mut self) -> (&'static str, &'static str) {
        match self.random.below(14) {
            0 => ("", " __attribute__((packed))"),
            1 => ("", " __attribute__((aligned(8)))"),
            2 => ("", " __attribute__((packed, aligned(2)))"),
            3 => ("__attribute__((aligned(16))) ", ""),
            4 => ("_Alignas(32) ", ""),
            5 => ("", " __attribute__((__aligned__(1), __unused__))"),
            _ => ("", ""),
        }
    }

    fn number(&mut self, path: &str, members: &mut Vec<Member>, text: &mut String) {
        let kind = *self.random.pick(NUMBERS);
        let (before, after) = self.of_member();
        let name = self.name();
        writeln!(text, "    {before}{kind} {name}{after};").unwrap();
        members.push(Member { path: format!("{path}{name}"), kind: Kind::Number });
    }

    fn other(&mut self, path: &str, members: &mut Vec<Member>, text: &mut String) {
        let kind = *self.random.pick(OTHERS);
        let (before, after) = self.of_member();
        let (one, two) = (self.name(), self.name());
        match self.one_in(4) && !kind.contains('*') {
            true => {
                writeln!(text, "    {before}{kind} {one}{after}, (*{two})[3];").unwrap();
                members.push(Member { path: format!("{path}{two}"), kind: Kind::Other });
            }
            false => writeln!(text, "    {before}{kind} {one}{after};").unwrap(),
        }
        members.push(Member { path: format!("{path}{one}"), kind: Kind::Other });
    }

    fn array(&mut self, path: &str, members: &mut Vec<Member>, text: &mut String) {
        let kind = match self.one_in(2) {
            true => *self.random.pick(NUMBERS),
            false => *self.random.pick(OTHERS),
        };
        let kind = if NO_ARRAY.contains(&kind) { "char" } else { kind };
        let size = *self.random.pick(&[
            "[3]",
            "[FOUR]",
            "[LENGTH]",
            "[2][FOUR]",
            "[sizeof(struct pair)]",
            "['\\t' - 4]",
            "[BLUE]",
        ]);
        let (before, after) = self.of_member();
        let name = self.name();
        match self.one_in(6) {
            true => writeln!(text, "    {before}{kind} *(*{name}{size})[2]{after};").unwrap(),
            false => writeln!(text, "    {before}{kind} {name}{size}{after};").unwrap(),
        }
        members.push(Member { path: format!("{path}{name}"), kind: Kind::Other });
    }

    fn bits(&mut self, path: &str, members: &mut Vec<Member>, text: &mut String) {
        for _ in 0..1 + self.random.below(4) {
            let (kind, most) = *self.random.pick(OF_BITS);
            let width = 1 + self.random.below(most);
            let after = match self.random.below(16) {
                0 => " __attribute__((packed))",
                1 => " __attribute__((aligned(4)))",
                2 => " __attribute__((aligned(1)))",
                _ => "",
            };
            match self.random.below(8) {
                0 => writeln!(text, "    {kind} : 0;").unwrap(),
                1 => writeln!(text, "    {kind} : {width}{after};").unwrap(),
                _ => {
                    let name = self.name();
                    writeln!(text, "    {kind} {name} : {width}{after};").unwrap();
                    members.push(Member { path: format!("{path}{name}"), kind: Kind::Bits });
                }
            }
        }
    }

    fn nested(&mut self, depth: usize, path: &str, members: &mut Vec<Member>, text: &mut String) {
        let keyword = *self.random.pick(&["struct", "union"]);
        let (before, after) = self.of_struct();
        match self.random.below(3) {
            // Anonymous: its members stand in the struct around it.
            0 => {
                let body = self.body(depth - 1, path, members, false);
                writeln!(text, "    {keyword}{before} {{\n{body}    }}{after};").unwrap();
            }
            1 => {
                let name = self.name();
                members.push(Member { path: format!("{path}{name}"), kind: Kind::Other });
                let body = self.body(depth - 1, &format!("{path}{name}."), members, false);
                let (_, of_member) = self.of_member();
                writeln!(text, "    {keyword}{before} {{\n{body}    }}{after} {name}{of_member};").unwrap();
            }
            _ => {
                let name = self.name();
                members.push(Member { path: format!("{path}{name}"), kind: Kind::Other });
                let body = self.body(depth - 1, &format!("{path}{name}[1]."), members, false);
                let tag = self.name();
                writeln!(text, "    {keyword}{before} tag_{tag} {{\n{body}    }}{after} {name}[2];").unwrap();
            }
        }
    }
}
