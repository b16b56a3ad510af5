//! What the kernel says of running processes: readers of /proc/PID and of /proc/sysvipc (proc(5)).
//!
//! Everything of a process is read through one descriptor of its folder, which is bound to that process and not to its
//! number: once the process is gone every read fails, whoever has the number then.

mod device;
mod dump_settings;
mod ipc_namespace;
mod live_segment;
mod mapping_kinds;
pub(crate) mod maps;
mod mounts;
mod posix_files;
mod process_folder;
pub(crate) mod smaps;
mod status;
mod system_call;

pub(crate) use device::SegmentDevices;
pub(crate) use dump_settings::{Destination, DumpSettings, Limit, NoCore};
pub(crate) use ipc_namespace::{IpcNamespace, IpcTable};
pub(crate) use live_segment::{LiveSegment, live_segments};
pub(crate) use mapping_kinds::MappingKinds;
pub use maps::Device;
pub(crate) use maps::VirtualMemoryArea;
use mounts::Mounts;
pub(crate) use posix_files::{held_open, posix_files};
pub(crate) use process_folder::pids;
pub use process_folder::{FileStatus, ProcessFolder};
pub(crate) use smaps::MemoryArea;
pub(crate) use status::{Credentials, Stat};
pub(crate) use system_call::SleepingCall;
