#![doc = include_str!("../README.md")]
// What clippy.toml cannot allow in the unit tests alone.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod attachment;
mod attempt;
mod error;
pub mod ipcs;
mod key;
mod mailbox;
mod segment;
mod semaphore;
mod status;
mod sys;

pub use attachment::{Access, Attachment};
pub use attempt::Attempt;
pub use error::Error;
pub use key::{Key, KeyParts, MappingName, Readings};
pub use mailbox::{Flag, Mailbox};
/// The types of nix for users, groups and processes.
pub use nix::unistd::{Gid, Pid, Uid};
pub use segment::{OwnedSegment, Segment};
pub use semaphore::SemaphoreState;
pub use status::{Permissions, ShmId, Status};
