//! What a guest in gdb does not do: crash, hang, change settings, take long, go its own way at the terminal.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{debugger, gdb, gdb_command, imitation, path, plugin};
use crate::program::{Run, absent};
use crate::testdata::Core;
use crate::tools::have;

#[test]
fn a_missing_or_older_binary_is_told_without_a_traceback() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let file = format!("core-file {}", path(&core));
    let commands = [file.as_str(), "complete shm show #", "shm list", "print $shm(1)"];
    let run = |binary: Option<&str>| {
        let mut gdb = gdb_command(core.folder(), &[], &commands);
        match binary {
            Some(binary) => gdb.env("COREINSPECT", binary),
            None => gdb.env_remove("COREINSPECT").env("PATH", core.folder()),
        };
        let program = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join("gdb"))
            .find(|path| path.is_file())
            .unwrap();
        let mut at = Command::new(program);
        at.args(gdb.get_args()).current_dir(core.folder()).stdin(Stdio::null());
        for (name, value) in gdb.get_envs() {
            match value {
                Some(value) => at.env(name, value),
                None => at.env_remove(name),
            };
        }
        Run::of(&mut at)
    };
    let missing = run(None);
    assert_eq!(missing.err.matches("coreinspect is not in PATH").count(), 2, "{missing:?}");
    let gone = absent().join("coreinspect").display().to_string();
    let wrong = run(Some(&gone));
    assert_eq!(wrong.err.matches(&format!("cannot run {gone}: No such file")).count(), 2, "{wrong:?}");
    let old = imitation(core.folder(), "echo \"coreinspect: unexpected argument $1\" >&2; exit 2");
    let older = run(Some(old.to_str().unwrap()));
    assert_eq!(older.err.matches("is older than this plugin (made by coreinspect ").count(), 1, "{older:?}");
    assert!(older.err.contains(&format!("unexpected argument {}", path(&core))), "{older:?}");
    let broken = imitation(core.folder(), "kill -SEGV $$");
    let broken = run(Some(broken.to_str().unwrap()));
    assert_eq!(broken.err.matches("coreinspect was ended by signal 11").count(), 2, "{broken:?}");
    assert!(!broken.err.contains("older than this plugin"), "{broken:?}");
    for run in [missing, wrong, older, broken] {
        assert!(!run.err.contains("Traceback") && !run.err.contains("Python Exception"), "{run:?}");
    }
}

/// gdb tells the name of a core between ` and ', which may stand in the name.
#[test]
fn the_core_may_have_any_name() {
    if !have("gdb") {
        return;
    }
    for name in ["c', file type x.core", "a `b' c.core", "two\nlines.core"] {
        let core = Core::unpack("segv.kernel");
        let path = core.folder().join(name);
        std::fs::rename(core.path(), &path).unwrap();
        let path = path.canonicalize().unwrap();
        let run = gdb(core.folder(), &["-c", path.to_str().unwrap()], &["shm core"]);
        assert!(run.text().contains(&format!("{}\n", path.display())), "{run:?}");
    }
}

#[test]
fn no_setting_is_changed() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let file = format!("core-file {}", path(&core));
    let settings = |run: &Run| {
        let (_, settings) = run.text().split_once("<<<\n").unwrap();
        // Functions and variables ($shm) are no settings.
        settings.lines().filter(|line| !line.starts_with('$')).map(str::to_owned).collect::<Vec<_>>()
    };
    let with = gdb(core.folder(), &[], &[&file, "shm list", "shm show #1", "echo <<<\\n", "show"]);
    let mut plain = debugger("gdb", core.folder());
    plain.args(["-nx", "-q", "-batch", "-ex", &file, "-ex", "echo <<<\\n", "-ex", "show"]);
    let without = Run::of(&mut plain);
    assert!(settings(&without).len() > 100, "{without:?}");
    let (with, without) = (settings(&with), settings(&without));
    assert_eq!(with.len(), without.len());
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without);
    }
}

#[test]
fn the_globals_of_others_are_left_alone() {
    if !have("gdb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let globals = "python print(sorted(name for name in globals()))";
    let with = gdb(folder.path(), &[], &[globals]);
    let mut plain = debugger("gdb", folder.path());
    let without = Run::of(plain.args(["-nx", "-q", "-batch", "-ex", globals]));
    assert_eq!(with.text(), without.text());
    assert!(with.err.is_empty(), "loading it is quiet: {with:?}");
    // A second load replaces the first.
    let core = Core::unpack("segv.kernel");
    let plugin = plugin("gdb", core.folder());
    let again = format!("source {}", plugin.display());
    let run = gdb(core.folder(), &[], &[&again, &again, &format!("core-file {}", path(&core))]);
    assert_eq!(run.err.matches("gdb shows zeroes").count(), 1, "{run:?}");
}

#[test]
fn it_loads_in_50_ms() {
    if !have("gdb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin("gdb", folder.path());
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let mut gdb = debugger("gdb", folder.path());
        let timed = format!(
            "python import time; t = time.perf_counter(); gdb.execute('source {}'); print(1000 * (time.perf_counter() - t))",
            plugin.display()
        );
        let run = Run::of(gdb.args(["-nx", "-q", "-batch", "-ex", &timed]));
        best = best.min(run.text().trim().parse().unwrap_or_else(|_| panic!("{run:?}")));
    }
    println!("the plugin loads in {best:.1} ms");
    assert!(best <= 50.0, "{best} ms");
}

#[test]
fn ctrl_c_ends_a_verb_and_what_it_runs() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let script = "[ $1 = plugin ] && exit 1; echo $$ > pid; exec sleep 60";
    let slow = imitation(core.folder(), script);
    let file = format!("core-file {}", path(&core));
    // Two commands: gdb goes on with the second.
    let mut gdb = debugger("gdb", core.folder());
    gdb.env("COREINSPECT", slow).args(["-nx", "-q", "-batch", "-x"]);
    gdb.arg(plugin("gdb", core.folder())).args(["-ex", "shm key 1", "-ex", "echo alive\\n", "-ex", &file]);
    let began = Instant::now();
    let child = gdb.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid_file = core.folder().join("pid");
    let slept = loop {
        let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
        if let Ok(pid) = text.trim().parse::<i32>() {
            break pid;
        }
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    };
    std::thread::sleep(Duration::from_millis(200));
    let kill = |pid: u32| Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(kill(child.id()).success());
    // The core file that comes next runs the slow one too, once.
    std::thread::sleep(Duration::from_millis(1500));
    kill(child.id());
    let run = Run::from_output("gdb", child.wait_with_output().unwrap());
    assert!(began.elapsed() < Duration::from_secs(40), "{run:?}");
    assert!(!run.err.contains("Traceback") && !run.err.contains("Python Exception"), "{run:?}");
    assert!(!std::path::Path::new(&format!("/proc/{slept}")).exists(), "it still runs");
}

/// Whatever the binary waits for, nobody waits for the binary for ever.
#[test]
fn every_call_has_a_time_limit() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let stuck = imitation(core.folder(), "echo $$ >> pids; exec sleep 90");
    let file = format!("core-file {}", path(&core));
    let commands = [
        "shm timeout",
        "shm timeout 0.4",
        "shm key 1",
        &file,
        "print $shm(1)",
        "shm timeout never",
        "echo on\\n",
    ];
    let mut gdb = gdb_command(core.folder(), &[], &commands);
    let began = Instant::now();
    let run = Run::of(gdb.env("COREINSPECT", &stuck));
    assert!(began.elapsed() < Duration::from_secs(60), "{run:?}");
    assert_eq!(run.err.matches("coreinspect took more than 0.4 seconds and was ended").count(), 2, "{run:?}");
    assert!(run.text().contains("300 seconds\n0.4 seconds\n") && run.text().contains("on\n"), "{run:?}");
    assert!(run.err.contains("give a number of seconds, or off"), "{run:?}");
    assert!(!run.err.contains("Traceback") && !run.err.contains("Python"), "{run:?}");
    let pids = std::fs::read_to_string(core.folder().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 3, "the verb, the core, the function: {pids}");
    for pid in pids.lines() {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} still runs");
    }
}

/// `script` makes a terminal: gdb asks before it goes on, and colours as `set style` says.
#[test]
fn paging_and_style_are_those_of_gdb() {
    if !have("gdb") || !have("script") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let plugin = plugin("gdb", core.folder());
    let run = |settings: &str| {
        let line = format!(
            "gdb -nx -q -ex 'set width 80' {settings} -ex 'source {}' -ex 'core-file {}' -ex 'echo <<<\\n' \
             -ex 'shm show #1' -ex 'echo >>>\\n' -ex quit",
            plugin.display(),
            path(&core)
        );
        let base = debugger("gdb", core.folder());
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm");
        base.get_envs().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| {
            script.env(name, value);
        });
        Run::fed(script.current_dir(core.folder()), b"c\nq\nq\nq\nq\n")
    };
    let paged = run("-ex 'set height 12'");
    let (_, shown) = paged.text().split_once("<<<").unwrap();
    assert!(shown.contains("--Type <RET>"), "{paged:?}");
    let plain = run("-ex 'set height 0' -ex 'set style enabled off'");
    let (_, shown) = plain.text().split_once("<<<").unwrap();
    assert!(shown.contains("mapped") && !shown.contains("--Type <RET>"), "{plain:?}");
    assert!(!shown.split(">>>").next().unwrap().contains("\x1b[1m"), "{plain:?}");
    let styled = run("-ex 'set height 0' -ex 'set style enabled on'");
    let (_, shown) = styled.text().split_once("<<<").unwrap();
    assert!(shown.split(">>>").next().unwrap().contains("\x1b[1m"), "{styled:?}");
}

#[test]
fn other_locales_do_no_harm() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    for locale in ["C", "C.UTF-8", "POSIX"] {
        let file = format!("core-file {}", path(&core));
        let mut gdb =
            gdb_command(core.folder(), &[], &[&file, "shm hex #1 --at 4088 --length 16", "help shm hex"]);
        let run = Run::of(gdb.env("LC_ALL", locale));
        assert!(run.status == 0 && !run.err.contains("Exception"), "{locale}: {run:?}");
        assert!(run.text().contains("00000ff8  "), "{locale}: {run:?}");
    }
}

/// pwndbg and GEF in miniature: commands, functions, settings and names in `__main__` as they have them.
const NEIGHBOUR: &str = r#"
import gdb
class Command(gdb.Command):
    def __init__(self, name):
        self.name = name
        super().__init__(name, gdb.COMMAND_DATA)
    def invoke(self, argument, from_tty):
        print("theirs:", self.name)
Session = Subject = Binary = Verbs = Layout = Core = load = "theirs"
for name in NAMES:
    Command(name)
class Base(gdb.Function):
    def __init__(self):
        super().__init__("base")
    def invoke(self):
        return 4711
Base()
gdb.execute("set pagination off")
gdb.execute("set height 0")
gdb.prompt_hook = lambda prompt: "theirs> "
"#;

/// Both were tried by hand (README); here what they have in common with us.
#[test]
fn it_lives_beside_other_plugins() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let file = format!("core-file {}", path(&core));
    let names = ["telescope", "vmmap", "xinfo", "hexdump", "context", "pwndbg", "gef", "search"];
    let write = |file: &str, names: &[&str]| {
        std::fs::write(core.folder().join(file), NEIGHBOUR.replace("NAMES", &format!("{names:?}"))).unwrap();
    };
    write("neighbour.py", &names);
    write("owner.py", &["shm"]);
    let ours = plugin("gdb", core.folder());
    let ours = format!("source {}", ours.display());
    for order in [["source neighbour.py", ours.as_str()], [&ours, "source neighbour.py"]] {
        let mut gdb = debugger("gdb", core.folder());
        gdb.args(["-nx", "-q", "-batch", "-ex", order[0], "-ex", order[1], "-ex", &file]);
        gdb.args(names.iter().flat_map(|name| ["-ex", name]));
        gdb.args([
            "-ex",
            "print $base()",
            "-ex",
            "python print(Session, gdb.prompt_hook(None))",
            "-ex",
            "shm list",
        ]);
        let run = Run::of(&mut gdb);
        for name in names {
            assert!(run.text().contains(&format!("theirs: {name}\n")), "{name}: {run:?}");
        }
        assert!(run.text().contains("= 4711\ntheirs theirs> \n"), "{run:?}");
        assert!(run.text().contains("look, but do not touch"), "{run:?}");
    }
    // A command `shm` of somebody else is left to them.
    let mut gdb = debugger("gdb", core.folder());
    gdb.args(["-nx", "-q", "-batch", "-ex", "source owner.py", "-ex", &ours, "-ex", &file]);
    let run = Run::of(gdb.args(["-ex", "shm", "-ex", "coreinspect list"]));
    assert!(run.text().contains("theirs: shm\n") && run.text().contains("look, but do not touch"), "{run:?}");
}
