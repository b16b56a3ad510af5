//! The class cache of OpenJ9 (`-Xshareclasses:nonpersistent`).
//!
//! eclipse-openj9/openj9@724852a: runtime/shared_common/OSCachesysv.hpp (`OSCache_sysv_header3`), OSCache.hpp
//! (`OSCache_header2`), runtime/oti/shchelp.h (`J9PortShcVersion`), j9port.h (the eyecatcher). Caches before generation 4
//! (Java 6, 2008) have other headers. A J9SRP counts from itself. The names of classes stand behind the header, in a
//! format that is not decoded.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::written;
use crate::layout::fields::{Fields, date};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct OpenJ9;

const EYECATCHER: &[u8] = b"J9SC\0";

const TYPE: &str = "
    char eyecatcher[5] = \"J9SC\";
    struct {
        struct {
            u32 major;
            u32 minor;
            u32 modlevel;
            u32 addrmode;
            u32 cache_type { 1=persistent 2=nonpersistent 3=vmem 4=crossguest 5=snapshot };
            u32 feature { 0=default 1=compressed_pointers 2=non_compressed_pointers };
        } version;
        u32 size;
        i32 data_start;
        u32 data_length;
        u32 generation;
        u32 init_complete;
        hex u64 build_id;
        pad 20;
        time_ns u64 create_time;
        pad 32;
        check data_length < size \"the data are longer than the cache\";
        check init_complete == 1 \"the cache was not made ready\";
    };
    u32 in_default_control_dir;
    i32 attached_semid;
";
/// Offsets of `oscHdr.size`, `dataStart` and `dataLength`, with every word size.
const SIZE: u64 = 32;
const DATA_START: u64 = 36;
const DATA_LENGTH: u64 = 40;

impl Layout for OpenJ9 {
    fn name(&self) -> Cow<'_, str> {
        "openj9".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "the header of OpenJ9's shared class cache, where it is not a file (-Xshareclasses:nonpersistent)"
            .into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("openj9: runtime/shared_common/OSCachesysv.hpp, OSCache.hpp")
    }

    fn begins(&self) -> Begins {
        Begins::With(EYECATCHER)
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        if !subject.has(0, EYECATCHER) {
            return Verdict::No;
        }
        let mut reasons = vec!["\"J9SC\" at 0".to_owned()];
        let fits = || {
            let size = subject.u32(SIZE)?;
            let header = u64::from(subject.u32(DATA_START)?).checked_add(DATA_START)?;
            let whole = header.checked_add(subject.u32(DATA_LENGTH)?.into())?;
            (whole == u64::from(size) && u64::from(size) <= subject.length()).then_some((header, size))
        };
        match fits() {
            Some((header, size)) => {
                reasons.push(format!(
                    "a header of {header} bytes and its data are the {size} bytes that it says"
                ));
                Verdict::Certain(reasons)
            }
            None => {
                reasons.push("but its sizes do not fit: another generation, or not yet written".to_owned());
                Verdict::Possible(reasons)
            }
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        written(subject, TYPE).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let version = (fields.number("version.major")?, fields.number("version.minor")?);
        let made = fields.number("create_time").and_then(|time| date(time / 1_000_000_000));
        let made = made.map_or_else(String::new, |made| format!(", made at {made}"));
        let ready = if fields.number("init_complete") == Some(1) { "" } else { ", not made ready" };
        Some(format!(
            "OpenJ9: class cache {}.{}, {} bytes{made}{ready}",
            version.0,
            version.1,
            fields.number("size")?
        ))
    }
}
