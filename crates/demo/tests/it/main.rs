//! The writer and the reader as processes.

// clippy.toml allows these in test functions, but not in what they call.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

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
