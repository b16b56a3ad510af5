//! /proc/PID/mountinfo (proc_pid_mountinfo(5)): which file system a device number is of.

use super::ProcessFolder;
use super::maps::Device;

/// The mounts that a process sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts(Vec<(Device, Vec<u8>)>);

impl Mounts {
    /// Those of the process behind `folder`; none where they cannot be read.
    pub(crate) fn of(folder: &ProcessFolder) -> Self {
        let text = folder.read("mountinfo").unwrap_or_default();
        Self(text.split(|byte| *byte == b'\n').filter_map(line).collect())
    }

    /// The type of the file system on `device` ("tmpfs"); `None` if it is not mounted there.
    pub(crate) fn file_system(&self, device: Device) -> Option<&[u8]> {
        self.0.iter().find(|(other, _)| *other == device).map(|(_, kind)| kind.as_slice())
    }
}

/// The third field is the device; the type stands behind the ` - ` that ends the optional fields. The kernel escapes blanks
/// in paths.
fn line(line: &[u8]) -> Option<(Device, Vec<u8>)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let device = Device { major: major.parse().ok()?, minor: minor.parse().ok()? };
    fields.find(|field| *field == b"-")?;
    Some((device, fields.next()?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let text = b"36 35 98:0 /mnt1 /a\\040b rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(line(text), Some((Device { major: 98, minor: 0 }, b"ext3".to_vec())));
        let text = b"25 1 0:23 / /dev/shm rw - tmpfs tmpfs rw";
        assert_eq!(line(text), Some((Device { major: 0, minor: 23 }, b"tmpfs".to_vec())));
        assert_eq!(line(b"25 1 0:23 / /dev/shm rw"), None);
    }
}
