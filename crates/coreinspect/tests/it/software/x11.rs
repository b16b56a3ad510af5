//! Xvfb's framebuffer, held against what netpbm reads of the same bytes, and the image that a client shares with it.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::stage::{Stage, Staged, segments};
use crate::program::{Run, coreinspect};

/// The number behind `label` in what `xwdtopnm -headerdump` prints.
fn number(text: &str, label: &str) -> u64 {
    let behind = text.split_once(label).unwrap_or_else(|| panic!("no {label} in {text}")).1;
    let digits: String = behind.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn netpbm_reads_the_same_framebuffer() {
    let Some(stage) = Stage::with(&["Xvfb", "xwdtopnm", "gcc", "nsenter"]) else { return };
    if !super::have_header("xcb/shm.h") {
        return;
    }
    let mut command = stage.command("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "320x200x24", "-shmem", "-nolisten", "tcp"]);
    let mut server = Staged::start(&stage, &mut command);
    let display = server.line().to_owned();

    stage.compile("gcc", "x11_image.c", "image", &["-lxcb", "-lxcb-shm"]);
    let mut command = stage.beside(&server, "./image");
    let client = Staged::until_ready(&stage, command.env("DISPLAY", format!(":{display}")));

    let dump = server.gcore();
    let found = segments(&dump, &[]);
    let content =
        found.iter().map(|segment| &segment["content"]).find(|content| content["layout"] == "xwd").unwrap();
    assert_eq!(content["confidence"], "certain");
    let value = &content["value"];
    assert_eq!(value["window_name"], format!("Xvfb {}:{display}.0", super::hostname()));

    let number_of = found.iter().position(|segment| segment["content"]["layout"] == "xwd").unwrap() + 1;
    let bytes = stage.folder().join("framebuffer");
    let mut extract = coreinspect();
    Run::of(extract.arg("extract").arg(&dump).arg(format!("#{number_of}")).arg("-o").arg(&bytes)).ended(0);
    let netpbm = Command::new("xwdtopnm").arg("-headerdump").arg(&bytes).output().unwrap();
    let said = String::from_utf8_lossy(&netpbm.stderr);
    for (label, field) in [
        ("File version:", "file_version"),
        ("Width:", "pixmap_width"),
        ("Height:", "pixmap_height"),
        ("Depth:", "pixmap_depth"),
        ("bitmap unit:", "bitmap_unit"),
        ("bits per pixel:", "bits_per_pixel"),
        ("bytes per line:", "bytes_per_line"),
        ("number of colors in colormap:", "ncolors"),
        ("window height:", "window_height"),
    ] {
        assert_eq!(value[field], number(&said, label), "{field}");
    }
    assert_eq!(value["visual_class"]["name"], "TrueColor");
    assert!(said.contains("visual class: TrueColor"), "{said}");

    // Row 30, pixel 15 of the picture is what the client painted at (10, 20): pixel 5 of its row 10.
    let picture = netpbm.stdout;
    let pixels = &picture[picture.len() - 320 * 200 * 3..];
    assert_eq!(pixels[(30 * 320 + 15) * 3..][..3], [10, 5, 0x80], "the client painted into the dumped bytes");

    // The client's image has no header: nothing may claim it.
    let dump = client.gcore();
    let found = segments(&dump, &[]);
    assert_eq!((found.len(), &found[0]["private"]), (1, &json!(true)));
    assert_eq!(found[0]["content"]["confidence"], "none", "{}", found[0]["content"]);
    drop(client);
    let _ = fs::remove_file(bytes);
}
