//! The shared memory of NTP's reference clocks: what a clock's driver (gpsd, and many small ones) tells ntpd and chronyd.
//!
//! ntp ntpd/refclock_shm.c `struct shmTime` (ntpsec and gpsd have the same, chrony refclock_shm.c too). There is no
//! magic: the key says what it is, 0x4e545030 ("NTP0") + unit, and the values have little room: both are asked for, because
//! other programs' small numbers pass for times, and nobody else's segments for NTP's. In mode 1 a writer
//! counts before it writes and after, and sets `valid` last (ntp html/drivers/driver28.html, gpsd ntpshmwrite.c); who
//! reads clears `valid`.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use shmcore::Key;

use super::{all_zero, parsed};
use crate::layout::fields::{Fields, date};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::Class;
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct NtpShm;

/// The key of unit 0.
const NTP0: u32 = 0x4e54_5030;
/// The largest page of a machine of Linux, which a small segment fills: bytes.
const LARGEST_PAGE: u64 = 64 << 10;
/// ntpd numbers its units with 8 bits (a refclock's address is 127.127.28.UNIT).
const UNITS: u32 = 256;

/// The last words were `dummy` until gpsd 3.27 put there what passes 32 bits of the seconds.
const TEXT: &str = "
    i32 mode;
    i32 count;
    time_t clockTimeStampSec;
    i32 clockTimeStampUSec;
    time_t receiveTimeStampSec;
    i32 receiveTimeStampUSec;
    i32 leap { 0=no_warning 1=add_second 2=delete_second 3=not_in_sync };
    i32 precision;
    i32 nsamples;
    i32 valid;
    u32 clockTimeStampNSec;
    u32 receiveTimeStampNSec;
    u32 top_clockTimeStampSec;
    u32 top_receiveTimeStampSec;
    i32 dummy[6];
    check mode == 0 || mode == 1 \"no reader knows this mode\";
    check mode != 1 || count % 2 == 0 \"torn write: the writer counts before it writes and after, and was in between\";
    check clockTimeStampNSec == 0 || clockTimeStampNSec / 1000 == clockTimeStampUSec
        \"torn write, or a writer that rounds: readers take the microseconds\";
    check receiveTimeStampNSec == 0 || receiveTimeStampNSec / 1000 == receiveTimeStampUSec
        \"torn write, or a writer that rounds: readers take the microseconds\";
";

static TYPE: LazyLock<Result<Arc<Type>, String>> = LazyLock::new(|| parsed(TEXT));

impl Layout for NtpShm {
    fn name(&self) -> Cow<'_, str> {
        "ntp-shm".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a reference clock's time for ntpd or chronyd (struct shmTime of ntpd, gpsd and chrony)".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("ntp-project/ntp:ntpd/refclock_shm.c")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.key.and_then(unit).is_some())
    }

    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let Some(unit) = subject.key.and_then(unit) else { return Verdict::No };
        let mut reasons = vec![format!("the key is 0x4e545030 + {unit}: NTP's unit {unit}")];
        let Some(times) = Times::read(subject) else {
            reasons.push("its values are not in the dump".to_owned());
            return Verdict::Possible(reasons);
        };
        match times.problem(subject) {
            Some(problem) => {
                reasons.push(format!("but {problem}"));
                Verdict::Possible(reasons)
            }
            None if times.seconds == [0, 0] => {
                reasons.push("both times are zero: no clock has written yet".to_owned());
                Verdict::Likely(reasons)
            }
            None => {
                reasons.push("mode, times, leap, precision and valid are in their ranges".to_owned());
                Verdict::Certain(reasons)
            }
        }
    }

    fn describe(&self, _: &Subject<'_>) -> Result<Arc<Type>, String> {
        TYPE.clone()
    }

    fn summary(&self, value: &Value, subject: &Subject<'_>) -> Option<String> {
        let (fields, unit) = (Fields(value), subject.key.and_then(unit));
        let who = unit.map_or_else(|| "NTP".to_owned(), |unit| format!("NTP unit {unit}"));
        let seconds = fields.number("clockTimeStampSec")?;
        Some(match date(seconds) {
            None if seconds == 0 => format!("{who}: no clock has written yet"),
            None => return None,
            Some(time) => match fields.number("valid")? {
                0 => format!("{who}: clock at {time}, read already"),
                _ => format!("{who}: clock at {time}, not yet read"),
            },
        })
    }
}

/// NTP's unit whose key this is.
fn unit(key: Key) -> Option<u32> {
    key.bits().checked_sub(NTP0).filter(|unit| *unit < UNITS)
}

/// What can only have a few values.
struct Times {
    mode: i32,
    seconds: [u64; 2],
    microseconds: [i32; 2],
    leap: i32,
    precision: i32,
    valid: i32,
    nanoseconds: [u32; 2],
    size: u64,
}

impl Times {
    fn read(subject: &Subject<'_>) -> Option<Self> {
        // time_t is a long wherever Linux had no 64-bit time_t of 32-bit programs yet.
        let (seconds, microseconds, rest, size) = match subject.machine.class {
            Class::Bits64 => ([8, 24], [16, 32], 36, 96),
            Class::Bits32 => ([8, 16], [12, 20], 24, 80),
        };
        let rest = |index: u64| index.saturating_mul(4).saturating_add(rest);
        Some(Self {
            mode: subject.i32(0)?,
            seconds: [subject.long(seconds[0])?, subject.long(seconds[1])?],
            microseconds: [subject.i32(microseconds[0])?, subject.i32(microseconds[1])?],
            leap: subject.i32(rest(0))?,
            precision: subject.i32(rest(1))?,
            valid: subject.i32(rest(3))?,
            nanoseconds: [subject.u32(rest(4))?, subject.u32(rest(5))?],
            size,
        })
    }

    /// What speaks against it.
    fn problem(&self, subject: &Subject<'_>) -> Option<&'static str> {
        /// 2100-01-01.
        const LATEST: u64 = 4_102_444_800;
        match self {
            Self { mode, .. } if !(0..=1).contains(mode) => Some("no reader knows its mode"),
            Self { valid, .. } if !(0..=1).contains(valid) => Some("valid is neither 0 nor 1"),
            Self { leap, .. } if !(0..=3).contains(leap) => Some("leap is no warning that NTP has"),
            Self { precision, .. } if !(-64..=16).contains(precision) => Some("no clock is so precise"),
            Self { microseconds, .. } if microseconds.iter().any(|part| !(0..1_000_000).contains(part)) => {
                Some("microseconds pass a second")
            }
            Self { nanoseconds, .. } if nanoseconds.iter().any(|part| *part >= 1_000_000_000) => {
                Some("nanoseconds pass a second")
            }
            Self { seconds, .. } if seconds.iter().any(|seconds| *seconds > LATEST) => {
                Some("a time is beyond 2100")
            }
            Self { size, .. } if subject.length().saturating_sub(*size) >= LARGEST_PAGE => {
                Some("the segment is larger than the struct's page")
            }
            Self { size, .. } if !all_zero(subject, *size) => Some("bytes follow where the struct ends"),
            _ => None,
        }
    }
}
