//! Huge pages for as long as a test needs them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// More pages than there were. A process of its own puts the old number back when this value goes or the test
/// dies: then its standard input ends. It holds the lock of testdata/make, which changes the number too.
pub(crate) struct HugePages(Child);

const KEEPER: &str = r#"
trap '' HUP INT TERM
exec 9>/run/coreinspect-testdata.lock && flock 9 || exit 1
number=/proc/sys/vm/nr_hugepages
old=$(cat $number) && echo $((old + $1)) >$number || exit 1
echo ready
cat >/dev/null
echo "$old" >$number
"#;

impl HugePages {
    /// Two of them; `None` where the machine gives none; says so.
    pub(crate) fn reserve() -> Option<HugePages> {
        HugePages::reserve_some(2)
    }

    /// As many as `count`, or fewer.
    pub(crate) fn reserve_some(count: usize) -> Option<HugePages> {
        let mut keeper = Command::new("sh");
        // A group of its own: Ctrl-C is for the tests.
        keeper
            .args(["-c", KEEPER, "keeper", &count.to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut keeper = HugePages(keeper.stderr(Stdio::null()).spawn().unwrap());
        let mut said = String::new();
        BufReader::new(keeper.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let free = || {
            let memory = fs::read_to_string("/proc/meminfo").unwrap();
            let free = memory.lines().find_map(|line| line.strip_prefix("HugePages_Free:")).unwrap_or("0");
            free.trim().parse::<u64>().unwrap()
        };
        if said == "ready\n" && free() > 0 {
            return Some(keeper);
        }
        println!("skipped: no huge page can be had");
        None
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
