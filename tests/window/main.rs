//! The todo app in real windows, on an X server that nobody sees, driven by keys and a mouse.
//!
//! Needs Xvfb and what a desktop has; `./check` installs it. Without it, these tests fail and say what is missing.

mod program;
mod screen;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use program::Program;
use screen::Screen;

/// More than this takes only a machine that is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until it is so. What is waited for is on a screen or in another process's files: nothing tells.
fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !is_so()? {
        ensure!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
    Ok(())
}

fn folder(path: &Path) -> Result<&str> {
    path.to_str().context("a folder with a plain name")
}

/// The head of a client's log, read beside the app that writes it.
fn log_head(folder: &Path) -> Result<i64> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let log = rusqlite::Connection::open_with_flags(folder.join("eventlog.db"), flags)?;
    log.busy_timeout(PATIENCE)?;
    Ok(log.query_row("SELECT coalesce(max(global), 0) FROM eventlog", (), |row| row.get(0))?)
}

#[test]
fn a_window_is_drawn_and_follows_mouse_and_keyboard() -> Result<()> {
    let data = tempfile::tempdir()?;
    let screen = Screen::start()?;
    let program = Program::start(&screen, &["--data", folder(data.path())?])?;
    let window = screen.window("Todo")?;
    until("something is drawn", || Ok(window.picture()?.colours() > 20))?;
    window.save("empty.png")?;

    let empty = window.picture()?;
    window.click(450, 66)?;
    window.write("buy milk")?;
    until("what is typed is drawn", || Ok(window.picture()?.differs_from(&empty)))?;
    window.press("Return")?;
    window.write("draw the owl")?;
    window.press("Return")?;
    let with_todos = window.picture()?;
    window.press("ctrl+l")?;
    until("the eventlog is drawn", || Ok(window.picture()?.differs_from(&with_todos)))?;
    window.save("with-todos.png")?;
    window.press("ctrl+q")?;
    program.wait()?;

    let state = program::state(data.path())?;
    let texts: Vec<_> = state["todos"].as_array().into_iter().flatten().map(|todo| &todo["text"]).collect();
    assert_eq!(texts.len(), 2, "{state}");
    assert!(texts.iter().any(|text| *text == "buy milk"), "{state}");

    // What was there is there again, and is drawn.
    let program = Program::start(&screen, &["--data", folder(data.path())?])?;
    let window = screen.window("Todo")?;
    until("it is drawn again", || Ok(window.picture()?.colours() > 20))?;
    window.press("ctrl+q")?;
    program.wait()
}

#[test]
fn the_demo_opens_two_windows_that_converge() -> Result<()> {
    let data = tempfile::tempdir()?;
    let screen = Screen::start()?;
    let program = Program::start(&screen, &["--demo", "--data", folder(data.path())?])?;
    let (a, b) = (screen.window("client A")?, screen.window("client B")?);
    let (folder_a, folder_b) = (data.path().join("a"), data.path().join("b"));
    let both_have = |head: i64| {
        until(&format!("both have e{head}"), || Ok(log_head(&folder_a)? == head && log_head(&folder_b)? == head))
    };
    for window in [&a, &b] {
        until("something is drawn", || Ok(window.picture()?.colours() > 20))?;
    }
    // Each has made the inbox.
    both_have(2)?;
    let before = b.picture()?;
    a.press("ctrl+n")?;
    a.write("written in A")?;
    a.press("Return")?;
    both_have(3)?;
    until("B shows what was written in A", || Ok(b.picture()?.differs_from(&before)))?;
    b.press("ctrl+n")?;
    b.write("written in B")?;
    b.press("Return")?;
    both_have(4)?;
    screen.save("demo.png")?;
    a.press("ctrl+q")?;
    b.press("ctrl+q")?;
    program.wait()?;

    let (of_a, of_b) = (program::state(&folder_a)?, program::state(&folder_b)?);
    assert_eq!(of_a, of_b);
    assert!(of_a.to_string().contains("written in A") && of_a.to_string().contains("written in B"), "{of_a}");
    Ok(())
}
