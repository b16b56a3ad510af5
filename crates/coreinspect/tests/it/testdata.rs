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

/// The names of all dumps, as `writer.kernel`.
pub(crate) fn names() -> Vec<String> {
    let files =
        fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        files.filter_map(|name| Some(name.strip_suffix(".core.zst")?.to_owned())).collect();
    names.sort();
    assert!(names.len() >= 30, "{names:?}");
    names
}

/// The dump of `name`, packed as testdata has it.
pub(crate) fn packed(name: &str) -> Vec<u8> {
    fs::read(testdata().join(format!("{name}.core.zst"))).unwrap()
}

impl Core {
    pub(crate) fn unpack(name: &str) -> Core {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = vec![];
        let packed = packed(name);
        ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).unwrap().read_to_end(&mut bytes).unwrap();
        fs::write(folder.path().join("core"), bytes).unwrap();
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
