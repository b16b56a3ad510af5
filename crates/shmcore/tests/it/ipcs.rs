use std::io::{self, BufReader, Read};

use shmcore::ipcs::{self, Limits, ListedSegment};
use shmcore::{Access, Error, Key, OwnedSegment, Permissions, Pid, Segment};

use crate::key_of_its_own;
use crate::namespace::in_new_ipc_namespace;

fn parse(table: &str) -> Vec<Result<ListedSegment, Error>> {
    ipcs::parse(table.as_bytes(), "table").unwrap().collect()
}

#[test]
fn the_table_says_what_stat_says() {
    in_new_ipc_namespace(|| {
        assert_eq!(ipcs::segments().unwrap(), []);
        let (key, _file) = key_of_its_own();
        let create = |key, size, mode| {
            OwnedSegment::new(Segment::create(key, size, Permissions::from_bits(mode)).unwrap())
        };
        let first = create(key, 5000, 0o604);
        let second = create(Key::PRIVATE, 1 << 20, 0o600);
        let negative = create(Key::from_raw(-2), 1, 0o666);
        let attachment = second.attach(Access::ReadWrite).unwrap();
        attachment.store(0, 1).unwrap();
        second.remove().unwrap();

        let listed = ipcs::segments().unwrap();
        assert_eq!(listed.len(), 3);
        for segment in [&first, &second, &negative] {
            let listed = listed.iter().find(|listed| listed.status.id() == segment.id()).unwrap();
            assert_eq!(listed.status, segment.status().unwrap());
            assert_eq!(listed.swapped, Some(0));
            let touched = segment.id() == second.id();
            assert_eq!(listed.resident.unwrap() > 0, touched, "{listed:?}");
            assert_eq!(listed.status.permissions().is_removed(), touched);
        }
    });
}

#[test]
fn limits_are_those_of_the_namespace() {
    in_new_ipc_namespace(|| {
        std::fs::write("/proc/sys/kernel/shmmni", "17").unwrap();
        std::fs::write("/proc/sys/kernel/shmall", "1234").unwrap();
        std::fs::write("/proc/sys/kernel/shmmax", "18446744073692774399").unwrap();
        let limits = Limits { max_size: 18_446_744_073_692_774_399, max_pages: 1234, max_segments: 17 };
        assert_eq!(Limits::read().unwrap(), limits);
    });
}

/// Of a 64-bit kernel 6.18, with user ids of a container.
const WIDE: &str = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
  -889262067          3  1666                  1024  4711     0      1 100000 100000 4294967294 100000          0          0 1700000001                  4096                     0
";

#[test]
fn large_user_ids_and_negative_keys_are_read() {
    let [Ok(row)] = &parse(WIDE)[..] else { panic!() };
    let status = &row.status;
    assert_eq!(status.key(), Key::from_bits(0xcafe_f00d));
    assert_eq!((status.id().raw(), status.size(), status.attach_count()), (3, 1024, 1));
    assert_eq!((status.owner().as_raw(), status.creator().as_raw()), (100_000, 4_294_967_294));
    assert_eq!((status.creator_pid(), status.last_pid()), (Some(Pid::from_raw(4711)), None));
    assert_eq!(status.permissions().bits(), 0o1666);
    assert_eq!((row.resident, row.swapped), (Some(4096), Some(0)));
}

#[test]
fn columns_go_by_their_names() {
    let narrow = "       key      shmid perms       size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime
         1          2   600 4294967295     3     4      5     6     7     8     9         10         11         12
";
    let shuffled = "future ctime dtime atime cgid cuid gid uid nattch lpid cpid size perms shmid key
x 12 11 10 9 8 7 6 5 4 3 4294967295 600 2 1
";
    let (narrow, shuffled) = (parse(narrow), parse(shuffled));
    let ([Ok(narrow)], [Ok(shuffled)]) = (&narrow[..], &shuffled[..]) else { panic!() };
    assert_eq!(narrow, shuffled);
    assert_eq!(narrow.status.size(), u64::from(u32::MAX));
    assert_eq!((narrow.status.group().as_raw(), narrow.status.creator_group().as_raw()), (7, 9));
    assert_eq!((narrow.resident, narrow.swapped), (None, None));
}

#[test]
fn a_bad_row_loses_only_itself() {
    let mut lines = WIDE.lines();
    let (header, good) = (lines.next().unwrap(), lines.next().unwrap());
    let negative_uid = good.replacen("100000", "-1", 1);
    let decimal_mode = good.replacen("1666", "1999", 1);
    let rows = parse(&format!("{header}\n{negative_uid}\n1 2 600\n{decimal_mode}\n{good}\n"));
    let [Err(uid), Err(short), Err(mode), Ok(_)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(uid.to_string(), "line 2 of \"table\": uid \"-1\" is not a number in its range");
    assert_eq!(short.to_string(), "line 3 of \"table\": there is no size");
    assert_eq!(mode.to_string(), "line 4 of \"table\": perms \"1999\" is not octal");
}

#[test]
fn a_missing_column_is_named() {
    let error = |table: &str| ipcs::parse(table.as_bytes(), "table").map(drop).unwrap_err();
    assert_eq!(
        error(&WIDE.replacen("nattch", "users", 1)).to_string(),
        "line 1 of \"table\": the header has no column \"nattch\""
    );
    assert_eq!(error("").code(), "proc-syntax");
}

/// A reader that fails goes on failing; the rows must end all the same.
#[test]
fn a_failing_reader_ends_the_rows() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::Other.into())
        }
    }
    let rows: Vec<_> =
        ipcs::parse(BufReader::new(WIDE.as_bytes().chain(Failing)), "table").unwrap().collect();
    let [Ok(_), Err(error)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(error.code(), "proc");
}
