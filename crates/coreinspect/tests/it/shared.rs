//! Twenty dumps of one service: the ones that differ from most stand first.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// Where the message of the dump stands in its file.
fn message_at(bytes: &[u8]) -> usize {
    let message = b"\x01Order 4711: two coffees\0";
    bytes.windows(message.len()).position(|window| window == message).unwrap()
}

#[test]
fn outliers_of_twenty_dumps_stand_first() {
    let core = Core::unpack("writer.kernel");
    let bytes = core.bytes();
    let at = message_at(&bytes);
    for number in 0..20 {
        let mut copy = bytes.clone();
        match number {
            // The first is the odd one: most decide, not the order.
            0 => copy[at + 7..at + 11].copy_from_slice(b"4712"),
            13 => copy[at + 2000..at + 2009].fill(1),
            _ => {}
        }
        fs::write(core.folder().join(format!("core.{number:02}")), copy).unwrap();
    }
    let names: Vec<_> = (0..20).map(|number| format!("core.{number:02}")).collect();
    let run = |flags: &[&str]| {
        let mut command = coreinspect();
        Run::of(command.args(&names).args(flags).current_dir(core.folder()).env("COLUMNS", "80")).ended(0)
    };
    let document = run(&["--json"]).document();
    let [told] = document["shared"].as_array().unwrap().as_slice() else { panic!("{}", document["shared"]) };
    assert_eq!((&told["dumps"], &told["differing"], &told["reference"]), (&json!(20), &json!(2), &json!(1)));
    let copies = told["copies"].as_array().unwrap();
    let same: Vec<_> = copies.iter().map(|copy| copy["same"] == json!(true)).collect();
    let expected: Vec<_> = (0..20).map(|number| number != 0 && number != 13).collect();
    assert_eq!(same, expected);
    let differs = |copy: &Value| (copy["different"].clone(), copy["first"].clone());
    assert_eq!(differs(&copies[0]), (json!(1), json!({ "start": 10, "end": 11 })));
    assert_eq!(differs(&copies[13]), (json!(9), json!({ "start": 2000, "end": 2009 })));
    let outliers: Vec<_> =
        document["outliers"].as_array().unwrap().iter().map(|one| one["path"].clone()).collect();
    assert_eq!(outliers, ["core.00", "core.13"]);
    let text = run(&[]);
    assert!(text.text().contains("20 dumps share 1 segment"), "{text:?}");
    assert!(text.text().contains("core.13 differs from most in 1 of 1"), "{text:?}");
    let lines = run(&["--format", "jsonl"]);
    assert_eq!(lines.lines().len(), 20);
}

/// A private key says nothing, and a bad dump hides nothing.
#[test]
fn what_is_not_shared_is_not_said_to_be() {
    let core = Core::unpack("private.kernel");
    let twice = Run::of(coreinspect().args(["core", "core", "--json"]).current_dir(core.folder())).ended(0);
    assert_eq!((&twice.document()["shared"], &twice.document()["outliers"]), (&json!([]), &json!([])));
    let once = Run::of(coreinspect().args(["core", "--json"]).current_dir(core.folder())).ended(0);
    assert_eq!(once.document()["shared"], json!(null));
    let core = Core::unpack("writer.kernel");
    let run =
        Run::of(coreinspect().args(["core", "/etc/passwd", "core", "--json"]).current_dir(core.folder()));
    assert_eq!((run.status, &run.document()["shared"][0]["copies"][1]["dump"]), (2, &json!(2)));
}
