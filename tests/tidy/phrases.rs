//! What must not stand in code.

use crate::tree::{RustFile, Tree};

const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore", "![allow(", "#[allow("];

const SLEEPING: &[&str] = &["thread::sleep", "time::sleep", "sleep", "sleep_until"];

/// Tests that sleep all the same, and why.
const SLEEPS: &[(&str, &str)] = &[];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.rust {
        complaints.extend(found(file, UNFINISHED, "finish it, or leave it out"));
        if file.is_test() && !SLEEPS.iter().any(|(path, _)| *path == file.path) {
            complaints.extend(found(file, SLEEPING, "wait for an event, not for time"));
        }
    }
    let sleeps = |path: &str| {
        let mut files = tree.rust.iter().filter(|file| file.path == path);
        files.any(|file| !found(file, SLEEPING, "").is_empty())
    };
    let needless = SLEEPS.iter().filter(|(path, _)| !sleeps(path));
    complaints.extend(needless.map(|(path, _)| format!("{path} doesn't sleep any more: take it off the list")));
    complaints
}

fn found(file: &RustFile, phrases: &[&str], why: &str) -> Vec<String> {
    let lines = |phrase: &&str| {
        let lines: Vec<_> = file.lines_with(phrase).collect();
        lines.into_iter().map(|line| format!("{}:{line}: `{phrase}`: {why}", file.path)).collect::<Vec<_>>()
    };
    phrases.iter().flat_map(lines).collect()
}
