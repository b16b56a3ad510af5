//! Dumps of many mappings and many segments: a real one beyond e_phnum, and what one of 2,000 is called.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, output};

/// vm.max_map_count of 70,000 at least, for as long as this value lives; a process of its own puts the old number back, also
/// when the test dies. It holds the lock of testdata/make, which changes sysctls too.
struct MoreMappings(Child);

const KEEPER: &str = r#"
trap '' HUP INT TERM
exec 9>/run/coreinspect-testdata.lock && flock 9 || exit 1
number=/proc/sys/vm/max_map_count
old=$(cat $number)
if [ "$old" -lt 70000 ]; then echo 70000 >$number || exit 1; fi
echo ready
cat >/dev/null
echo "$old" >$number
"#;

impl MoreMappings {
    /// `None` where they are not to be had; says so.
    fn allow() -> Option<MoreMappings> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = MoreMappings(keeper.stderr(Stdio::null()).spawn().unwrap());
        let mut said = String::new();
        BufReader::new(keeper.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said == "ready\n" {
            return Some(keeper);
        }
        println!("skipped: vm.max_map_count cannot be raised");
        None
    }
}

impl Drop for MoreMappings {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// 66,000 mappings that cannot be merged, a removed segment, and a violent death.
const PROGRAM: &str = r#"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
int main(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int shmid = shmget(IPC_PRIVATE, 8192, 0600 | IPC_CREAT);
	char *at = shmat(shmid, 0, 0);
	shmctl(shmid, IPC_RMID, 0);
	if (at == (char *)-1 || setrlimit(RLIMIT_CORE, &all))
		return 1;
	strcpy(at, "\1one of many");
	for (int i = 0; i < 66000; i++)
		if (mmap(0, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return 2;
	abort();
}
"#;

/// The kernel counts such headers in a section header, and leaves NT_FILE out: it would pass its limit of 4 MiB.
#[test]
fn a_kernel_core_of_66_000_mappings_is_read() {
    if !have("gcc") || !have("readelf") || !cores_are_plain() {
        return;
    }
    let Some(_more) = MoreMappings::allow() else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("many.c");
    fs::write(&source, PROGRAM).unwrap();
    let program = folder.path().join("many");
    output(Command::new("gcc").arg("-o").arg(&program).arg(&source));
    let status = Command::new(&program).current_dir(folder.path()).status().unwrap();
    assert!(status.core_dumped(), "{status}");
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let is_core = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with("core");
    let core = files.into_iter().find(|path| is_core(path)).unwrap();

    let header = output(Command::new("readelf").arg("-h").arg(&core));
    let count = header.lines().find_map(|line| line.trim().strip_prefix("Number of program headers:"));
    assert!(count.unwrap().trim().starts_with("65535 ("), "{count:?}");
    let before = Instant::now();
    let run = Run::of(coreinspect().arg(&core).arg("--json"));
    println!("66,000 mappings by the kernel: {:?}", before.elapsed());
    // Milliseconds when optimised; a step that looks at every mapping for each took a minute.
    assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
    let document = run.document();
    let dump = &document["dumps"][0];
    assert_eq!((&dump["writer"], &dump["complete"]), (&"kernel".into(), &true.into()));
    assert_eq!(dump["process"]["command"], "many");
    assert_eq!(dump["process"]["signal"]["name"], "SIGABRT");
    let warnings = dump["warnings"].as_array().unwrap();
    let said = warnings.iter().find(|warning| warning["code"] == "no-nt-file").unwrap();
    assert!(said["message"].as_str().unwrap().contains("core_file_note_size_limit"), "{said}");
    // Whatever is guessed has no name to take a key from.
    assert!(dump["segments"].as_array().unwrap().iter().all(|segment| segment["key"].is_null()));
}

const COUNT: u64 = 2_000;

/// A core of 2,000 segments of a page, and of 66,000 mappings without a name.
fn many_segments() -> CoreBuilder {
    let start = |index: u64| 0x1_0000_0000 + index * 0x2000;
    let row = |index: u64| Row {
        start: start(index),
        end: start(index) + 0x1000,
        offset: 0,
        name: presets::segment_name(0x7200_0000 + index as u32),
    };
    let rows: Vec<_> = (0..COUNT).map(row).collect();
    let load = |index| match index {
        0..COUNT => {
            let text = format!("\x01segment {index}\0").into_bytes();
            Segment::load(
                start(index),
                0x1000,
                R | W,
                Content::Bytes(text.into_iter().chain([0; 4096]).take(4096).collect()),
            )
        }
        _ => Segment::load(start(index), 0x1000, R | W, Content::Nothing),
    };
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &rows)]);
    CoreBuilder {
        segments: [vec![notes], (0..COUNT + 66_000).map(load).collect()].concat(),
        ..CoreBuilder::new(X86_64)
    }
}

#[test]
fn one_of_2_000_segments_is_named_by_number_key_or_address() {
    let file = tempfile::NamedTempFile::new().unwrap();
    many_segments().write_to(file.as_file());
    let before = Instant::now();
    let run = Run::of(coreinspect().arg(file.path()).args(["--color", "never"]).env("COLUMNS", "80"));
    println!("2,000 segments among 68,000 mappings: {:?}", before.elapsed());
    let text = String::from_utf8(run.out).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.contains("0x7200")).collect();
    assert_eq!(rows.len() as u64, COUNT);
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{}", rows[0]);
    assert!(rows[1_998].starts_with("1999") && rows[1_998].contains("\"segment 1998\""), "{}", rows[1_998]);
    for name in ["#1999", "0x720007ce", "720007ce", "SYSV720007ce", "1912604622", "@0x100f9c123"] {
        let run = Run::of(coreinspect().arg("show").arg(file.path()).arg(name).arg("--json"));
        let document = run.document();
        let segments = document["dumps"][0]["segments"].as_array().unwrap();
        assert_eq!(segments.len(), 1, "{name}");
        assert_eq!(
            (&segments[0]["number"], &segments[0]["key"]),
            (&1999.into(), &"0x720007ce".into()),
            "{name}"
        );
        assert_eq!(segments[0]["content"]["value"]["message"]["text"], "segment 1998");
    }
    let run = Run::of(coreinspect().arg("show").arg(file.path()).arg("#2001"));
    assert_eq!(run.status, 2, "{}", run.err);
}
