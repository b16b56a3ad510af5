//! Segments of real programs, dumped for real: what coreinspect decodes is what the program itself says.

mod apr_rmm;
mod as_documented;
mod boost_interprocess;
mod gpsd;
mod gtm;
mod headers;
mod hostile;
mod linuxcnc;
mod ntp;
mod perl;
mod php;
mod postgresql;
mod running;
mod stage;
mod x11;

/// Whether gcc finds a header; as `have` of a program.
fn have_header(name: &str) -> bool {
    let found = std::path::Path::new("/usr/include").join(name).exists();
    if !found {
        let required = std::env::var("COREINSPECT_REQUIRE_TOOLS").as_deref() == Ok("1");
        assert!(!required, "{name} is required and missing");
        println!("skipped: {name} is not installed");
    }
    found
}

/// This machine's name.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end().to_owned()
}
