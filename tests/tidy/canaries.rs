//! Each check must find what it is there to find.

use std::path::PathBuf;

use crate::tree::{Dependency, Package, RustFile, Target, Tree};
use crate::{docs, layering, manifests, phrases, reach, sizes};

fn tree(path: &str, text: &str) -> Tree {
    let rust = vec![RustFile::parse(path.to_owned(), text.to_owned())];
    Tree { root: PathBuf::from("/nowhere"), rust, markdown: Vec::new(), packages: Vec::new() }
}

/// One file in which a check must find something, and the same with another path or text in which it must not.
#[track_caller]
fn check(find: fn(&Tree) -> Vec<String>, bad: (&str, &str), good: (&str, &str)) {
    assert_ne!(find(&tree(bad.0, bad.1)), find(&tree("x.rs", "//! X.")), "nothing found in {}: {}", bad.0, bad.1);
    assert_eq!(find(&tree(good.0, good.1)), find(&tree("x.rs", "//! X.")), "{}: {}", good.0, good.1);
}

#[test]
fn a_layer_that_knows_too_much_is_found() {
    let wants_leader = "//! X.\nuse crate::leader::Leader;";
    check(layering::check, ("framework/src/query/live.rs", wants_leader), ("framework/src/session.rs", wants_leader));
    let opens = "fn open() { let db = rusqlite::Connection::open(path); }";
    check(layering::check, ("framework/src/eventlog.rs", opens), ("framework/src/db/open.rs", opens));
    let connects = "use std::net::SocketAddr;";
    check(layering::check, ("framework/src/store.rs", connects), ("framework/src/sync_provider/http.rs", connects));
    let tells_time = "fn now() -> u64 { Instant::now() }";
    check(layering::check, ("framework/core/src/leader.rs", tells_time), ("framework/src/clock.rs", tells_time));
    let in_words = "//! Instant\nconst INSTANT: &str = \"Instant\"; // Instant\nstruct InstantLike;";
    check(layering::check, ("framework/core/src/a.rs", tells_time), ("framework/core/src/a.rs", in_words));
    check(
        layering::check,
        ("framework/server/src/a.rs", "use headwater::X;"),
        ("macros/src/a.rs", "use headwater::X;"),
    );
}

#[test]
fn what_is_too_long_or_badly_named_is_found() {
    let function = |lines: usize| format!("fn f() {{\n{}}}", "    g();\n".repeat(lines - 2));
    check(sizes::check, ("a.rs", &function(71)), ("a.rs", &function(70)));
    check(
        sizes::check,
        ("a.rs", &format!("impl A {{ {} }}", function(71))),
        ("a.rs", &format!("// {}", "x".repeat(999))),
    );
    check(sizes::check, ("a.rs", &"// x\n".repeat(801)), ("a.rs", &"// x\n".repeat(800)));
    check(sizes::check, ("a.rs", "struct SyncManager;"), ("a.rs", "struct Manageress;"));
    check(sizes::check, ("a/utils.rs", ""), ("a/utilities.rs", ""));
}

#[test]
fn unfinished_code_and_sleeping_tests_are_found() {
    check(phrases::check, ("a.rs", "fn f() { todo!() }"), ("a.rs", "// todo!\nconst A: &str = \"todo!\";"));
    check(phrases::check, ("a.rs", "#[ignore]\nfn f() {}"), ("a.rs", "#[ignored]\nfn f() {}"));
    check(phrases::check, ("a.rs", "#[allow(dead_code)]\nfn f() {}"), ("a.rs", "#[expect(dead_code)]\nfn f() {}"));
    let sleeps = "fn f() { std::thread::sleep(time); }";
    check(phrases::check, ("tests/it/a.rs", sleeps), ("framework/src/a.rs", sleeps));
}

#[test]
fn a_file_without_a_doc_is_found() {
    check(docs::check, ("a.rs", "fn f() {}"), ("tests/ui/a.rs", "fn f() {}"));
}

#[test]
fn a_forgotten_file_is_found() {
    let rust =
        [("a/src/lib.rs", "mod b { mod c; }"), ("a/src/b/c.rs", "mod d;"), ("a/src/b/c/d.rs", ""), ("a/src/e.rs", "")];
    let rust = rust.map(|(path, text)| RustFile::parse(path.to_owned(), text.to_owned())).into();
    let root = PathBuf::from("/nowhere");
    let package = Package {
        name: "a".to_owned(),
        manifest_path: root.join("a/Cargo.toml"),
        targets: vec![Target { src_path: root.join("a/src/lib.rs") }],
        dependencies: Vec::new(),
    };
    let tree = Tree { root, rust, markdown: Vec::new(), packages: vec![package] };
    assert_eq!(reach::check(&tree), ["a/src/e.rs: no Cargo target reaches it"]);
}

#[test]
fn a_dependency_that_must_not_be_is_found() {
    let mut tree = Tree::read();
    assert_eq!(manifests::check(&tree), [""; 0]);
    for (package, name) in [("headwater-core", "tokio"), ("headwater-server", "headwater")] {
        let package = tree.packages.iter_mut().find(|it| it.name == package).expect("it is in the workspace");
        package.dependencies.push(Dependency { name: name.to_owned(), kind: None });
    }
    assert_eq!(manifests::check(&tree).len(), 2);
}

#[test]
fn a_dead_link_is_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "# One Two\n[a](#one-two) [b](a.md#one-two) [c](https://example.org) [d](b.md) [e](#three)\n";
    std::fs::write(folder.path().join("a.md"), format!("{text}\n```\n[f](c.md)\n```\n")).expect("it can be written");
    let markdown = vec!["a.md".to_owned()];
    let tree = Tree { root: folder.path().to_owned(), rust: Vec::new(), markdown, packages: Vec::new() };
    assert_eq!(docs::check(&tree), ["a.md: b.md leads nowhere", "a.md: #three: there is no such heading"]);
}
