//! Minidumps of Linux processes: what their streams say, whatever machine and writer; lies, damage and random changes.
//! Real ones are held against living processes in `dumpers`.

pub(crate) mod builder;
mod hostile;
mod mutants;

use std::sync::Arc;

use coreinspect::report::Dump;
use coreinspect::source::Bytes;
use coreinspect::writer::Writer;
use coreinspect::{memory::Dumped, targets};
use serde_json::{Value, json};

use crate::pipeline;
use crate::program::{Run, coreinspect};
use builder::{AMD64, KEY, Minidump, PID, THREAD_LIST, THREAD_NAMES, WINDOWS, breakpad, crashpad, lldb};

fn inspect(dump: &Minidump) -> Dump {
    pipeline::report_of(dump.build())
}

fn document(dump: &Minidump) -> Value {
    pipeline::inspect(&dump.build()).document()
}

#[test]
fn its_streams_say_who_the_process_was() {
    let dump = document(&breakpad(false, AMD64, 8));
    assert_eq!((&dump["kind"], &dump["writer"]), (&json!("minidump"), &json!("breakpad")));
    assert_eq!(
        (&dump["machine"], &dump["page_size"], &dump["complete"]),
        (&json!("x86_64"), &json!(4096), &json!(true))
    );
    let process = &dump["process"];
    // The names are escaped in /proc: a backslash and a newline in comm.
    let told = json!({ "pid": PID, "command": "wri\\te\nr", "arguments": "./writer --key x", "uid": 1000,
        "executable": "/bin/wri\\ter", "threads": [PID, PID + 1], "fault_address": "0x20000123" });
    for (fact, value) in told.as_object().unwrap() {
        assert_eq!(&process[fact], value, "{fact}");
    }
    assert_eq!(process["signal"], json!({ "number": 11, "name": "SIGSEGV" }));
}

/// Attachments of one segment are told by its shmid; what lies on a disk or has another name is none.
#[test]
fn the_maps_name_segments_and_tell_their_shmid() {
    let dump = document(&lldb());
    assert_eq!(dump["writer"], "lldb");
    let segments = dump["segments"].as_array().unwrap();
    let told: Vec<_> = segments
        .iter()
        .map(|one| json!([one["key"], one["shmid"], one["found_by"], one["mapped"], one["saved"]]))
        .collect();
    let key = format!("{KEY:#010x}");
    assert_eq!(
        told,
        [json!([key, 98304, "device", 0x2000, 0x2000]), json!(["0x00000000", 5, "device", 0x1000, 0x1000])]
    );
    let attachments = segments[0]["attachments"].as_array().unwrap();
    let rights: Vec<_> = attachments.iter().map(|one| &one["mappings"][0]["permissions"]).collect();
    assert_eq!(rights, ["rw-", "r--"]);
    assert_eq!(segments[0]["content"]["value"]["message"]["text"], "hello");
    assert_eq!(segments[1]["content"]["value"]["message"]["text"], "private");
    assert_eq!(dump["process"]["fault_address"], Value::Null, "lldb writes no si_addr");
}

#[test]
fn every_machine_has_its_name() {
    let machines = [
        (false, 0, 4, "i386", 32, "little"),
        (false, 5, 4, "arm", 32, "little"),
        (false, 12, 8, "aarch64", 64, "little"),
        (false, 0x8003, 8, "aarch64", 64, "little"),
        (false, 0x8006, 8, "riscv64", 64, "little"),
        (true, 1, 4, "mips", 32, "big"),
        (true, 0x8002, 8, "ppc64", 64, "big"),
        (false, 0x8002, 8, "ppc64le", 64, "little"),
    ];
    for (big, processor, width, machine, class, order) in machines {
        let dump = document(&breakpad(big, processor, width));
        let told = [
            &dump["machine"],
            &dump["class"],
            &dump["byte_order"],
            &dump["process"]["pid"],
            &dump["page_size"],
        ];
        assert_eq!(told, [&json!(machine), &json!(class), &json!(order), &json!(PID), &json!(4096)]);
        assert_eq!(dump["process"]["executable"], "/bin/wri\\ter", "{machine}: AT_PHDR");
        assert_eq!(dump["segments"][0]["shmid"], 98304, "{machine}");
    }
}

#[test]
fn crashpad_names_nothing_and_says_so() {
    let dump = inspect(&crashpad());
    assert_eq!((dump.writer, dump.process.pid), (Some(Writer::Crashpad), Some(PID)));
    assert_eq!(dump.process.signal.map(|signal| signal.number), Some(6));
    assert!(dump.segments.is_empty());
    let line = dump.nothing_found().unwrap();
    assert!(line.contains("no stream LinuxMaps") && line.contains("Crashpad writes no names"), "{line}");

    let source = Bytes::new(crashpad().build());
    let target = targets::open(Arc::new(source)).unwrap();
    let at = |start, length| {
        let range =
            coreinspect::position::Interval::clamped(coreinspect::position::Address::new(start), length);
        (target.permissions(range).map(|rights| rights.to_string()), target.memory(range)[0].dumped)
    };
    assert_eq!(at(0x1000_0000, 0x1000), (Some("rw-".to_owned()), Dumped::NotSaved), "MemoryInfoList");
    assert_eq!(at(0x7ff0_0000, 0x1000), (None, Dumped::Saved));
}

#[test]
fn a_minidump_of_windows_is_refused() {
    let mut dump = Minidump::empty(false);
    dump.system(AMD64, WINDOWS);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    std::fs::write(&file, dump.build()).unwrap();
    let run = Run::of(coreinspect().arg(&file)).ended(2);
    assert!(
        run.err.contains("a minidump of another system than Linux") && run.err.contains("WinDbg"),
        "{run:?}"
    );
}

#[test]
fn the_first_line_says_that_it_is_a_minidump() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    std::fs::write(&file, breakpad(false, AMD64, 8).build()).unwrap();
    let run = Run::of(coreinspect().arg(&file)).ended(0);
    let text = run.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("x86_64 minidump of wri\\te\\nr (pid 4711), written by breakpad"), "{text}");
    assert!(text.contains("killed by SIGSEGV at 0x20000123"), "{text}");
}

/// Registers stand where each machine's CONTEXT has them, a name is UTF-16 behind its length.
#[test]
fn threads_have_names_and_registers() {
    // The processor, the width of a register, where the stack pointer and the program counter stand (minidump_cpu_*.h).
    for (processor, width, stack_pointer, program_counter) in
        [(AMD64, 8, 152, 248), (0, 4, 196, 184), (5, 4, 56, 64), (12, 8, 256, 264)]
    {
        let mut dump = breakpad(false, processor, width);
        let mut context = vec![0x11; 272];
        for (at, value) in [(stack_pointer, 0x7ff0_0100_u64), (program_counter, 0x40_0123)] {
            context[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        }
        dump.add(0x1234_5678, context);
        let name: Vec<u8> = "wörker".encode_utf16().flat_map(u16::to_le_bytes).collect();
        dump.add(0x1234_5679, [&(name.len() as u32).to_le_bytes()[..], &name].concat());
        dump.add(THREAD_NAMES, dump.numbers(&[(1, 4), (u64::from(PID), 4), (0, 8)]));
        let (mut bytes, places) = dump.build_with_places();
        let place = |kind: u32| places[dump.streams.iter().position(|(known, _)| *known == kind).unwrap()];
        let mut point = |at: usize, to: u64| bytes[at..at + 4].copy_from_slice(&to.to_le_bytes()[..4]);
        // The second row's context: its size, its place.
        let row = place(THREAD_LIST) + 4 + 48;
        point(row + 40, 272);
        point(row + 44, place(0x1234_5678) as u64);
        point(place(THREAD_NAMES) + 8, place(0x1234_5679) as u64);
        let document = pipeline::inspect(&bytes).document();
        let thread = &document["process"]["thread_states"][0];
        assert_eq!(thread["id"], PID);
        assert_eq!(thread["name"], "wörker");
        assert_eq!(thread["signal"]["name"], "SIGSEGV");
        assert_eq!(thread["stack_pointer"], "0x7ff00100", "{processor}");
        assert_eq!(thread["program_counter"], "0x400123", "{processor}");
        let other = &document["process"]["thread_states"][1];
        assert_eq!((&other["id"], &other["name"]), (&json!(PID + 1), &Value::Null));
    }
}
