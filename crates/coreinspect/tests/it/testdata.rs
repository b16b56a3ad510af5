//! The real dumps of testdata, each unpacked into a folder of its own.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

/// A dump called `core`. Its folder goes with this value.
pub(crate) struct Core {
    folder: TempDir,
    expected: Value,
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The names of all dumps of this machine, as `writer.kernel`.
pub(crate) fn names() -> Vec<String> {
    let names = names_in("");
    assert!(names.len() >= 30, "{names:?}");
    names
}

/// The names of the dumps in a folder of testdata, as `foreign/kernel-arm`.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let files = fs::read_dir(testdata().join(folder)).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|name| Some(format!("{folder}{}", name.strip_suffix(".core.zst")?)));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// What `NAME.zst` holds.
pub(crate) fn unpack_zst(name: &str) -> Vec<u8> {
    let packed = fs::read(testdata().join(format!("{name}.zst"))).unwrap();
    let mut bytes = vec![];
    ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The dump of `name`, packed as testdata has it.
pub(crate) fn packed(name: &str) -> Vec<u8> {
    fs::read(testdata().join(format!("{name}.core.zst"))).unwrap()
}

impl Core {
    pub(crate) fn unpack(name: &str) -> Core {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("core"), unpack_zst(&format!("{name}.core"))).unwrap();
        let expected = fs::read(testdata().join(format!("{name}.expected.json"))).unwrap();
        Core { folder, expected: serde_json::from_slice(&expected).unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("core")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// What was true of the process.
    pub(crate) fn expected(&self) -> &Value {
        &self.expected
    }

    /// What testdata says of its only segment.
    pub(crate) fn segment(&self) -> &Value {
        &self.segments()[0]
    }

    pub(crate) fn segments(&self) -> &[Value] {
        self.expected["segments"].as_array().unwrap()
    }

    /// The key of its first segment, as `0x7700e067`.
    pub(crate) fn key(&self) -> &str {
        self.segment()["key"].as_str().unwrap()
    }
}
