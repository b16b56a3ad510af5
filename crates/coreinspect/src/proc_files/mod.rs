//! What the kernel says of running processes: readers of /proc/PID and of /proc/sysvipc (proc(5)).
//!
//! Everything of a process is read through one descriptor of its folder, which is bound to that process and not to its
//! number: once the process is gone every read fails, whoever has the number then.

mod device;
mod dump_settings;
mod ipc_namespace;
mod live_segment;
pub mod maps;
mod process_folder;
pub mod smaps;
mod status;

pub use device::SegmentDevices;
pub use dump_settings::{Destination, DumpSettings, Limit, NoCore};
pub use ipc_namespace::{IpcNamespace, IpcTable};
pub use live_segment::{LiveSegment, live_segments};
pub use maps::VirtualMemoryArea;
pub use process_folder::{ProcessFolder, pids};
pub use smaps::MemoryArea;
pub use status::{Credentials, Stat};
