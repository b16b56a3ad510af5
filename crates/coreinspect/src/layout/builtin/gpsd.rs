//! gpsd's export: the last report, whole, for programs on the same machine.
//!
//! gpsd include/gpsd.h `struct shmexport_t`: an int, `struct gps_data_t` of include/gps.h, and the same int again, which
//! the writer sets first and last (gpsd/shmexport.c `shm_update`). `gps_data_t` grows with every release and says nowhere
//! which one it is: where the second int stands tells. The offsets below were printed by gcc (`-m64`, `-m32`, and `-m32
//! -malign-double` for the 32-bit ABIs that align 8-byte values to 8) from the gps.h of each release.

use std::borrow::Cow;
use std::sync::Arc;

use super::{all_zero, parsed};
use crate::layout::fields::{Fields, date, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::{Class, Machine};
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct Gpsd;

/// "GPSD", unless the environment's GPSD_SHM_KEY said otherwise.
const KEY: u32 = 0x4750_5344;

/// elf.h; its 8-byte values are aligned to 4.
const EM_386: u16 = 3;
/// The largest page of a machine of Linux, which the end of a segment fills: bytes.
const LARGEST_PAGE: u64 = 64 << 10;

/// Where an ABI puts what the names say.
#[derive(Debug)]
struct Offsets {
    gps_fd: u64,
    satellites_used: u64,
    dop: u64,
    satellites_visible: u64,
    device: u64,
    bookend2: u64,
}

/// Releases with the same struct.
#[derive(Debug)]
struct Release {
    name: &'static str,
    generation: Generation,
    /// LP64, i386, and the other 32-bit ABIs.
    offsets: [Offsets; 3],
}

/// What of the struct's beginning changed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Generation {
    /// Times are doubles.
    Doubles,
    /// 3.20: times are timespecs; altHAE and altMSL.
    Timespecs,
    /// 3.21: the fix has its status.
    Status,
    /// 3.26: set_pending and update_fd.
    Pending,
}

const fn offsets(values: [u64; 6]) -> Offsets {
    let [gps_fd, satellites_used, dop, satellites_visible, device, bookend2] = values;
    Offsets { gps_fd, satellites_used, dop, satellites_visible, device, bookend2 }
}

const fn release(name: &'static str, generation: Generation, [lp64, i386, ilp32]: [[u64; 6]; 3]) -> Release {
    Release { name, generation, offsets: [offsets(lp64), offsets(i386), offsets(ilp32)] }
}

use Generation::{Doubles, Pending, Status, Timespecs};

const RELEASES: &[Release] = &[
    release(
        "3.0 to 3.6",
        Doubles,
        [[24, 164, 456, 528, 1976, 8056], [20, 152, 444, 516, 1960, 6732], [24, 164, 456, 528, 1976, 8048]],
    ),
    release(
        "3.7 to 3.9",
        Doubles,
        [[24, 164, 456, 528, 1976, 8248], [20, 152, 444, 516, 1960, 6924], [24, 164, 456, 528, 1976, 8240]],
    ),
    release(
        "3.10 to 3.11",
        Doubles,
        [
            [24, 164, 456, 528, 1976, 31624],
            [20, 152, 444, 516, 1960, 31536],
            [24, 164, 456, 528, 1976, 31624],
        ],
    ),
    release(
        "3.12 to 3.17",
        Doubles,
        [[24, 164, 168, 240, 1400, 8928], [20, 152, 156, 228, 1384, 8064], [24, 164, 168, 240, 1400, 8920]],
    ),
    release(
        "3.18 to 3.18.1",
        Doubles,
        [
            [24, 236, 240, 312, 3200, 14016],
            [20, 224, 228, 300, 2704, 13452],
            [24, 236, 240, 312, 3200, 14016],
        ],
    ),
    release(
        "3.19",
        Doubles,
        [
            [24, 300, 304, 368, 3736, 20808],
            [20, 284, 288, 352, 3156, 18472],
            [24, 300, 304, 368, 3736, 20800],
        ],
    ),
    release(
        "3.20",
        Timespecs,
        [
            [32, 404, 408, 480, 6088, 24016],
            [20, 372, 376, 440, 5484, 21484],
            [24, 388, 392, 456, 6064, 23744],
        ],
    ),
    release(
        "3.21 to 3.22",
        Status,
        [
            [32, 892, 896, 968, 6576, 24504],
            [20, 852, 856, 920, 5964, 21964],
            [24, 868, 872, 936, 6544, 24224],
        ],
    ),
    release(
        "3.23 to 3.23.1",
        Status,
        [
            [32, 892, 896, 968, 6576, 26704],
            [20, 852, 856, 920, 5964, 23988],
            [24, 868, 872, 936, 6544, 26336],
        ],
    ),
    release(
        "3.24",
        Status,
        [
            [32, 948, 952, 1024, 6632, 27376],
            [20, 904, 908, 972, 6016, 24612],
            [24, 924, 928, 992, 6600, 27008],
        ],
    ),
    release(
        "3.25",
        Status,
        [
            [32, 956, 960, 1032, 7760, 29232],
            [20, 912, 916, 980, 7144, 26448],
            [24, 932, 936, 1000, 7728, 28848],
        ],
    ),
    release(
        "3.26 to 3.26.1",
        Pending,
        [
            [40, 1004, 1008, 1080, 12864, 38464],
            [28, 948, 952, 1016, 12060, 34956],
            [32, 964, 968, 1032, 12816, 38056],
        ],
    ),
    release(
        "3.27 to 3.27.5",
        Pending,
        [
            [40, 1036, 1040, 1112, 12896, 38496],
            [28, 976, 980, 1044, 12088, 34984],
            [32, 996, 1000, 1064, 12848, 38088],
        ],
    ),
];

impl Release {
    fn offsets(&self, subject: &Subject<'_>) -> &Offsets {
        self.of(subject.machine)
    }

    fn of(&self, machine: Machine) -> &Offsets {
        let [lp64, i386, ilp32] = &self.offsets;
        match (machine.class, machine.number) {
            (Class::Bits64, _) => lp64,
            (Class::Bits32, EM_386) => i386,
            (Class::Bits32, _) => ilp32,
        }
    }

    /// Whether the bytes can be an export of this release: both ints, if all else fits.
    fn bookends(&self, subject: &Subject<'_>) -> Option<(i32, i32)> {
        let offsets = self.offsets(subject);
        // shm_update writes SHM_PSEUDO_FD there. This first: all else is further behind, and reading it costs more.
        let fits = subject.i32(offsets.gps_fd)? == -1
            && (0..=1000).contains(&subject.i32(offsets.satellites_used)?)
            && (0..=1000).contains(&subject.i32(offsets.satellites_visible)?);
        let end = offsets.bookend2.checked_add(4)?;
        if !fits || subject.length().checked_sub(end)? >= LARGEST_PAGE || !all_zero(subject, end) {
            return None;
        }
        Some((subject.i32(0)?, subject.i32(offsets.bookend2)?))
    }

    /// Whether what has little room holds what gpsd puts there: the flags that gps.h has, the name of a device.
    fn is_a_report(&self, subject: &Subject<'_>) -> bool {
        let offsets = self.offsets(subject);
        let flags = match (subject.machine.class, subject.machine.number) {
            (Class::Bits32, EM_386) => subject.u64(4),
            _ => subject.u64(8),
        };
        let device = subject.some_bytes(offsets.device, 128);
        let name = device.split(|byte| *byte == 0).next().unwrap_or_default();
        let behind = device.get(name.len()..).unwrap_or_default();
        flags.is_some_and(|flags| flags != 0 && flags <= u64::from(u32::MAX))
            && name.iter().all(u8::is_ascii_graphic)
            && behind.iter().all(|byte| *byte == 0)
            && name.len() < device.len()
    }

    fn text(&self, offsets: &Offsets) -> String {
        let since = |generation| self.generation >= generation;
        let only = |there: bool, text: &'static str| if there { text } else { "" };
        let time = if since(Timespecs) { "struct { time_t seconds; long nanoseconds; }" } else { "f64" };
        let Offsets { satellites_used, dop, satellites_visible, device, bookend2, .. } = offsets;
        [
            "i32 bookend1;",
            FLAGS,
            only(since(Pending), "hex u64 set_pending;"),
            &format!("{time} online;"),
            if since(Pending) { "long gps_fd; void *update_fd;" } else { "i32 gps_fd;" },
            &format!("struct {{ {time} time;"),
            "i32 mode { 0=not_seen 1=no_fix 2=\"2D\" 3=\"3D\" };",
            only(since(Status), STATUS),
            "f64 ept, latitude, epy, longitude, epx, altitude;",
            only(since(Timespecs), "f64 altHAE, altMSL;"),
            "f64 epv, track, epd, speed, eps, climb, epc; } fix;",
            &format!("@{satellites_used} i32 satellites_used;"),
            &format!("@{dop} struct {{ f64 xdop, ydop, pdop, hdop, vdop, tdop, gdop; }} dop;"),
            &format!("@{satellites_visible} i32 satellites_visible;"),
            &format!("@{device} char device[128];"),
            &format!("@{bookend2} i32 bookend2;"),
            "check bookend1 == bookend2 \"torn write: the report was being replaced\";",
        ]
        .concat()
    }
}

const STATUS: &str =
    "i32 status { 0=unknown 1=GPS 2=DGPS 3=RTK_fixed 4=RTK_float 5=dead_reckoning 6=GNSS_and_dead_reckoning
    7=time_only 8=simulated 9=precise };";

/// gps.h `ONLINE_SET` and all below it.
const FLAGS: &str = "flags u64 set {
    0x2=ONLINE 0x4=TIME 0x8=TIMERR 0x10=LATLON 0x20=ALTITUDE 0x40=SPEED 0x80=TRACK 0x100=CLIMB 0x200=STATUS 0x400=MODE 0x800=DOP
    0x1000=HERR 0x2000=VERR 0x4000=ATTITUDE 0x8000=SATELLITE 0x10000=SPEEDERR 0x20000=TRACKERR 0x40000=CLIMBERR 0x80000=DEVICE
    0x100000=DEVICELIST 0x200000=DEVICEID 0x400000=RTCM2 0x800000=RTCM3 0x1000000=AIS 0x2000000=PACKET 0x4000000=SUBFRAME
    0x8000000=GST 0x10000000=VERSION 0x20000000=POLICY 0x40000000=LOGMESSAGE 0x80000000=ERROR };";

/// The release, and whether both ints are equal; of several the one in which they are.
fn found(subject: &Subject<'_>) -> Option<(&'static Release, bool)> {
    let fitting = || RELEASES.iter().filter_map(|release| Some((release, release.bookends(subject)?)));
    let whole = fitting().find(|(_, (first, second))| first == second && *first != 0);
    // The writer sets the second int first.
    let torn = || fitting().find(|(_, (first, second))| first.wrapping_add(1) == *second);
    whole.map(|(release, _)| (release, true)).or_else(|| torn().map(|(release, _)| (release, false)))
}

/// Whether the segment can be an export's, which fills the rest of its last page.
fn has_a_size(subject: &Subject<'_>) -> bool {
    RELEASES.iter().any(|release| {
        let end = release.offsets(subject).bookend2.saturating_add(4);
        subject.length().checked_sub(end).is_some_and(|rest| rest < LARGEST_PAGE)
    })
}

impl Layout for Gpsd {
    fn name(&self) -> Cow<'_, str> {
        "gpsd".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "gpsd's last report (struct shmexport_t): fix, satellites, dilution of precision, device".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("ntpsec/gpsd:gpsd/shmexport.c")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| {
            let is_pseudo = |release: &Release| {
                let at = usize::try_from(release.of(start.machine).gps_fd).ok();
                at.and_then(|at| start.i32(at)) == Some(-1)
            };
            start.key.is_some_and(|key| key.bits() == KEY) || RELEASES.iter().any(is_pseudo)
        })
    }

    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let key = subject.key.is_some_and(|key| key.bits() == KEY);
        let mut reasons = Vec::new();
        if key {
            reasons.push("the key is gpsd's, 0x47505344 (\"GPSD\")".to_owned());
        }
        match found(subject) {
            Some((release, whole)) => {
                reasons.push(format!(
                    "its file descriptor is -1, and it ends where that of gpsd {} does",
                    release.name
                ));
                reasons.push(match whole {
                    true => "both bookends are equal".to_owned(),
                    false => "the second bookend is one ahead: a report was being written".to_owned(),
                });
                // GPSD_SHM_KEY may have said another key; then its values must be such as gpsd writes.
                match (key, whole) {
                    (true, _) => Verdict::Certain(reasons),
                    (false, true) if release.is_a_report(subject) => Verdict::Likely(reasons),
                    (false, _) => Verdict::No,
                }
            }
            None if key && has_a_size(subject) && all_zero(subject, 0) => {
                reasons.push("all bytes are zero: there was no report yet".to_owned());
                Verdict::Likely(reasons)
            }
            None if key => {
                reasons.push("it is no export of gpsd 3.0 to 3.27".to_owned());
                Verdict::Possible(reasons)
            }
            None => Verdict::No,
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        // Of an unknown release the first int alone is certain.
        let text = found(subject).map(|(release, _)| release.text(release.offsets(subject)));
        parsed(text.as_deref().unwrap_or("i32 bookend1;"))
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let mode = fields.number("fix.mode");
        let seconds = fields.number("fix.time.seconds");
        let seconds = seconds.or_else(|| {
            let time = std::time::Duration::try_from_secs_f64(fields.float("fix.time")?).ok()?;
            Some(i128::from(time.as_secs()))
        });
        let at = seconds.and_then(date).map_or_else(String::new, |time| format!(" at {time}"));
        let device = fields.text("device").map_or_else(String::new, |device| format!(", from {device}"));
        let place = || {
            let (latitude, longitude) = (fields.float("fix.latitude")?, fields.float("fix.longitude")?);
            (latitude.is_finite() && longitude.is_finite())
                .then(|| format!(" at {latitude:.5}, {longitude:.5}"))
        };
        Some(match mode {
            None if fields.number("bookend1") == Some(0) => "gpsd: no report yet".to_owned(),
            None => return None,
            Some(..=1) => format!("gpsd: no fix{at}{device}"),
            Some(mode) => {
                let used = fields.number("satellites_used");
                let used = used.map_or_else(String::new, |used| format!(", {}", many(used, "satellite")));
                format!("gpsd: {mode}D fix{}{used}{at}{device}", place().unwrap_or_default())
            }
        })
    }
}
