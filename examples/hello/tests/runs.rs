//! The example does what it says, and stands in the README as it is.

use std::path::Path;
use std::process::Command;

fn run(folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hello")).env("TMPDIR", folder).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[cfg(unix)]
fn what_it_noted_is_there_when_it_runs_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = run(folder.path());
    assert!(first.starts_with("0 notes from before\nnow 1\n"), "{first}");
    let second = run(folder.path());
    assert!(second.starts_with("1 notes from before\nnow 2\n"), "{second}");
    assert_eq!(second.matches("draw the whole owl").count(), 2, "{second}");
}

#[test]
fn the_readme_shows_it_word_for_word() {
    let example = include_str!("../src/main.rs");
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&format!("```rust\n{example}```")), "README.md shows another program than src/main.rs");
    assert!(example.lines().count() < 50);
}
