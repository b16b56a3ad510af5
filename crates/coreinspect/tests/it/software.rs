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
    std::path::Path::new("/usr/include").join(name).exists() || crate::tools::missing(name)
}

/// This machine's name.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end().to_owned()
}
