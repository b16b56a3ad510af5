//! `layouts`, and `--layout` in all its spellings, on a real dump.

use std::fs;

use serde_json::json;

use crate::program::{Run, absent, coreinspect};
use crate::testdata::Core;

/// A folder of the user's with these layout files.
fn config(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let layouts = folder.path().join("coreinspect/layouts");
    fs::create_dir_all(&layouts).unwrap();
    for (name, text) in files {
        fs::write(layouts.join(name), text).unwrap();
    }
    folder
}

fn content(run: &Run) -> serde_json::Value {
    run.document()["dumps"][0]["segments"][0]["content"].clone()
}

#[test]
fn a_type_on_the_command_line_is_read() {
    let core = Core::unpack("writer.kernel");
    let text = "u8 flag { 1=set }; char word[5]; pad 1; char number[4]; cstr rest";
    let run = Run::of(coreinspect().arg(core.path()).args(["--json", "--layout", text])).ended(0);
    let content = content(&run);
    assert_eq!(content["layout"], "inline");
    assert_eq!(content["confidence"], "forced");
    let expected = json!({
        "flag": {"value": 1, "name": "set"},
        "word": "Order",
        "number": "4711",
        "rest": ": two coffees",
    });
    assert_eq!(content["value"], expected);
    let shown = Run::of(coreinspect().arg("show").arg(core.path()).args(["--layout", text])).ended(0);
    assert!(shown.text().contains("4711"), "{shown:?}");
}

#[test]
fn a_wrong_type_is_told_with_a_caret() {
    let core = Core::unpack("writer.kernel");
    let run = Run::of(coreinspect().arg(core.path()).args(["--layout", "u8 flag; cstrr message"]));
    assert_eq!(run.status, 2);
    let expected = "coreinspect: error: no type is called `cstrr`
 --> --layout:1:10
  |
1 | u8 flag; cstrr message
  |          ^^^^^
  = help: did you mean `cstr`?
";
    assert_eq!(run.err, expected);
    let run = Run::of(coreinspect().arg(core.path()).args(["--layout", "mailbx"])).ended(2);
    assert!(run.err.contains("did you mean mailbox?"), "{run:?}");
}

#[test]
fn files_of_the_user_are_asked_and_listed() {
    let core = Core::unpack("writer.kernel");
    let key = core.expected()["segments"][0]["key"].as_str().unwrap().to_owned();
    let files = [
        ("order.layout", format!("//! about: orders\n//! keys: {key}\nu8 flag; char word[5]; cstr rest")),
        ("broken.toml", "name = 'broken'\ntype = 'u9 x'".to_owned()),
        (".hidden.layout", "u9 x".to_owned()),
        ("notes.txt", "u9 x".to_owned()),
    ];
    let folder = config(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let with = || {
        let mut command = coreinspect();
        command.env("XDG_CONFIG_HOME", folder.path());
        command
    };
    let run = Run::of(with().arg(core.path()).arg("--json"));
    assert_eq!(run.status, 0);
    let asked = content(&run);
    assert_eq!(asked["layout"], "order");
    assert_eq!(asked["confidence"], "likely");
    assert_eq!(asked["value"]["word"], "Order");
    // What is wrong with one is told, and hides no other.
    assert!(run.err.contains("broken.toml:2:9") && run.err.contains("u9"), "{run:?}");
    assert_eq!(run.err.matches("ignores a layout file").count(), 1, "{run:?}");
    assert_eq!(Run::of(with().arg(core.path()).args(["--json", "-q"])).err, "");
    let named = Run::of(with().arg(core.path()).args(["--json", "-q", "--layout", "order"])).ended(0);
    assert_eq!(content(&named)["confidence"], "forced");

    let list = Run::of(with().args(["layouts", "--json", "-q"])).ended(0).document();
    let order = &list["layouts"][0];
    assert_eq!(order["name"], "order");
    assert_eq!(order["origin"]["kind"], "file");
    assert!(order["origin"]["path"].as_str().unwrap().ends_with("order.layout"));
    assert_eq!(order["recognises"], json!([format!("key {key}")]));
    let names: Vec<_> = list["layouts"].as_array().unwrap().iter().map(|layout| &layout["name"]).collect();
    assert!(names.contains(&&json!("mailbox")), "{names:?}");
    let text = Run::of(with().args(["layouts", "-q"])).ended(0);
    assert!(text.text().contains("orders; key"), "{text:?}");
}

/// Sizes and places of the machine of the dump, found beside the file that names the header.
#[test]
fn a_file_takes_its_type_from_a_header_beside_it() {
    let core = Core::unpack("writer.kernel");
    let header =
        "#define WORD 5\nstruct order { unsigned char flag; char word[WORD]; int : 8; char number[4]; };\n";
    let file = "name = 'order'\nmagic = { offset = 1, text = 'Order' }\nheader = 'order.h'\nstruct = 'struct order'\n";
    let folder = config(&[("order.h", header), ("order.toml", file)]);
    let expected = json!({"flag": 1, "word": "Order", "number": "4711"});
    let run =
        Run::of(coreinspect().env("XDG_CONFIG_HOME", folder.path()).arg(core.path()).arg("--json")).ended(0);
    assert_eq!((&content(&run)["confidence"], &content(&run)["value"]), (&json!("certain"), &expected));
    let asked = format!("{}:struct order", folder.path().join("coreinspect/layouts/order.h").display());
    let run = Run::of(coreinspect().arg(core.path()).args(["--json", "--layout", &asked])).ended(0);
    assert_eq!(content(&run)["value"], expected);
    let wrong = asked.replace("struct order", "struct odrer");
    let run = Run::of(coreinspect().arg(core.path()).args(["--json", "--layout", &wrong]));
    assert!(run.status == 2 && run.err.contains("did you mean") && run.out.is_empty(), "{run:?}");
}

/// They may come from a stranger.
#[test]
fn files_beside_the_dump_and_in_the_current_folder_are_not_asked() {
    let core = Core::unpack("writer.kernel");
    let layouts = core.folder().join("coreinspect/layouts");
    fs::create_dir_all(&layouts).unwrap();
    for folder in [core.folder(), &layouts] {
        fs::write(folder.join("evil.layout"), "u8 flag = 1; char magic[5] = \"Order\"").unwrap();
    }
    for relative in [".", "", "coreinspect"] {
        let mut command = coreinspect();
        command.current_dir(core.folder()).env("XDG_CONFIG_HOME", relative).env("HOME", relative);
        let run = Run::of(command.arg("core").arg("--json")).ended(0);
        assert_eq!(content(&run)["layout"], "mailbox", "{relative}");
    }
    let named = Run::of(coreinspect().current_dir(core.folder()).args([
        "core",
        "--json",
        "--layout-file",
        "evil.layout",
    ]));
    assert_eq!(content(&named)["layout"], "evil");
    assert_eq!(content(&named)["confidence"], "certain");
}

#[test]
fn a_layout_of_a_file_is_named_with_the_file() {
    let core = Core::unpack("writer.kernel");
    let file = core.folder().join("two.layout");
    fs::write(&file, "//! name: one\nu8 a;\n//! name: two\nu8 b;\n").unwrap();
    let ask = |layout: String| Run::of(coreinspect().arg(core.path()).args(["--json", "--layout", &layout]));
    let path = file.display();
    assert_eq!(content(&ask(format!("{path}:two")))["value"], json!({"b": 1}));
    let several = ask(format!("{path}")).ended(2);
    assert!(several.err.contains(":one"), "{several:?}");
    let none = ask(format!("{path}:three")).ended(2);
    assert!(none.err.contains("it has one, two"), "{none:?}");
    let gone = absent().join("x.layout").display().to_string();
    let run = ask(gone.clone()).ended(2);
    assert!(run.err.contains(&format!("cannot read {gone}")), "{run:?}");
}

#[test]
fn check_tells_what_is_wrong_and_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.layout", "u8 flag; u32 count; struct { u64 id; } list[count]");
    let bad = write("bad.toml", "name = 'bad'\ntype = 'u8 a; u9 b'");
    let run = Run::of(coreinspect().args(["layouts", "check"]).arg(&good)).ended(0);
    assert_eq!(run.err, "");
    let lines = run.lines();
    assert!(lines[0].starts_with("good of as many bytes as its contents say"), "{run:?}");
    let count: Vec<_> = lines[3].split_whitespace().collect();
    assert_eq!(count, ["0x4", "4", "u32", "count"]);

    let run = Run::of(coreinspect().args(["layouts", "check"]).arg(&bad).arg(&good));
    assert_eq!(run.status, 2);
    assert!(run.err.contains("bad.toml:2:15\n") && run.err.contains("2 | type = 'u8 a; u9 b'\n"), "{run:?}");
    assert!(run.text().contains("good"), "{run:?}");

    let json = Run::of(coreinspect().args(["layouts", "check", "--json"]).args([&bad, &absent()]));
    assert_eq!(json.status, 2);
    let files = json.document()["files"].clone();
    assert_eq!(files[0]["problems"][0]["line"], 2);
    assert_eq!(files[0]["problems"][0]["column"], 15);
    assert!(files[1]["error"].as_str().unwrap().contains(absent().to_str().unwrap()));
}

/// Sizes by gcc are compared in `c_structs`; here is what is printed of them.
#[test]
fn show_prints_offsets_sizes_types_and_names() {
    let text = "u8 kind { 0=no 1=yes }; u32 bits : 3; char name[6] = \"ab\"; struct item { u64 id; }; item items[2]; u8 rest[kind]";
    let run = Run::of(coreinspect().args(["layouts", "show", text, "--json"])).ended(0).document();
    let fields: Vec<_> = run["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| {
            (
                field["depth"].clone(),
                field["offset"].clone(),
                field["size"].clone(),
                field["type"].as_str().unwrap().to_owned(),
                field["name"].clone(),
            )
        })
        .collect();
    let row = |depth: u64, offset: Option<u64>, size: Option<u64>, kind: &str, name: &str| {
        (json!(depth), json!(offset), json!(size), kind.to_owned(), json!(name))
    };
    assert_eq!(
        fields,
        [
            row(0, Some(0), Some(1), "u8", "kind"),
            row(0, Some(0), Some(4), "u32 : 3 (bits 8 to 10)", "bits"),
            row(0, Some(2), Some(6), "char[6]", "name"),
            row(0, Some(8), Some(16), "struct item[2]", "items"),
            row(1, None, Some(8), "u64", "id"),
            row(0, Some(24), None, "u8[kind]", "rest"),
        ]
    );
    assert_eq!(run["fields"][0]["notes"], json!(["0=no 1=yes"]));
    assert_eq!(run["fields"][2]["notes"], json!(["= \"ab\""]));
    let built_in = Run::of(coreinspect().args(["layouts", "show", "mailbox"])).ended(0);
    assert!(built_in.text().contains("0=empty 1=ready 2=read"), "{built_in:?}");
}
