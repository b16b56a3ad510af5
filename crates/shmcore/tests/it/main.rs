//! shmcore against the kernel, the C library and C programs.

// clippy.toml allows most of these in test functions, but not in what they call.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test says so by panicking"
)]

mod attachment;
mod c_programs;
mod errors;
mod ipcs;
mod key;
mod mailbox;
mod namespace;
mod segment;

use shmcore::{Key, OwnedSegment, Permissions, Segment};

/// A segment of its own for one test.
fn private_segment(size: usize) -> OwnedSegment {
    OwnedSegment::new(Segment::create(Key::PRIVATE, size, Permissions::OWNER).unwrap())
}

/// A key of its own for one test: that of a file, which is deleted with the guard.
fn key_of_its_own() -> (Key, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    (Key::ftok(file.path(), b't').unwrap(), file)
}

/// What cannot be tested here is skipped with a reason, unless COREINSPECT_REQUIRE_TOOLS=1.
fn skip(reason: &str) {
    let required = std::env::var_os("COREINSPECT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "required, but {reason}");
    println!("skipped: {reason}");
}
