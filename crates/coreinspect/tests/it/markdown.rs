//! `--format markdown`: cmark-gfm, GitHub's own renderer, makes tables, paragraphs, headings and code of it, and nothing else,
//! whatever a dump says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::core_builder::notes;
use crate::core_builder::presets::{self, PID, UID, X86_64};
use crate::core_builder::{Content, CoreBuilder};
use crate::program::{Run, coreinspect};
use crate::tools;

/// What a renderer would make something of.
const MARKUP: &[&str] = &[
    "a|b||c",
    r"a\|b\\|c\",
    "`code` ``two``",
    "*em* **strong** _em_ __x__",
    "<b>bold</b><!-- x -->",
    "&lt;&#64;&copy;",
    "[link](http://x)",
    "![image][1] [1]: /x",
    "# heading #",
    "- list",
    "+ list",
    "1. list",
    "12) list",
    "---",
    "===",
    "~~~ ~~gone~~",
    "```",
    "http://example.com/",
    "www.example.com",
    "WWW.EXAMPLE.COM",
    "https://user@host",
    "me@example.com",
    "mailto:me@x.org",
    "@octocat",
    "$x^2$ $`y`$",
    "| --- | --- |",
    "> quote",
    "    indented",
    ":smile: #1",
    "\\",
    "<http://a.b>",
    "[ ] task [x]",
    "[^1] [^1]: note",
];

/// A kernel's core with `text` wherever a dump holds text.
fn core(text: &str) -> CoreBuilder {
    let mut core = presets::kernel(X86_64);
    let mut rows = presets::rows(&X86_64, 4096);
    for row in rows.iter_mut().filter(|row| !row.name.starts_with(b"/SYSV")) {
        row.name = text.as_bytes().to_vec();
    }
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        let command = &text.as_bytes()[..text.len().min(15)];
        notes[1] = notes::prpsinfo(&X86_64, PID, UID, command, text.as_bytes());
        notes[4] = notes::file(&X86_64, 4096, &rows);
    }
    // The message of the mailbox, and text that no layout fits.
    for (at, load) in core.segments[3..].iter_mut().enumerate() {
        if let Content::Bytes(bytes) = &mut load.content {
            let start = if at == 0 { 1 } else { 64 };
            bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
            bytes[start + text.len()] = 0;
        }
    }
    core
}

/// A node of what cmark-gfm has parsed: its name, and all the text below it.
#[derive(Debug)]
struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

/// The document that cmark-gfm reads, with every extension that makes something of text.
fn parsed(markdown: &[u8]) -> Node {
    let mut command = Command::new("cmark-gfm");
    command.args(["--to", "xml", "--unsafe"]);
    for extension in ["table", "strikethrough", "autolink", "tasklist"] {
        command.args(["--extension", extension]);
    }
    let run = Run::fed(&mut command, markdown);
    assert_eq!(run.status, 0, "{run:?}");
    let mut open = vec![Node { name: "root".to_owned(), text: String::new(), children: vec![] }];
    for piece in run.text().split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            let closed = open.pop().unwrap();
            assert_eq!(closed.name, name);
            open.last_mut().unwrap().text.push_str(&closed.text);
            open.last_mut().unwrap().children.push(closed);
            continue;
        }
        let text = if tag.contains("xml:space") { unescaped(text) } else { String::new() };
        let node = Node { name: name.to_owned(), text, children: vec![] };
        match tag.ends_with('/') {
            true => open.last_mut().unwrap().children.push(node),
            false => open.push(node),
        }
    }
    open.pop().unwrap().children.remove(0)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn each<'n>(node: &'n Node, visit: &mut impl FnMut(&'n Node)) {
    visit(node);
    node.children.iter().for_each(|child| each(child, visit));
}

/// What `node` is made of that is neither table, paragraph, heading nor code; and tables whose rows differ in length.
fn complaints(document: &Node) -> Vec<String> {
    const ALLOWED: &[&str] = &[
        "document",
        "paragraph",
        "heading",
        "code_block",
        "code",
        "text",
        "table",
        "table_header",
        "table_row",
        "table_cell",
    ];
    let mut wrong = BTreeSet::new();
    each(document, &mut |node| {
        if !ALLOWED.contains(&node.name.as_str()) {
            wrong.insert(format!("{}: {:?}", node.name, node.text));
        }
        if node.name == "table" {
            let widths: BTreeSet<_> = node.children.iter().map(|row| row.children.len()).collect();
            if widths.len() > 1 {
                wrong.insert(format!("rows of {widths:?} cells: {:?}", node.text));
            }
        }
    });
    wrong.into_iter().collect()
}

/// What each command prints of the dump at `path`.
fn printed(path: &Path) -> Vec<(String, Vec<u8>)> {
    let dump = path.to_str().unwrap();
    let commands: &[&[&str]] = &[
        &[dump],
        &["-v", dump],
        &["-q", dump],
        &[dump, dump],
        &["show", dump],
        &["show", dump, "--hex", "--length", "200"],
        &["show", dump, "--layout", "char a[64]; struct { char b[8]; } c[2]"],
        &["refs", dump],
        &["search", dump, "all", "a", "`", "*"],
        &["diff", dump, dump],
        &["diff", dump, dump, "--pair", "#1=#2", "--hex", "--layout", "char a[64]"],
        &["layouts"],
        &["layouts", "show", "mailbox"],
        &["key", "0x4e545030"],
        &["key", "0x7800c028"],
        &["key", "--path", dump],
    ];
    let print = |arguments: &&[&str]| {
        let run = Run::of(coreinspect().args(["--format", "markdown"]).args(*arguments));
        assert!(run.status < 2, "{arguments:?}: {run:?}");
        (arguments.join(" "), run.out)
    };
    commands.iter().map(print).collect()
}

#[test]
fn nothing_of_a_dump_is_read_as_markup() {
    if !tools::have("cmark-gfm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in MARKUP.iter().enumerate() {
        let path = folder.path().join(format!("core*{number}*_a_`b`|c"));
        fs::write(&path, core(text).build().bytes).unwrap();
        for (command, markdown) in printed(&path) {
            assert!(!markdown.is_empty(), "{command}");
            assert_eq!(complaints(&parsed(&markdown)), Vec::<String>::new(), "{text:?}: {command}");
        }
    }
}

/// Cells, and so columns, are those of the table; and each says what the table says.
#[test]
fn the_listing_is_the_table_cell_by_cell() {
    if !tools::have("cmark-gfm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core");
    for text in MARKUP {
        fs::write(&path, core(text).build().bytes).unwrap();
        let columns = ["--columns", "key,base,mapped,saved,perm,state,content"];
        let run = |format| Run::of(coreinspect().args(["-q", "--format", format]).args(columns).arg(&path));
        let document = parsed(&run("markdown").out);
        let mut rows = vec![];
        each(&document, &mut |node| {
            if ["table_header", "table_row"].contains(&node.name.as_str()) {
                let cells = node.children.iter().map(|cell| cell.text.split_whitespace().collect::<String>());
                rows.push(cells.collect::<String>());
            }
        });
        let table = run("table");
        let lines: Vec<_> =
            table.lines().iter().map(|line| line.split_whitespace().collect::<String>()).collect();
        assert_eq!(rows, lines, "{text:?}");
    }
}

#[test]
fn a_fence_is_longer_than_any_run_of_backticks_in_it() {
    if !tools::have("cmark-gfm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core");
    fs::write(&path, core("````````").build().bytes).unwrap();
    let run = Run::of(coreinspect().arg("show").arg(&path).args(["#1", "--format", "markdown", "--hex"]));
    let document = parsed(&run.out);
    let blocks: Vec<_> = document.children.iter().filter(|node| node.name == "code_block").collect();
    // The attachment, the tree, the bytes.
    assert_eq!(blocks.len(), 3, "{run:?}");
    assert!(blocks[1].text.contains("````````") && blocks[2].text.contains("|.````````"), "{run:?}");
    assert!(run.text().contains("\n`````````text\n"), "{run:?}");
}
