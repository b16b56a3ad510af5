//! Addresses that another program stored in a segment, and who followed them. Both programs say where they have it.

use serde_json::{Value, json};

use super::crashed::Crashed;
use super::planted::number;
use crate::program::{Run, coreinspect};

fn foreign(kind: &str, flags: &[&str]) -> Option<(Crashed, u64)> {
    let crashed = Crashed::of("foreign.c", flags, &[kind])?;
    let (writer, reader) = (crashed.address("writer"), crashed.address("reader"));
    assert_ne!(writer, reader, "{kind}");
    Some((crashed, writer))
}

fn shown(crashed: &Crashed, arguments: &[&str]) -> Value {
    let run = Run::of(coreinspect().arg("show").arg(crashed.core()).arg("--json").args(arguments));
    run.document()["dumps"][0].take()
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

#[test]
fn a_list_of_another_process_tells_its_base_and_the_word_that_was_followed() {
    let Some((crashed, writer)) = foreign("list", &[]) else { return };
    let dump = shown(&crashed, &[]);
    // 60 nodes of 64 bytes behind 0x88 bytes: a head and 59 links.
    assert_eq!(dump["segments"][0]["foreign"], json!({"base": hex(writer), "words": 60, "other_bases": 0}));
    let from = &dump["fault"]["from"];
    let members = [&from["segment"], &from["offset"], &from["distance"], &from["meant"], &from["others"]];
    assert_eq!(members, [&json!(1), &json!(0x78), &json!(56), &json!(0x88), &json!(0)], "{dump:#}");
    assert_eq!(from["value"], hex(writer + 0x88));
    assert_eq!(from["foreign"]["base"], hex(writer));
    assert_eq!(dump["fault"]["address"], hex(writer + 0x88 + 56));
    // A listing says it too, and reads no more for it than it must.
    let listed = crashed.dump(&[]);
    assert_eq!(listed["fault"], dump["fault"]);
    assert_eq!(listed["segments"][0]["foreign"], Value::Null);
    let said = format!(
        "56 bytes behind {:#x}, which the word at 1+0x78 holds; an address of another process: 60 words of segment 1 fit one attach at {writer:#x} (a guess), so it means 1+0x88 here",
        writer + 0x88
    );
    let text = |arguments: &[&str]| {
        let run = Run::of(coreinspect().args(arguments).arg(crashed.core()));
        run.text().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(text(&[]).contains(&said), "{}", text(&[]));
    let verbose =
        format!("60 words of segment 1 are addresses as a process sees them that has it at {writer:#x}");
    assert!(text(&["-v"]).contains(&verbose), "{}", text(&["-v"]));
    assert!(!text(&[]).contains(&verbose));
    assert!(text(&["show"]).contains(&verbose), "{}", text(&["show"]));
}

#[test]
fn one_page_of_a_read_only_attach_is_enough() {
    let Some((crashed, writer)) = foreign("read-only", &[]) else { return };
    let dump = shown(&crashed, &[]);
    assert_eq!(dump["segments"][0]["saved"], 4096, "{dump:#}");
    assert_eq!(dump["segments"][0]["foreign"]["base"], hex(writer), "{dump:#}");
    assert_eq!(dump["fault"]["from"]["meant"], 0x88);
}

#[test]
fn refs_counts_and_lists_them_apart_from_what_leads_nowhere() {
    let Some((crashed, writer)) = foreign("abort", &[]) else { return };
    let stored = refs_of(&crashed);
    assert_eq!(
        (&stored["foreign"], &stored["foreign_base"]),
        (&json!(60), &json!(hex(writer))),
        "{stored:#}"
    );
    assert_eq!(stored["dangling"], 0);
    let pointers = stored["pointers"].as_array().unwrap();
    let first = pointers.iter().find(|pointer| pointer["to"] == "foreign").unwrap();
    assert_eq!((&first["offset"], &first["meant"]), (&json!(0x78), &json!(0x88)));
    for pointer in pointers.iter().filter(|pointer| pointer["to"] == "foreign") {
        assert_eq!(number(&pointer["value"]) - writer, pointer["meant"].as_u64().unwrap());
    }
    // What a layout shows as a pointer is led to its place too.
    let dump = shown(&crashed, &["--layout", "u8 head[0x78]; u64 *first"]);
    let pointer = &dump["segments"][0]["content"]["pointers"][0];
    let members = [&pointer["at"], &pointer["segment"], &pointer["offset"], &pointer["foreign"]];
    assert_eq!(members, [&json!(0x78), &json!(1), &json!(0x88), &json!(true)], "{dump:#}");
}

/// What is stored in the segment; nothing need point into it.
fn refs_of(crashed: &Crashed) -> Value {
    let run = Run::of(coreinspect().arg("refs").arg(crashed.core()).arg("--json"));
    run.document()["stored"][0].take()
}

#[test]
fn a_table_of_names_tells_its_base_by_what_the_addresses_lead_to() {
    let Some((crashed, writer)) = foreign("table", &[]) else { return };
    let dump = shown(&crashed, &[]);
    let expected = json!({"base": hex(writer), "words": 20, "other_bases": 0});
    assert_eq!(dump["segments"][0]["foreign"], expected, "{dump:#}");
    assert_eq!(dump["fault"], Value::Null);
}

#[test]
fn a_32_bit_program_is_told_alike() {
    let Some((crashed, writer)) = foreign("list", &["-m32"]) else { return };
    let dump = shown(&crashed, &[]);
    assert_eq!(dump["segments"][0]["foreign"]["base"], hex(writer), "{dump:#}");
    assert_eq!(dump["fault"]["from"]["segment"], 1, "{dump:#}");
}

#[test]
fn random_bytes_numbers_text_and_own_pointers_claim_nothing() {
    for kind in ["random", "random", "random", "numbers", "own", "two", "none"] {
        let Some((crashed, _)) = foreign(kind, &[]) else { return };
        let dump = shown(&crashed, &[]);
        assert_eq!(dump["segments"][0]["foreign"], Value::Null, "{kind}: {dump:#}");
        let stored = refs_of(&crashed);
        assert_eq!(
            (&stored["foreign"], &stored["foreign_base"]),
            (&json!(0), &Value::Null),
            "{kind}: {stored:#}"
        );
    }
}
