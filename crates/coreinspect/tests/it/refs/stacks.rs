//! Alternate stacks and those of coroutines, in a heap, in a mapping, in the program: what is on them, beside them, and below what
//! they interrupted. The program says where each pointer is.

use serde_json::{Value, json};

use super::crashed::Crashed;
use super::planted::{number, refs};

const FLAGS: &[&[&str]] = &[&[], &["-m32"]];

/// What is told of a pointer that the program planted.
fn told(crashed: &Crashed, document: &Value, name: &str) -> Value {
    let at = crashed.address(name);
    let all = document["references"].as_array().unwrap().iter();
    let found = all.into_iter().find(|one| !one["at"].is_null() && number(&one["at"]) == at);
    found.unwrap_or_else(|| panic!("{name} at {at:#x}: {:?}", crashed.said)).clone()
}

/// Each of `names` is live on a stack of the main thread, in the frame of the function behind it.
fn are_on_stacks(crashed: &Crashed, document: &Value, names: &[(&str, &str)]) {
    for (name, function) in names {
        let one = told(crashed, document, name);
        assert_eq!((&one["from"], &one["live"]), (&json!("stack"), &json!(true)), "{name}: {one}");
        assert_eq!(one["thread"].to_string(), crashed.said["main"], "{name}: {one}");
        // Code of 32 bits makes system calls in the kernel's own (vDSO), which is in no file.
        if crashed.address("segment") > u64::from(u32::MAX) {
            assert_eq!(one["function"], **function, "{name}: {one}");
        }
    }
}

/// What stands beside a stack is not on it.
fn are_beside(crashed: &Crashed, document: &Value, kind: &str) {
    for name in ["before", "after"] {
        let one = told(crashed, document, name);
        assert_eq!(one["from"], kind, "{name}: {one}");
        assert_eq!(one["live"], Value::Null, "{name}: {one}");
    }
}

#[test]
fn an_alternate_stack_is_what_the_program_gave() {
    for flags in FLAGS {
        for (case, beside) in [("heap", "heap"), ("mapped", "mapping"), ("program", "data")] {
            let Some(crashed) = Crashed::of("stacks.c", flags, &[case]) else { return };
            let document = refs(&crashed, &[]);
            are_on_stacks(&crashed, &document, &[("work", "work"), ("main_stack", "main")]);
            let innermost = told(&crashed, &document, "innermost");
            assert_eq!(
                (&innermost["from"], &innermost["live"]),
                (&json!("stack"), &json!(true)),
                "{innermost}"
            );
            are_beside(&crashed, &document, beside);
        }
    }
}

/// A handler that another one interrupts, on the stack of the first.
#[test]
fn a_handler_in_a_handler_is_on_the_same_stack() {
    for flags in FLAGS {
        let Some(crashed) = Crashed::of("stacks.c", flags, &["nested heap"]) else { return };
        let document = refs(&crashed, &[]);
        let names = [("first_handler", "raise_again"), ("work", "work"), ("main_stack", "main")];
        are_on_stacks(&crashed, &document, &names);
        are_beside(&crashed, &document, "heap");
    }
}

/// No stack pointer is on the stack that the process began on: AT_RANDOM says which it is.
#[test]
fn a_coroutine_leaves_the_first_stack_as_it_is() {
    for flags in FLAGS {
        for case in ["coroutine heap", "coroutine mapped", "coroutine program"] {
            let Some(crashed) = Crashed::of("stacks.c", flags, &[case]) else { return };
            let document = refs(&crashed, &[]);
            let innermost = told(&crashed, &document, "innermost");
            assert_eq!(
                (&innermost["from"], &innermost["live"]),
                (&json!("stack"), &json!(true)),
                "{innermost}"
            );
            for name in ["work", "main_stack"] {
                let one = told(&crashed, &document, name);
                assert_eq!(
                    (&one["from"], &one["live"]),
                    (&json!("stack"), &Value::Null),
                    "{case} {name}: {one}"
                );
                assert_eq!(one["thread"].to_string(), crashed.said["main"], "{one}");
            }
            let before = told(&crashed, &document, "before");
            assert_ne!(before["live"], false, "{case}: {before}");
            if case == "coroutine heap" {
                are_beside(&crashed, &document, "heap");
            }
        }
    }
}

#[test]
fn thread_local_variables_are_told_with_their_thread() {
    for flags in FLAGS {
        let Some(crashed) = Crashed::of("stacks.c", flags, &["heap"]) else { return };
        let document = refs(&crashed, &[]);
        for (name, thread) in [("main_local", "main"), ("thread_local", "thread")] {
            let one = told(&crashed, &document, name);
            assert_eq!((&one["from"], &one["thread_local"]), (&json!("data"), &json!(true)), "{name}: {one}");
            assert_eq!(one["thread"].to_string(), crashed.said[thread], "{one}");
        }
    }
}

/// glibc keeps seven blocks of a size for a thread, and the next small ones in a fastbin; their headers say that they are in use.
#[test]
fn a_block_that_is_kept_at_hand_was_given_back() {
    for flags in FLAGS {
        let Some(crashed) = Crashed::of("stacks.c", flags, &["heap"]) else { return };
        let document = refs(&crashed, &[]);
        for (name, free, cache) in [
            ("kept_large", true, json!("tcache")),
            ("kept_by_thread", true, json!("tcache")),
            ("kept_by_fastbin", true, json!("fastbin")),
            ("in_use", false, Value::Null),
        ] {
            let block = &told(&crashed, &document, name)["block"];
            assert_eq!(
                (&block["free"], &block["cache"]),
                (&json!(free), &cache),
                "{flags:?} {name}: {block}"
            );
        }
    }
}
