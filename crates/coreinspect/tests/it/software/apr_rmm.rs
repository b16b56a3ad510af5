//! apr_rmm over a System V segment, held against the offsets that it gave out.

use serde_json::json;

use super::stage::{Stage, Staged, content};

#[test]
fn apr_rmm_lists_the_same_blocks() {
    let Some(stage) = Stage::with(&["gcc"]) else { return };
    if !super::have_header("apr-1.0/apr_rmm.h") {
        return;
    }
    // As apr-1-config says on a 64-bit Linux.
    let flags = ["-D_GNU_SOURCE", "-I/usr/include/apr-1.0", "-laprutil-1", "-lapr-1"];
    stage.compile("gcc", "apr_rmm.c", "rmm", &flags);
    let running = Staged::until_ready(&stage, &mut stage.command("./rmm"));
    let content = content(&running.gcore(), "0x5a17e021");
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("apr-rmm"), &json!("likely")));
    let value = &content["value"];
    assert_eq!(value["abssize"], 16384);

    // apr_rmm_malloc gives out what follows the three words of a block.
    let used: Vec<u64> =
        running.said.iter().map(|line| line.strip_prefix("used ").unwrap().parse().unwrap()).collect();
    let blocks = value["used"].as_object().unwrap();
    let offset = |name: &String| u64::from_str_radix(name.strip_prefix("0x").unwrap(), 16).unwrap();
    let mut told: Vec<_> = blocks.keys().map(|name| offset(name) + 24).collect();
    told.sort_unstable();
    assert_eq!(told, used);
    let all = blocks.values().chain(value["free"].as_object().unwrap().values());
    let sizes: u64 = all.map(|block| block["size"].as_u64().unwrap()).sum();
    assert_eq!(sizes + 24, 16384, "blocks cover the region");
    let data: Vec<_> = blocks.values().map(|block| block["data"].as_str().unwrap()).collect();
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(data.iter().any(|data| data.starts_with(&hex("first"))), "{data:?}");
    assert!(data.iter().any(|data| data.starts_with(&hex("third"))), "{data:?}");
}
