//! What /proc/PID/stat and /proc/PID/status say, past a name that can hold anything.

/// Of proc_pid_stat(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The state's letter.
    pub state: u8,
    /// The parent's number.
    pub parent: u32,
    /// The process group's number.
    pub group: u32,
    /// The session's number.
    pub session: u32,
    /// When it started, in clock ticks since the system did.
    pub started: u64,
    /// The wait status it will have, or has; 0 without the right to know. While it dumps core it holds the signal.
    pub exit_code: u32,
}

impl Stat {
    /// That of a process or a thread. The name, in parentheses, can hold any byte but NUL, parentheses and blanks too: what follows its last one counts.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let end = memchr::memrchr(b')', line)?;
        let rest = std::str::from_utf8(line.get(end.checked_add(1)?..)?).ok()?;
        let fields: Vec<_> = rest.split_ascii_whitespace().collect();
        // The state is field 3 of the manual.
        let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
        let number = |at| field(at)?.parse::<u32>().ok();
        Some(Self {
            state: field(3)?.bytes().next()?,
            parent: number(4).unwrap_or(0),
            group: number(5).unwrap_or(0),
            session: number(6).unwrap_or(0),
            started: field(22)?.parse().ok()?,
            exit_code: number(52).unwrap_or(0),
        })
    }

    /// A zombie has no memory any more, and a dead process nothing.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Who a process is to the kernel: real, effective, saved and file-system id (credentials(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User ids.
    pub user: [u32; 4],
    /// Group ids.
    pub group: [u32; 4],
}

impl Credentials {
    /// From the values of `Uid` and `Gid` of proc_pid_status(5).
    pub(super) fn parse(user: &[u8], group: &[u8]) -> Option<Self> {
        let four = |text| {
            let words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
            words.map_while(|word| word.parse().ok()).collect::<Vec<u32>>().try_into().ok()
        };
        Some(Self { user: four(user)?, group: four(group)? })
    }

    /// The user if all ids are one, and all group ids: a program that has changed its rights has several.
    pub fn only_user(&self) -> Option<u32> {
        let same = |ids: &[u32; 4]| ids.iter().all(|id| *id == ids[0]);
        (same(&self.user) && same(&self.group)).then_some(self.user[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_play_at_being_other_fields() {
        let line =
            b"7 (a) R 1 2 3) S 10 20 30 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 \
                     17 0 0 0 0 0 0 0 0 0 0 0 0 0 139\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.parent, stat.group, stat.session), (b'S', 10, 20, 30));
        assert_eq!((stat.started, stat.exit_code & 0x7f), (4242, 11));
        assert_eq!(Stat::parse(b"7 (a"), None);
        assert_eq!(Stat::parse(b"7 (a) S 1"), None);

        let credentials = Credentials::parse(b"1\t2\t2\t2", b"3\t3\t3\t3").unwrap();
        assert_eq!((credentials.user, credentials.group), ([1, 2, 2, 2], [3; 4]));
        assert_eq!(credentials.only_user(), None);
        assert_eq!(Credentials::parse(b"1\t1\t1\t1", b"3\t3\t3\t3").unwrap().only_user(), Some(1));
        assert_eq!(Credentials::parse(b"1\t2\t2", b"3\t3\t3\t3"), None);
    }
}
