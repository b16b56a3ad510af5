//! PHP's sysvshm: `shm_put_var` of the real thing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::running::{Removed, Running, content, with_core};
use crate::tools::have;

/// Puts variables into a segment, and prints what it holds as JSON that is made without `serialize()`.
const SCRIPT: &str = r#"<?php
class Base { private $hidden = 'base'; }
class Thing extends Base { public $x = 1; protected $kept = ['a' => null]; private $hidden = 2.5; }
enum Suit: string { case Hearts = 'h'; }

function told($value) {
    if ($value instanceof UnitEnum) return ['enum' => get_class($value), 'case' => $value->name];
    if (is_object($value)) {
        $properties = [];
        foreach ((array) $value as $name => $property) {
            $parts = explode("\0", $name);
            $foreign = count($parts) == 3 && $parts[1] != '*' && $parts[1] != get_class($value);
            $properties[$foreign ? "$parts[1]::$parts[2]" : end($parts)] = told($property);
        }
        return ['class' => get_class($value), 'properties' => (object) $properties];
    }
    if (is_array($value)) {
        $values = array_map('told', $value);
        return array_is_list($value) ? $values : (object) $values;
    }
    // In the report bool is a number, as C's is.
    if (is_bool($value)) return (int) $value;
    // JSON's readers lose such numbers: coreinspect writes them as text.
    return is_int($value) && abs($value) > 2 ** 53 ? (string) $value : $value;
}

$variables = [
    1 => 42,
    2 => 'flag and content: ready',
    -5 => new Thing,
    PHP_INT_MAX => PHP_INT_MIN,
    3 => [true, false, null, 1.5, -0.1, 1e100, "gr\u{fc}n \"quoted\"; }", []],
    4 => ['a' => 1, 7 => ['deep' => ['deeper' => [1, 2, 3]]], '' => 'no name'],
    6 => Suit::Hearts,
    8 => [new Thing, (object) []],
    9 => str_repeat('long ', 1000),
];
$segment = shm_attach((int) $argv[1], (int) $argv[2], 0600);
shm_put_var($segment, 3, 'replaced below');
shm_put_var($segment, 77, 'removed below');
foreach ($variables as $key => $value) shm_put_var($segment, $key, $value);
shm_remove_var($segment, 77);
$kept = [];
foreach ($variables as $key => $_) $kept[] = ['key' => told($key), 'value' => told(shm_get_var($segment, $key))];
echo json_encode($kept), "\n";
fgets(STDIN);
"#;

struct Php {
    running: Running,
    _waits: ChildStdin,
    key: u32,
    /// What it said.
    said: Value,
    folder: TempDir,
    _segment: Removed,
}

impl Php {
    /// PHP, with a segment of `size` bytes that `script` fills; `None` where there is none.
    fn start(script: &str, size: usize) -> Option<Php> {
        if !have("php") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("script.php"), script).unwrap();
        // One test in one process at a time: the size tells the tests of this file apart.
        let key = 0x5e00_0000 | (std::process::id() & 0xfff) << 12 | (size as u32 & 0xfff);
        let segment = Removed(key);
        let mut php = with_core("php");
        php.args(["script.php", &key.to_string(), &size.to_string()]).current_dir(folder.path());
        let mut running = Running::start(php.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let waits = running.child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Some(Php { running, _waits: waits, key, said, folder, _segment: segment })
    }

    /// What coreinspect says of the segment in a dump of gcore and in one of the kernel.
    fn contents(&mut self) -> Vec<Value> {
        let cores = [self.running.gcore(self.folder.path()), self.running.abort(self.folder.path())];
        cores.into_iter().flatten().map(|core| content(&core, self.key)).collect()
    }
}

/// Key and value of each variable, by key.
fn variables(content: &Value) -> Vec<Value> {
    let variables = content["value"]["variables"].as_array().unwrap_or_else(|| panic!("{content:#}"));
    let mut variables: Vec<_> = variables
        .iter()
        .map(|variable| json!({ "key": variable["key"], "value": variable["value"] }))
        .collect();
    sort(&mut variables);
    variables
}

fn sort(variables: &mut [Value]) {
    variables.sort_by_key(|variable| variable["key"].to_string());
}

#[test]
fn variables_are_what_php_reads() {
    let Some(mut php) = Php::start(SCRIPT, 20_001) else { return };
    let mut said = php.said.as_array().unwrap().clone();
    sort(&mut said);
    assert_eq!(said.len(), 9);
    for content in php.contents() {
        assert_eq!(content["layout"], "php-sysvshm", "{content:#}");
        assert_eq!(content["confidence"], "certain");
        assert_eq!(content["value"]["magic"], "PHP_SM");
        assert_eq!(content["value"]["total"], 20_001);
        assert_eq!(variables(&content), said);
        assert_eq!(content["findings"], json!([]));
    }
}

/// What `var_dump` shows as *RECURSION* is the path of what is meant.
#[test]
fn references_are_paths() {
    let script = r#"<?php
    $thing = (object) ['name' => 'one'];
    $loop = ['first' => $thing, 'again' => [$thing]];
    $loop['self'] = &$loop['again'];
    $segment = shm_attach((int) $argv[1], (int) $argv[2], 0600);
    shm_put_var($segment, 1, $loop);
    echo json_encode(serialize($loop)), "\n";
    fgets(STDIN);
    "#;
    let Some(mut php) = Php::start(script, 4_099) else { return };
    for content in php.contents() {
        let value = &content["value"]["variables"][0]["value"];
        let thing = json!({ "reference": "first" });
        assert_eq!(value["first"]["properties"]["name"], "one", "{content:#} {}", php.said);
        assert_eq!(value["self"], json!({ "reference": "again" }), "{}", php.said);
        assert_eq!(value["again"][0], thing, "{}", php.said);
    }
}

/// A segment that was attached and holds no variable yet.
#[test]
fn an_empty_segment_is_recognised() {
    let script =
        r#"<?php $segment = shm_attach((int) $argv[1], (int) $argv[2], 0600); echo "null\n"; fgets(STDIN);"#;
    let Some(mut php) = Php::start(script, 10_000) else { return };
    for content in php.contents() {
        assert_eq!(content["layout"], "php-sysvshm", "{content:#}");
        assert_eq!(content["confidence"], "certain");
        let expected = json!({ "magic": "PHP_SM", "start": 40, "end": 40, "free": 9960, "total": 10_000, "variables": [] });
        assert_eq!(content["value"], expected);
    }
}
