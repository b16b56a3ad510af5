//! `coreinspect report`: the page is HTML that asks for nothing, holds nothing of a dump as markup, and says what the JSON says.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use sha2::{Digest, Sha256};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools;

/// Reads pages with Python's parser of HTML: which elements and attributes there are, and that what opens is closed.
const READER: &str = r##"
import sys, html.parser
ELEMENTS = set("html head meta title style body svg defs pattern rect path text main header p h1 h2 h3 h4 div table thead tbody tr th td a dl dt dd ul li i b span code section details summary figure figcaption footer".split())
VOID = {"meta"}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.wrong = [], []
    def handle_starttag(self, tag, attributes):
        if tag not in ELEMENTS: self.wrong.append(tag)
        for name, value in attributes:
            if name.startswith("on") or name in ("style", "src", "srcdoc", "action", "formaction"): self.wrong.append(f"{tag} {name}")
            if name == "href" and not value.startswith("#"): self.wrong.append(f"{tag} {name}={value}")
        if tag not in VOID: self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID: self.open.pop()
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag: self.wrong.append(f"/{tag}")
for path in sys.argv[1:]:
    page = Page()
    text = open(path, encoding="utf-8").read()
    page.feed(text)
    page.close()
    bad = [hex(ord(c)) for c in text if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or 0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069]
    if page.wrong or page.open or bad or len(text.encode()) > 2000000:
        print(path, page.wrong[:5], page.open[-5:], bad[:5], len(text.encode()))
        sys.exit(1)
"##;

fn read_by_python(pages: &[PathBuf]) {
    if !tools::have("python3") {
        return;
    }
    let output = std::process::Command::new("python3").arg("-c").arg(READER).args(pages).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn page_of(dumps: &[&Path], folder: &Path, options: &[&str]) -> (PathBuf, Run) {
    let page = folder.join("page.html");
    let run =
        Run::of(coreinspect().arg("report").args(dumps).args(options).arg("--force").arg("-o").arg(&page));
    (page, run)
}

fn dumps_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut dumps: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "zst")).collect();
    dumps.sort();
    dumps
}

#[test]
fn every_dump_makes_a_page_that_a_parser_reads() {
    let scratch = tempfile::tempdir().unwrap();
    let mut pages = Vec::new();
    for folder in ["", "dumpers", "foreign"] {
        for dump in dumps_of(folder) {
            let page = scratch.path().join(format!("{}.html", pages.len()));
            let run = Run::of(coreinspect().arg("report").arg(&dump).arg("-o").arg(&page));
            assert!(run.status < 3, "{}: {}", dump.display(), run.err);
            pages.push(page);
        }
    }
    assert!(pages.len() > 60, "{}", pages.len());
    read_by_python(&pages);
}

#[test]
fn the_policy_admits_the_style_of_the_page_and_nothing_else() {
    let core = Core::unpack("segv.kernel");
    let (page, _) = page_of(&[&core.path()], core.folder(), &[]);
    let text = fs::read_to_string(&page).unwrap();
    let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    assert!(text.contains(&policy), "put sha256-{hash} into page/mod.rs");
    assert!(
        !text.contains(" style=")
            && !text.contains("<script")
            && !text.contains("http:")
            && !text.contains("https:")
    );
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_page_says_what_the_json_says() {
    let core = Core::unpack("segv.kernel");
    let (page, run) = page_of(&[&core.path()], core.folder(), &[]);
    assert_eq!(run.status, 0, "{}", run.err);
    let text = fs::read_to_string(page).unwrap();
    // What the program that was dumped wrote, and what readelf says of its core (testdata/segv.kernel.expected.json).
    for said in [
        "0x4f1d0019",
        "4 KiB of 12 KiB",
        "write to a read-only attach",
        "0x7f581b967123",
        "look, but do not touch",
        "echo 0x37 &#62; /proc/PID/coredump_filter",
        "8\u{a0}192 of 12\u{a0}288",
        "pid 26018",
    ] {
        assert!(text.contains(said), "{said}");
    }
}

#[test]
fn a_redacted_page_has_no_byte_of_the_contents() {
    let core = Core::unpack("segv.kernel");
    let (page, run) = page_of(&[&core.path()], core.folder(), &["--redact"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let text = fs::read_to_string(page).unwrap();
    for word in ["look, but", "touch", "6c 6f", ">6c<"] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(text.contains("xxxx, xxx xx xxx xxxxx") && text.contains("▪▪"));
    assert!(text.contains("Removed from this page"));
}

#[test]
fn a_redacted_page_is_refused_where_a_path_repeats_the_contents() {
    let core = Core::unpack("segv.kernel");
    let telling = core.folder().join("look, but do not touch.core");
    fs::rename(core.path(), &telling).unwrap();
    let (page, run) = page_of(&[&telling], core.folder(), &["--redact"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("--keep-paths") && !page.exists(), "{}", run.err);
    let (_, run) = page_of(&[&telling], core.folder(), &["--redact", "--keep-paths"]);
    assert_eq!(run.status, 0, "{}", run.err);
}

#[test]
fn several_dumps_are_one_page_with_what_they_share() {
    let scratch = tempfile::tempdir().unwrap();
    let dumps = dumps_of("dumpers");
    let dumps: Vec<_> = dumps.iter().map(PathBuf::as_path).collect();
    let (page, _) = page_of(&dumps, scratch.path(), &[]);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("What the dumps share"));
    assert_eq!(text.matches("<section id=\"d").count(), dumps.len());
    read_by_python(&[page]);
}
