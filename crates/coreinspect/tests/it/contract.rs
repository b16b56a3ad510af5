//! What the JSON of a dump promises, whatever the dump says (the contract `coreinspect/1`).

use serde_json::Value;

type Kept = Result<(), String>;

/// Holds the document of one dump against the contract.
pub(crate) fn check(dump: &Value) -> Kept {
    let segments = list(dump, "segments")?;
    let error = field(dump, "error")?;
    if !error.is_null() {
        let named = error["code"].is_string() && error["message"].is_string();
        return promise(named && segments.is_empty(), || {
            format!("error {error}, {} segments", segments.len())
        });
    }
    let kinds = ["elf-core", "minidump"];
    promise(kinds.iter().any(|kind| dump["kind"] == *kind), || format!("kind {}", dump["kind"]))?;
    promise(field(dump, "process")?.is_object(), || "process is no object".to_owned())?;
    for (index, segment) in segments.iter().enumerate() {
        check_segment(segment).map_err(|broken| format!("#{}: {broken}", index + 1))?;
        promise(segment["number"] == index + 1, || {
            format!("number {} of segment {}", segment["number"], index + 1)
        })?;
    }
    Ok(())
}

fn check_segment(segment: &Value) -> Kept {
    let attachments = list(segment, "attachments")?;
    promise(!attachments.is_empty(), || "no attachment".to_owned())?;
    let (mapped, saved) = (number(segment, "mapped")?, number(segment, "saved")?);
    let causes = list(segment, "causes")?;
    promise(mapped > 0 && causes.is_empty() == (mapped == saved), || {
        format!("{mapped}, {saved}, causes {causes:?}")
    })?;
    let runs =
        |attachment| missing_runs(attachment).map(|runs| runs.iter().any(|run| run["reason"] == "cut-off"));
    let cut_off = attachments.iter().map(runs).collect::<Result<Vec<_>, _>>()?.contains(&true);
    // Another attachment may have saved what one of them lost, so a run that is cut off makes no segment cut-off by itself.
    check_state(segment, if cut_off { &["cut-off", "partial", "absent"] } else { &[] })?;
    attachments.iter().try_for_each(check_attachment)
}

fn check_attachment(attachment: &Value) -> Kept {
    let (mut mapped, mut saved) = (0, 0);
    for mapping in list(attachment, "mappings")? {
        let (start, end) = (address(mapping, "start")?, address(mapping, "end")?);
        let kept = number(mapping, "saved")?;
        let (mut at, mut lost) = (start, 0);
        for run in list(mapping, "missing")? {
            let (from, to) = (address(run, "start")?, address(run, "end")?);
            promise(at <= from && from < to && to <= end, || format!("missing runs of {mapping}"))?;
            (at, lost) = (to, lost + (to - from));
        }
        promise(start < end && kept + lost == end - start, || {
            format!("saved and missing do not tile {mapping}")
        })?;
        (mapped, saved) = (mapped + (end - start), saved + kept);
    }
    let said = (number(attachment, "mapped")?, number(attachment, "saved")?);
    promise(said == (mapped, saved), || {
        format!("mapped and saved are {said:?}, of its mappings {:?}", (mapped, saved))
    })?;
    let cut_off = missing_runs(attachment)?.iter().any(|run| run["reason"] == "cut-off");
    check_state(attachment, if cut_off { &["cut-off"] } else { &[] })
}

fn missing_runs(attachment: &Value) -> Result<Vec<&Value>, String> {
    let runs = list(attachment, "mappings")?.iter().map(|mapping| list(mapping, "missing"));
    Ok(runs.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// `fitting` is what the state may be where some bytes are cut off; without such bytes the sizes decide.
fn check_state(value: &Value, fitting: &[&str]) -> Kept {
    let (mapped, saved) = (number(value, "mapped")?, number(value, "saved")?);
    let fitting: &[&str] = match saved {
        _ if saved > mapped => &[],
        _ if saved == mapped => &["whole"],
        _ if !fitting.is_empty() => fitting,
        0 => &["absent"],
        _ => &["partial"],
    };
    let state = value["state"].as_str().unwrap_or_default();
    promise(fitting.contains(&state), || {
        format!("state {state:?} of {mapped} mapped and {saved} saved bytes")
    })
}

fn promise(kept: bool, broken: impl FnOnce() -> String) -> Kept {
    if kept { Ok(()) } else { Err(broken()) }
}

fn field<'a>(value: &'a Value, name: &str) -> Result<&'a Value, String> {
    value.get(name).ok_or_else(|| format!("no {name} in {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    field(value, name)?.as_array().ok_or_else(|| format!("{name} is no list in {value}"))
}

fn number(value: &Value, name: &str) -> Result<u64, String> {
    field(value, name)?.as_u64().ok_or_else(|| format!("{name} is no size in {value}"))
}

/// Addresses are strings `"0x..."`, in lower case and without padding.
fn address(value: &Value, name: &str) -> Result<u64, String> {
    let text = field(value, name)?.as_str().unwrap_or_default();
    let address = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let address = address.filter(|address| format!("{address:#x}") == text);
    address.ok_or_else(|| format!("{name} is no address in {value}"))
}

#[test]
fn a_broken_promise_is_seen() {
    let dump = |state: &str, saved: u64, start: &str| {
        let missing = serde_json::json!([{"start": "0x2000", "end": "0x3000", "offset": 0x1000, "reason": "not-saved"}]);
        let mapping =
            serde_json::json!({"start": start, "end": "0x3000", "saved": saved, "missing": missing});
        let attachment =
            serde_json::json!({"mapped": 0x2000, "saved": saved, "state": state, "mappings": [mapping]});
        let segment = serde_json::json!({"number": 1, "mapped": 0x2000, "saved": saved, "state": state,
            "causes": [{"code": "unknown"}], "attachments": [attachment]});
        serde_json::json!({"kind": "elf-core", "error": null, "process": {}, "segments": [segment]})
    };
    assert_eq!(check(&dump("partial", 0x1000, "0x1000")), Ok(()));
    for (state, saved, start) in [
        ("whole", 0x1000, "0x1000"),
        ("partial", 0x2000, "0x1000"),
        ("absent", 0x1000, "0x1000"),
        ("partial", 0x800, "0x1000"),
        ("partial", 0x1000, "0x01000"),
        ("partial", 0x1000, "0x800"),
    ] {
        assert!(check(&dump(state, saved, start)).is_err(), "{state} {saved} {start}");
    }
}
