//! What a compiler doesn't check: layering, sizes, names, forgotten files, dead links.
//!
//! Each check goes over the whole source tree and returns what it found wrong. Exceptions stand beside their check,
//! each with its reason; the lists are to shrink, and an exception that is no longer needed fails too.

mod canaries;
mod docs;
mod layering;
mod manifests;
mod phrases;
mod reach;
mod sizes;
mod tree;

use tree::Tree;

#[track_caller]
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn each_layer_knows_only_what_is_below_it() {
    assert_tidy(&layering::check(&Tree::read()));
}

#[test]
fn files_and_functions_are_short() {
    assert_tidy(&sizes::check(&Tree::read()));
}

#[test]
fn every_file_is_part_of_a_target() {
    assert_tidy(&reach::check(&Tree::read()));
}

#[test]
fn nothing_is_left_unfinished_or_waits_for_time() {
    assert_tidy(&phrases::check(&Tree::read()));
}

#[test]
fn packages_inherit_the_lints_and_depend_on_what_they_may() {
    assert_tidy(&manifests::check(&Tree::read()));
}

#[test]
fn files_say_what_they_are_and_links_lead_somewhere() {
    assert_tidy(&docs::check(&Tree::read()));
}

/// A tree of a wrong root would make every check pass.
#[test]
fn the_tree_is_the_workspace() {
    let tree = Tree::read();
    assert!(tree.rust.len() > 40, "only {} Rust files", tree.rust.len());
    assert!(tree.rust.iter().any(|file| file.path == "framework/core/src/sync_state.rs"));
    assert!(tree.rust.iter().any(|file| file.path == file!()), "{} is not in the tree", file!());
}
