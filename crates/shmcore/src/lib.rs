//! System V shared memory in safe Rust.
