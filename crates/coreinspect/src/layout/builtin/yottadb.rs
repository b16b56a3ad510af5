//! The segment of a database of YottaDB, or of GT.M, from which it comes.
//!
//! YottaDB/YDB@204bb4d9: sr_port/gdsbt.h (`node_local`, up to `hdr` the same in GT.M 7.0), sr_port/gdsfhead.h
//! (`sgmnt_data`, whose first fields are those of GT.M 7.0 and 6). The key is IPC_PRIVATE: the file's header names the
//! shmid. With the access method BG a copy of the file's header stands at `hdr`.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{at, with_fields, written};
use crate::layout::fields::Fields;
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct YottaDb;

/// `GDS_LABEL` without the version: YottaDB and GT.M 5 to 7 differ in the last two digits.
const LABEL: &[u8] = b"GDSDYNUNX";
const NODE_LOCAL: &str = "
    char label[12] = \"GDSDYNUNX\";
    char fname[256];
    char now_running[36];
    char machine_name[256];
    i64 bt_header_off;
    i64 bt_base_off;
    i64 th_base_off;
    i64 cache_off;
    i64 cur_lru_cache_rec_off;
    i64 critical;
    i64 jnl_buff;
    i64 shmpool_buffer;
    i64 lock_addrs;
    i64 hdr;
    i32 in_crit;
";
const NAME_AT: u64 = 12;
const RUNNING_AT: u64 = 268;
const HEADER_AT: u64 = 632;
const FILE_HEADER: &str = "
    char label[12] = \"GDSDYNUNX\";
    i32 blk_size;
    i32 v6_master_map_len;
    i32 bplmap;
    u32 v6_start_vbn;
    u32 acc_meth { 0=RMS 1=BG 2=MM };
    u32 max_bts;
    i32 n_bts;
    i32 bt_buckets;
    i32 reserved_bytes;
    i32 max_rec_size;
    i32 max_key_size;
    u32 lock_space_size;
    u32 extension_size;
    check blk_size > 0 && blk_size % 512 == 0 \"a block is no multiple of 512 bytes\";
";

/// Where the copy of the file's header stands, if there is one.
fn file_header(subject: &Subject<'_>) -> Option<u64> {
    let at = u64::try_from(subject.i64(HEADER_AT)?).ok()?;
    (at > HEADER_AT && subject.has(at, LABEL)).then_some(at)
}

impl Layout for YottaDb {
    fn name(&self) -> Cow<'_, str> {
        "yottadb".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a database of YottaDB or GT.M: its file, the version that runs, and the file's header".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("YDB: sr_port/gdsbt.h (node_local), sr_port/gdsfhead.h (sgmnt_data)")
    }

    fn begins(&self) -> Begins {
        Begins::With(LABEL)
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let label = subject.bytes(0, 12).filter(|label| label.starts_with(LABEL));
        let Some(label) = label.and_then(|label| String::from_utf8(label).ok()) else { return Verdict::No };
        let mut reasons = vec![format!("\"{}\" at 0", label.trim_end_matches('\0').escape_debug())];
        let program = [&b"GT.M V"[..], b"YottaDB "].iter().any(|program| subject.has(RUNNING_AT, program));
        if subject.u8(NAME_AT) != Some(b'/') || !program {
            // The file of a database begins so too.
            reasons.push("but no name of a file and a program behind it".to_owned());
            return Verdict::Possible(reasons);
        }
        reasons.push("the name of a file and of a program behind it".to_owned());
        if file_header(subject).is_some() {
            reasons.push("the file's header where `hdr` says".to_owned());
        }
        Verdict::Certain(reasons)
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let header = file_header(subject)
            .map(|at| Ok::<_, String>((at, written(subject, FILE_HEADER)?)))
            .transpose()?;
        let header = header.map(|(place, header)| at(subject, place, "file_header", header)).transpose()?;
        with_fields(written(subject, NODE_LOCAL)?, header).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let file = fields.text("fname").unwrap_or("a database");
        let by = fields.text("now_running").map_or_else(String::new, |by| format!(", by {by}"));
        Some(format!("YottaDB: buffers of {file}{by}"))
    }
}
