//! The writer and the reader as processes.

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

mod crash;
mod exit;
mod meeting;
mod process;
mod tour;

/// What cannot be tested here is skipped with a reason, unless COREINSPECT_REQUIRE_TOOLS=1.
fn skip(reason: &str) {
    let required = std::env::var_os("COREINSPECT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "required, but {reason}");
    println!("skipped: {reason}");
}
