//! The devices on which the kernel keeps System V segments.

use std::fs;
use std::os::fd::OwnedFd;

use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fstat;

use super::maps::Device;

/// The devices of the file systems on which this kernel keeps segments.
///
/// Segments are files on a mount that the kernel alone has: tmpfs for small pages (mm/shmem.c, `shm_mnt`), and for each size of
/// huge pages a hugetlbfs (fs/hugetlbfs/inode.c, `hugetlbfs_vfsmount`). memfd_create(2) makes its files on the same mounts, so
/// the device of a memfd of our own is that of every segment, in every namespace; no segment need be made for that. The other
/// files there are named by the kernel too, and otherwise: `/memfd:NAME`, `/dev/zero`. So a mapping called `/SYSV%08x` on
/// such a device is a segment, and one on another device is a file that somebody has given this name.
#[derive(Clone, Debug, Default)]
pub(crate) struct SegmentDevices {
    small: Option<Device>,
    huge: Vec<Device>,
}

impl SegmentDevices {
    /// Asks the kernel.
    pub(crate) fn of_this_kernel() -> Self {
        Self {
            small: device(MFdFlags::empty()),
            huge: huge_page_shifts().filter_map(|shift| device(huge_pages(shift))).collect(),
        }
    }

    /// Whether files on `device` are kept by the kernel alone; `None` if it did not let us ask.
    pub(crate) fn hold(&self, device: Device) -> Option<bool> {
        // A kernel without a memfd of huge pages has none on any other device that is asked for here.
        let small = self.small?;
        Some(small == device || self.huge.contains(&device))
    }
}

/// The device of a memfd.
fn device(flags: MFdFlags) -> Option<Device> {
    let status = fstat(memory_file(flags)?).ok()?;
    let (major, minor) = (libc::major(status.st_dev), libc::minor(status.st_dev));
    Some(Device { major: u64::from(major), minor: u64::from(minor) })
}

fn memory_file(flags: MFdFlags) -> Option<OwnedFd> {
    // vm.memfd_noexec=2 wants this flag, which Linux before 6.3 does not know.
    let no_exec = MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
    let flags = flags | MFdFlags::MFD_CLOEXEC;
    memfd_create("coreinspect", flags | no_exec).or_else(|_| memfd_create("coreinspect", flags)).ok()
}

/// The flags for a memfd of pages of `1 << shift` bytes.
fn huge_pages(shift: u32) -> MFdFlags {
    MFdFlags::MFD_HUGETLB | MFdFlags::from_bits_retain(shift << libc::MFD_HUGE_SHIFT)
}

/// The sizes of huge pages that this kernel has, as powers of two.
fn huge_page_shifts() -> impl Iterator<Item = u32> {
    let folders = fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten();
    folders.filter_map(|folder| {
        let name = folder.file_name();
        let kilobytes: u64 = name.to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
        kilobytes.checked_mul(1024)?.checked_ilog2()
    })
}
