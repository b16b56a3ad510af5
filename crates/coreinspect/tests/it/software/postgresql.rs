//! PostgreSQL: the server's own segment, and headers of every version that has one as gcc lays them out.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::running::{Removed, Running, content, wait_for};
use crate::random::Random;
use crate::tools::{have, output};

/// A server with a data directory of its own, which listens to nobody but its folder.
struct Server {
    running: Running,
    folder: TempDir,
    programs: PathBuf,
    key: u32,
    _segment: Removed,
}

/// Where Debian puts the server's programs: /usr/lib/postgresql/VERSION/bin.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    if newest.is_none() {
        // It names what is missing.
        have("initdb");
    }
    newest
}

/// The server refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !nix::unistd::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

impl Server {
    fn start(settings: &[&str]) -> Option<Server> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let data = folder.path().join("data");
        let mut initdb = unprivileged(&programs.join("initdb"));
        let options = ["-A", "trust", "-U", "tester", "--no-sync", "--no-locale", "-E", "UTF8"];
        let initdb = initdb.current_dir(folder.path()).args(options).arg("-D").arg(&data);
        let made = initdb.stdin(Stdio::null()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = fs::metadata(&data).unwrap().ino() as u32;
        let segment = Removed(key);
        let mut server = unprivileged(Path::new("prlimit"));
        server
            .arg("--core=unlimited")
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path());
        for setting in ["listen_addresses=", "shared_buffers=1MB", "max_connections=10", "fsync=off"]
            .iter()
            .chain(settings)
        {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let running =
            Running::start(server.current_dir(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log));
        let server = Server { running, folder, programs, key, _segment: segment };
        wait_for("the server", || {
            let file = fs::read_to_string(server.data().join("postmaster.pid")).ok()?;
            file.lines().any(|line| line.trim() == "ready").then_some(())
        });
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Rows of a query, one a line, fields parted by `|`.
    fn ask(&self, query: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(self.folder.path()).args(["-U", "tester", "-d", "postgres", "-Atc", query]);
        output(psql.env("PGCONNECT_TIMEOUT", "10").current_dir(self.folder.path())).trim_end().to_owned()
    }

    /// Start and end of the mapping called `name`.
    fn mapping(&self, name: &str) -> (u64, u64) {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.running.pid())).unwrap();
        let row =
            maps.lines().find(|row| row.contains(name)).unwrap_or_else(|| panic!("no {name} in {maps}"));
        let (start, end) = row.split_whitespace().next().unwrap().split_once('-').unwrap();
        let hex = |digits| u64::from_str_radix(digits, 16).unwrap();
        (hex(start), hex(end))
    }
}

/// Memory that has no name, and what is left, are no entries of the index.
const NAMED: &str = "where off is not null and name is not null";

/// The allocations that the content names, each as `name|offset|size`, sorted.
fn allocations(content: &Value, base: u64) -> Vec<String> {
    let allocations = content["value"]["allocations"].as_object().unwrap_or_else(|| panic!("{content:#}"));
    let rows = allocations.iter().map(|(name, row)| {
        let location = row["location"].as_str().unwrap().trim_start_matches("0x");
        format!("{name}|{}|{}", u64::from_str_radix(location, 16).unwrap() - base, row["size"])
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

/// The stub of 56 bytes, and the main area in anonymous memory.
#[test]
fn the_stub_names_the_data_directory_and_the_main_area() {
    let Some(mut server) = Server::start(&[]) else { return };
    let data = fs::metadata(server.data()).unwrap();
    let lock_file = fs::read_to_string(server.data().join("postmaster.pid")).unwrap();
    let lines: Vec<_> = lock_file.lines().collect();
    let pid: u32 = lines[0].parse().unwrap();
    let shmem_key: u32 = lines[6].split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!((pid, shmem_key), (server.running.pid(), server.key), "the server's own lock file");
    let (start, end) = server.mapping("/dev/zero (deleted)");

    let said = server.ask(&format!("select count(*), max(size) from pg_shmem_allocations {NAMED}"));
    let (count, largest) = said.split_once('|').unwrap();
    let allocations = format!(
        "its index names {count} allocations, the largest \\\"Buffer Blocks\\\" with {largest} bytes"
    );

    let folder = server.data();
    let cores = [server.running.gcore(server.folder.path()), server.running.abort(&folder)];
    for core in cores.into_iter().flatten() {
        let content = content(&core, server.key);
        assert_eq!(content["layout"], "postgresql", "{content:#}");
        assert_eq!(content["confidence"], "certain");
        let value = &content["value"];
        assert_eq!(value["magic"], 679_834_894);
        assert_eq!(value["creatorPID"], pid);
        assert_eq!(value["device"], data.dev());
        assert_eq!(value["inode"], data.ino());
        assert_eq!(value["freeoffset"], 56);
        assert_eq!(value["totalsize"], end - start, "of the main area, not of the segment");
        let reasons = content["reasons"].to_string();
        assert!(reasons.contains(&format!("{start:#x}-{end:#x}")), "the main area: {reasons}");
        assert!(reasons.contains(&allocations), "{allocations}: {reasons}");
    }
}

/// `shared_memory_type=sysv`: all is one segment, with the list of allocations.
#[test]
fn a_server_all_in_one_segment_tells_its_allocations() {
    let Some(server) = Server::start(&["shared_memory_type=sysv"]) else { return };
    let said = server.ask(&format!("select name, off, size from pg_shmem_allocations {NAMED}"));
    let mut said: Vec<_> = said.lines().map(str::to_owned).collect();
    said.sort();
    assert!(said.len() > 40, "{said:?}");
    let (start, end) = server.mapping("/SYSV");
    let Some(core) = server.running.gcore(server.folder.path()) else { return };
    let content = content(&core, server.key);
    assert_eq!(
        (&content["layout"], &content["confidence"]),
        (&json!("postgresql"), &json!("certain")),
        "{content:#}"
    );
    assert_eq!(content["value"]["inode"], fs::metadata(server.data()).unwrap().ino());
    assert_eq!(content["value"]["creatorPID"], server.running.pid());
    assert!(content["value"]["totalsize"].as_u64().unwrap() <= end - start);
    assert_eq!(allocations(&content, start), said);

    let index = content["value"]["index"].as_str().unwrap().trim_start_matches("0x");
    damaged(
        &core,
        content["value"]["dsm_control"].as_u64().unwrap(),
        u64::from_str_radix(index, 16).unwrap() - start,
    );
}

/// Words of the index that lie: chains without end, counts and pointers of any size. Each must end, without a panic.
fn damaged(core: &Path, control: u64, index: u64) {
    let bytes = fs::read(core).unwrap();
    let magic = 679_834_894_u32.to_le_bytes();
    let is_header =
        |at: usize| bytes[at..].starts_with(&magic) && bytes[at + 24..].starts_with(&control.to_le_bytes());
    let segment = (0..bytes.len() - 4096).find(|at| is_header(*at)).unwrap();
    let table = segment + usize::try_from(index).unwrap();
    let file = fs::OpenOptions::new().write(true).open(core).unwrap();
    let mut random = Random::new(13);
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    for _ in 0..200 {
        // The header, its directory, the buckets, the elements.
        let at = table - table % 8 + random.below(1500) * 8;
        let lie = *random.pick(&[
            0,
            1,
            7,
            u64::MAX,
            u64::MAX - 7,
            1 << 63,
            1 << 32,
            word(segment + 32),
            word(table + 16),
        ]);
        let lie = if random.below(2) == 0 { lie } else { word(segment + 32) + random.next() % 0x3000 };
        file.write_all_at(&lie.to_le_bytes(), at as u64).unwrap();
        let dump = coreinspect::Inspection::open(core, &coreinspect::Options::default()).into_report();
        assert!(dump.error.is_none() && dump.segments.len() == 1, "{lie:#x} at {at:#x}");
        if random.below(4) != 0 {
            file.write_all_at(&word(at).to_le_bytes(), at as u64).unwrap();
        }
    }
}
