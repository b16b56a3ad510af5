//! Structs that are C and this grammar at once stand where gcc puts them.

use std::process::Command;

use super::{I386, X86_64, decode_type, parse};
use crate::tools::{have, output};

/// Types of C, of which structs are drawn.
const TYPES: &[&str] = &[
    "char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned",
    "long",
    "unsigned long",
    "long long",
    "unsigned long long",
    "uint8_t",
    "int16_t",
    "uint32_t",
    "uint64_t",
    "float",
    "double",
];
/// Types of C's bit fields whose width is the same on both machines.
const BITS: &[(&str, usize)] =
    &[("unsigned char", 8), ("unsigned short", 16), ("unsigned", 32), ("uint32_t", 32)];

struct Drawn {
    text: String,
    /// The fields that may be assigned.
    fields: Vec<String>,
}

fn draw(random: &mut crate::random::Random, number: usize) -> Drawn {
    let mut text = String::new();
    let mut fields = vec![];
    let packed = random.below(5) == 0;
    for index in 0..1 + random.below(8) {
        let name = format!("f{index}");
        match random.below(6) {
            0 | 1 => {
                let (kind, width) = random.pick(BITS);
                text += &format!("{kind} {name} : {}; ", 1 + random.below(*width));
                fields.push(name);
            }
            2 => {
                let kind = random.pick(TYPES);
                text += &format!("{kind} {name}[{}]; ", 1 + random.below(4));
                fields.push(format!("{name}[0]"));
            }
            3 if random.below(2) == 0 => {
                text += &format!("struct {{ char a; {} b; }} {name}; ", random.pick(TYPES));
                fields.push(format!("{name}.b"));
            }
            4 if random.below(3) == 0 && !packed => {
                let (kind, _) = random.pick(BITS);
                text += &format!("{kind} : 0; ");
            }
            _ => {
                text += &format!("{} {name}; ", random.pick(TYPES));
                fields.push(name);
            }
        }
    }
    let packed = if packed { "packed " } else { "" };
    Drawn { text: format!("struct {packed}s{number} {{ {text}}};"), fields }
}

/// A program that sets one field of a zeroed struct after the other, and prints the bytes each time.
fn program(drawn: &[Drawn]) -> String {
    let mut code = "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n\
                    #define packed __attribute__((packed))\n\
                    static void p(const void *v, int n) { for (int i = 0; i < n; i++) printf(\"%02x\", ((unsigned char *)v)[i]); puts(\"\"); }\n"
        .to_owned();
    let mut body = String::new();
    for (number, Drawn { text, fields }) in drawn.iter().enumerate() {
        code += &format!("{text}\n");
        body += &format!("{{ struct s{number} v;\n");
        for field in fields {
            body += &format!("memset(&v, 0, sizeof v); v.{field} = 1; p(&v, sizeof v);\n");
        }
        body += "}\n";
    }
    format!("{code}int main(void) {{\n{body}return 0; }}\n")
}

fn is_one(value: &serde_json::Value, field: &str) -> bool {
    let pointer = format!("/{}", field.replace(['.', '['], "/").replace(']', ""));
    let value =
        if let Some(text) = value.pointer(pointer.trim_end_matches("/0")).and_then(|value| value.as_str()) {
            return text == "\u{1}";
        } else {
            value.pointer(&pointer)
        };
    value.and_then(serde_json::Value::as_f64) == Some(1.0)
}

#[test]
fn three_hundred_structs_stand_where_gcc_puts_them() {
    if !have("gcc") {
        return;
    }
    let mut random = crate::random::Random::new(7);
    let drawn: Vec<_> = (0..300).map(|number| draw(&mut random, number)).collect();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("structs.c");
    std::fs::write(&source, program(&drawn)).unwrap();
    for (mode, machine) in [("-m64", X86_64), ("-m32", I386)] {
        let binary = folder.path().join("structs");
        output(
            Command::new("gcc")
                .args([mode, "-w", "-Wno-packed-bitfield-compat", "-O0", "-o"])
                .arg(&binary)
                .arg(&source),
        );
        let printed = output(&mut Command::new(&binary));
        let mut lines = printed.lines();
        for Drawn { text, fields } in &drawn {
            let kind = parse(text);
            for field in fields {
                let line = lines.next().unwrap();
                let bytes: Vec<u8> = (0..line.len() / 2)
                    .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap())
                    .collect();
                assert_eq!(kind.size(machine), Some(bytes.len() as u64), "{mode} {text}");
                let value = coreinspect::report::Value(decode_type(&kind, &bytes, machine).value);
                let value = serde_json::to_value(value).unwrap();
                assert!(is_one(&value, field), "{mode} {field} of {text}: {line} {value}");
            }
        }
        assert_eq!(lines.next(), None);
    }
}
