//! The program from outside, without a display.

use std::path::Path;
use std::process::{Command, Output};

use headwater::{Event, Storage, Store, Table};
use todo::cli;
use todo::headless::verdict;
use todo::model::{Action, Model};
use todo::schema::{List, ListEvent, Todo, TodoEvent, schema};
use todo::state::State;

fn todo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo"));
    command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("TODO_DATA");
    command.env_remove("TODO_SERVER").output().expect("runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_refused(arguments: &[&str], reason: &str) {
    assert_fails(arguments, cli::NOT_STARTED, reason);
}

fn assert_fails(arguments: &[&str], code: u8, reason: &str) {
    let output = todo(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code.into()), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
}

/// Adds so many todos. The app that does it can't open its window.
fn fill(folder: &Path, count: &str) {
    assert_fails(&["--data", text(folder), "--fill", count], cli::NO_WINDOW, "can't open a window");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a folder with a plain name")
}

/// A client in this folder with these todos.
fn client(folder: &Path, todos: &[&str]) -> Store {
    let store = Store::builder(schema()).store_id("todos").storage(Storage::directory(folder)).open().expect("opens");
    let mut model = Model::new(store.clone()).expect("shows");
    for text in todos {
        model.apply(Action::Add((*text).to_owned())).expect("commits");
    }
    store
}

#[test]
fn the_headless_story_converges() {
    for flag in ["--headless", "--demo"] {
        let output = todo(&[flag]);
        let told = stdout(&output);
        assert!(output.status.success(), "{told}");
        assert!(told.ends_with("converged\n"), "{told}");
        assert!(told.contains("A: e1 → e2 → e3 → e4 → e5' → e6'\n"), "{told}");
        assert!(told.contains("B: e1 → e2 → e3 → e4 → e5' → e6' → e7'\n"), "{told}");
        assert!(told.contains("session e7'  leader e7'  backend e4\n"), "{told}");
        assert!(told.contains("buy soy milk"), "the last to come wins: {told}");
        assert!(told.contains("[x] draw the rest of the owl"), "both sides of a todo stand: {told}");
    }
}

#[test]
fn a_display_that_is_not_there_is_no_display() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo"));
    let output = command.arg("--demo").env("DISPLAY", ":4711").env_remove("WAYLAND_DISPLAY").output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout(&output).ends_with("converged\n"), "{}", stdout(&output));
}

#[test]
fn clients_that_differ_have_not_converged() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = State::of(&client(&folder.path().join("a"), &["buy milk"])).expect("reads");
    let mut b = a.clone();
    let mut out = Vec::new();
    assert!(verdict(&mut out, &[a.clone(), b.clone()], true).expect("writes"));
    assert!(!verdict(&mut out, &[a.clone(), b.clone()], false).expect("writes"), "not in sync");
    b.todos[0].completed = true;
    assert!(!verdict(&mut out, &[a.clone(), b.clone()], true).expect("writes"));
    b.todos.clear();
    assert_eq!(a.differences(&b).len(), 1);
    b = State { lists: Vec::new(), ..a.clone() };
    assert!(!verdict(&mut out, &[a.clone(), b.clone()], true).expect("writes"));
    assert!(!verdict(&mut out, &[b, a], true).expect("writes"));
}

#[test]
fn a_state_has_all_rows_of_all_tables_that_are_in_sync() {
    let tables = [List::DEF.name, Todo::DEF.name];
    let statements = ListEvent::DEFS.iter().chain(TodoEvent::DEFS).flat_map(|def| def.statements);
    for statement in statements {
        assert!(tables.iter().any(|table| statement.contains(table)), "{statement}");
    }
    let state = State::of(&client(tempfile::tempdir().expect("a folder").path(), &["a", "b"])).expect("reads");
    assert_eq!((state.lists.len(), state.todos.len()), (1, 2));
}

#[test]
fn data_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), "2");
    fill(folder.path(), "3");
    let output = todo(&["--print-state", "--data", text(folder.path())]);
    assert!(output.status.success());
    let state: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let texts: Vec<_> = state["todos"].as_array().into_iter().flatten().map(|todo| &todo["text"]).collect();
    assert_eq!(texts.len(), 5);
    assert!(texts.iter().any(|text| *text == "Todo 2 of 2"), "{texts:?}");
}

#[test]
fn what_can_not_be_opened_is_said_with_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(folder.path());
    assert_refused(&["--print-state", "--data", data, "--server", "127.0.0.1:8787"], "--server 127.0.0.1:8787");
    assert_refused(&["--print-state", "--data", data, "--server", "ftp://example.com"], "ftp");
    assert_refused(&["--print-state", "--data", data, "--store", "not an id"], "store id");

    fill(folder.path(), "1");
    assert_refused(&["--print-state", "--data", data, "--store", "another"], "holds the store todos, not another");
    let _open = client(folder.path(), &[]);
    assert_refused(&["--print-state", "--data", data], "is in use by another process");

    let foreign = tempfile::tempdir().expect("a folder");
    std::fs::write(foreign.path().join("taxes.ods"), "mine").expect("writes");
    assert_refused(&["--data", text(foreign.path())], "choose an empty folder");
    assert_eq!(std::fs::read_dir(foreign.path()).expect("reads").count(), 1, "nothing was put into it");
}

#[test]
fn without_a_display_a_window_is_refused_and_the_data_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), "3");
    let output = todo(&["--print-state", "--data", text(folder.path())]);
    assert!(stdout(&output).contains("Todo 3 of 3"));
}

#[test]
fn the_help_explains_itself() {
    let help = stdout(&todo(&["--help"]));
    for part in ["--demo", "--headless", "--data", "--server", "--store", "--fill", "--print-state", "Examples:"] {
        assert!(help.contains(part), "{part} is missing in {help}");
    }
}
