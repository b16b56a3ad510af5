//! Keys that programs are known to use.

use shmcore::Key;

/// A program that uses a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The program, and its use of the segment.
    pub name: String,
    /// Whether nothing else is likely to have this key.
    pub certain: bool,
    /// Where the key is written down, or what makes it likely.
    pub evidence: String,
}

/// Constants: the first key, how many there are from it on, the program, where it is written.
const CONSTANTS: &[(u32, u32, &str, &str)] = &[
    (
        0x4e54_5030,
        10,
        "NTP shared memory reference clock (ntpd, chrony, gpsd)",
        "\"NTP0\" + unit; ntp ntpd/refclock_shm.c",
    ),
    (0x4750_5344, 1, "gpsd's exported data", "\"GPSD\"; gpsd include/gpsd.h"),
    (0x4841_4c32, 1, "LinuxCNC HAL", "\"HAL2\"; LinuxCNC src/hal/hal_priv.h"),
    (0x9028_0a48, 1, "LinuxCNC RTAPI", "LinuxCNC src/rtapi/rtapi_common.h"),
    (0x434c_522b, 1, "LinuxCNC ClassicLadder", "\"CLR+\"; LinuxCNC"),
    (0x4853_5430, 8, "LinuxCNC HAL streamer", "\"HST0\" + n; LinuxCNC"),
];

/// What ftok(3) gives for a path that it cannot stat(2); shmget(2) makes a segment of it all the same.
const FAILED_FTOK: u32 = u32::MAX;

/// Whether ftok(3) can have made `key`: not where a program's source says what it is, and not with the project id 0, which ftok(3)
/// does not take. So PostgreSQL's keys, a port or an inode below 16,777,216, are not taken for it.
pub(crate) fn can_be_of_ftok(key: Key) -> bool {
    let bits = key.bits();
    bits >> 24 != 0 && bits != FAILED_FTOK && !CONSTANTS.iter().any(|row| is_of(bits, row))
}

fn is_of(bits: u32, (first, count, ..): &(u32, u32, &str, &str)) -> bool {
    bits.wrapping_sub(*first) < *count
}

/// Who is known to use `key`; each with how sure that is.
pub(crate) fn known(key: Key) -> Vec<Known> {
    let bits = key.bits();
    let constant = CONSTANTS.iter().filter(|row| is_of(bits, row));
    let mut found: Vec<_> = constant
        .map(|(_, _, name, evidence)| Known {
            name: (*name).to_owned(),
            certain: false,
            evidence: (*evidence).to_owned(),
        })
        .collect();
    let quoted = !found.is_empty();
    if bits == FAILED_FTOK {
        found.push(Known {
            name: "a failed ftok".to_owned(),
            certain: false,
            evidence: "ftok(3) answers -1 for a path that is not there; whoever does not look makes a segment of that key".to_owned(),
        });
    }
    if key.is_private() {
        found.push(Known {
            name: "IPC_PRIVATE".to_owned(),
            certain: true,
            evidence:
                "shmget(2): every private segment has this key; X11's MIT-SHM, Oracle and YottaDB use it"
                    .to_owned(),
        });
    }
    let guesses: [(bool, &str, &str); 4] = [
        (
            bits % 1000 < 10 && (1_024_000..=65_535_009).contains(&bits),
            "PostgreSQL before 13",
            "port * 1000 + n; src/backend/port/sysv_shmem.c",
        ),
        (
            bits >> 24 == u32::from(b'Q'),
            "Qt's QSharedMemory",
            "ftok with project id 'Q'; qsharedmemory_systemv.cpp",
        ),
        (
            bits >> 24 == u32::from(b'a'),
            "OpenJ9 shared classes",
            "ftok of its control file with project id 'a'; runtime/port/sysvipc/j9shmem.c",
        ),
        (
            (58_900_100..=58_900_199).contains(&bits),
            "SAP (SCSA)",
            "589001 and the instance's number, in decimal",
        ),
    ];
    let likely = guesses.into_iter().filter(|(fits, ..)| *fits && !key.is_private());
    found.extend(likely.map(|(_, name, evidence)| Known {
        name: name.to_owned(),
        certain: false,
        evidence: format!("the number would fit: {evidence}"),
    }));
    let text = bits.to_be_bytes();
    if text.iter().all(|byte| byte.is_ascii_graphic()) && !quoted {
        let text: String = text.iter().map(|byte| char::from(*byte)).collect();
        found.push(Known {
            name: format!("the four characters {text:?}"),
            certain: false,
            evidence: "all four bytes of the key are printable; many programs make a key of their name"
                .to_owned(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_programs() {
        let name = |bits| known(Key::from_bits(bits)).first().map(|known| known.name.clone());
        // gpsd, on a live system: `ipcs -m` shows 0x4e545030 to 0x4e545037 and 0x47505344.
        assert!(name(0x4e54_5032).unwrap().starts_with("NTP"));
        assert!(name(0x4750_5344).unwrap().starts_with("gpsd"));
        assert_eq!(name(5_432_001).unwrap(), "PostgreSQL before 13");
        assert_eq!(name(0).unwrap(), "IPC_PRIVATE");
        assert_eq!(name(0x5045_524c).unwrap(), "the four characters \"PERL\"");
        assert_eq!(name(0x7800_c028), None);
        assert_eq!(name(0xffff_ffff).unwrap(), "a failed ftok");
        // "Quiz" is text, although Qt's keys begin so too.
        let names: Vec<_> = known(Key::from_bits(0x5175_697a)).into_iter().map(|known| known.name).collect();
        assert_eq!(names, ["Qt's QSharedMemory", "the four characters \"Quiz\""]);
        for bits in [0, 0xffff_ffff, 0x4e54_5030, 5_432_001, 0x00fe_1234] {
            assert!(!can_be_of_ftok(Key::from_bits(bits)), "{bits:#x}");
        }
        assert!(can_be_of_ftok(Key::from_bits(0x7800_c028)) && can_be_of_ftok(Key::from_bits(0x5045_524c)));
    }
}
