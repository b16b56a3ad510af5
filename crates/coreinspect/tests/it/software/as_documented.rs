//! Layouts of programs that Debian does not have: a program writes the segments as their sources declare them.

use serde_json::json;

use super::stage::{Stage, Staged, content};

#[test]
fn the_documented_bytes_are_recognised() {
    let Some(stage) = Stage::with(&["gcc"]) else { return };
    for flags in [["-m64"], ["-m32"]] {
        stage.compile("gcc", "as_documented.c", "documented", &flags);
        let running = Staged::until_ready(&stage, &mut stage.command("./documented"));
        let dump = running.gcore();

        let classes = content(&dump, "0x61001234");
        assert_eq!((&classes["layout"], &classes["confidence"]), (&json!("openj9"), &json!("certain")));
        let value = &classes["value"];
        assert_eq!(value["version"]["modlevel"], 17);
        assert_eq!(value["version"]["cache_type"], json!({ "value": 2, "name": "nonpersistent" }));
        assert_eq!((&value["size"], &value["generation"]), (&json!(1 << 20), &json!(45)));
        assert_eq!(value["build_id"], 0x0123_4567_89ab_cdef_u64.to_string());
        assert_eq!(value["create_time"], 1_700_000_000_000_000_000_u64.to_string());
        assert_eq!(value["attached_semid"], 42);

        let simple = content(&dump, "0x4c524550");
        assert_eq!((&simple["layout"], &simple["confidence"]), (&json!("ipc-sharelite"), &json!("certain")));
        assert_eq!((&simple["value"]["data_length"], &simple["value"]["data"]), (&json!(5), &json!("hello")));
    }
}
