//! The binary, as an operator meets it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use headwater_core::protocol::PullReply;

use crate::support::{Http, Writer, args, ok};

/// A server in a process of its own. It is killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater-server"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["HEADWATER_LISTEN", "HEADWATER_DATA", "HEADWATER_LOG", "HEADWATER_ALLOW_HOST"] {
        command.env_remove(name);
    }
    command
}

impl Process {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let url = line.strip_prefix("listening on ").map(|url| url.trim().to_owned());
        let Some(url) = url else {
            let mut errors = String::new();
            child.stderr.take().expect("it is piped").read_to_string(&mut errors).expect("text");
            panic!("it does not listen: {line:?} {errors}");
        };
        Self { child, stdout, url }
    }

    pub(crate) fn on(folder: &Path) -> Self {
        let mut command = command(&["--listen", "127.0.0.1:0", "--data"]);
        command.arg(folder).stderr(Stdio::null());
        Self::spawn(command)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().expect("the signal is sent");
        assert!(sent.success());
    }

    /// Kills it as the system would: no handler runs.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end: its status, what else it said on stdout, and its log.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut log) = (String::new(), String::new());
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).expect("text");
        }
        self.stdout.read_to_string(&mut out).expect("text");
        (self.child.wait().expect("it ends").code(), out, log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or it ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it where it must fail, and returns what it says.
#[track_caller]
fn fails(arguments: &[&str]) -> String {
    let output = command(arguments).output().expect("the binary starts");
    assert!(!output.status.success(), "it ran");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// Makes a database with one event.
async fn make_database(folder: &Path) {
    let process = Process::on(folder);
    Http::new(process.url.clone()).accepted("s", &Writer::new("A").batch(&[0])).await;
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
}

/// Every file of a folder with its bytes, but the lock.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("text"), entry.path()));
    let mut files: Vec<_> = named
        .filter(|(name, _)| name != "backend.lock")
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_in_order() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("new/data");
        let process = Process::spawn(command(&["--listen", "127.0.0.1:0", "--data", text(&data)]));
        let http = Http::new(process.url.clone());
        http.accepted("s", &Writer::new("A").batch(&[0])).await;
        let held = tokio::spawn(async move { ok::<PullReply>(http.get("s", "/pull?after=1&waitMs=1").await).await });
        held.await.expect("no panic");
        process.signal(signal);
        let (code, out, log) = process.end();
        assert_eq!((code, out.as_str()), (Some(0), ""), "{log}");
        let names: Vec<_> = files(&data).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["backend.db"], "the log was not closed");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_its_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let process = Process::on(&data);
    Http::new(process.url.clone()).accepted("s", &Writer::new("A").batch(&[0])).await;
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut process = Process::spawn(command(&["--memory", "--listen", "127.0.0.1:0"]));
    let address = process.url.trim_start_matches("http://").to_owned();
    let mut stalled = tokio::net::TcpStream::connect(&address).await.expect("a connection");
    let start = format!(
        "POST /v1/stores/s/push HTTP/1.1\r\nhost: {address}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: 9\r\n\r\n"
    );
    stalled.write_all(start.as_bytes()).await.expect("written");
    // Now it waits for the body.
    let mut go_on = [0; 12];
    stalled.read_exact(&mut go_on).await.expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100");
    process.signal("-TERM");
    let mut log = BufReader::new(process.child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("second signal") {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("text"), 0, "it ended without a word");
    }
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(130));
}

#[tokio::test]
async fn the_environment_sets_what_flags_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(&[]);
    command.env("HEADWATER_LISTEN", "127.0.0.1:0").env("HEADWATER_DATA", folder.path()).env("HEADWATER_LOG", "off");
    let process = Process::spawn(command);
    Http::new(process.url.clone()).position("s").await;
    process.signal("-TERM");
    let (code, _, log) = process.end();
    assert_eq!((code, log.as_str()), (Some(0), ""));
    assert!(folder.path().join("backend.db").exists());
}

#[tokio::test]
async fn arguments_of_events_are_never_logged() {
    let mut command = command(&["--memory", "--listen", "127.0.0.1:0", "--log", "trace"]);
    let log = tempfile::NamedTempFile::new().expect("a file");
    command.stderr(log.reopen().expect("the same file"));
    let process = Process::spawn(command);
    let http = Http::new(process.url.clone());
    let mut batch = Writer::new("A").batch(&[0]);
    batch.events[0].args = args("\"s3cret\"");
    http.accepted("s", &batch).await;
    batch.events[0].ver = 0;
    http.push("s", &batch).await;
    http.pull("s", 0).await;
    let mut broken = serde_json::to_value(&batch).expect("JSON");
    broken["events"][0]["seqNum"] = "s3cret".into();
    http.client.post(http.path("s", "/push")).json(&broken).send().await.expect("an answer");
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
    let log = fs::read_to_string(log.path()).expect("text");
    assert!(log.contains("store.push") && !log.contains("s3cret"));
}

#[test]
fn a_taken_port_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let said = fails(&["--memory", "--listen", &address]);
    assert!(said.contains(&format!("can't listen on {address}")) && said.contains("in use"), "{said}");
}

#[test]
fn an_address_that_others_can_reach_takes_a_flag() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = fails(&["--memory", "--listen", address]);
        assert!(said.contains("--allow-unauthenticated"), "{said}");
    }
    let open = Process::spawn(command(&["--memory", "--listen", "0.0.0.0:0", "--allow-unauthenticated"]));
    assert!(open.url.starts_with("http://0.0.0.0:"), "{}", open.url);
}

#[test]
fn help_names_every_flag() {
    let output = command(&["--help"]).output().expect("the binary starts");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    for word in
        ["--listen", "--data", "--memory", "--log", "--allow-host", "--allow-unauthenticated", "HEADWATER_DATA", "8787"]
    {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "precious").expect("written");
    let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
    assert!(said.contains("thesis.txt"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_file_in_the_database_s_place_is_left_alone() {
    let foreign = tempfile::tempdir().expect("a folder");
    let other = rusqlite::Connection::open(foreign.path().join("other.db")).expect("a database");
    other.execute_batch("CREATE TABLE t (x)").expect("a table");
    let sqlite = fs::read(foreign.path().join("other.db")).expect("a file");
    for content in [b"precious".to_vec(), Vec::new(), vec![b'x'; 10_000], sqlite] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("backend.db");
        fs::write(&database, &content).expect("written");
        let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
        assert!(said.contains("is not a database of a Headwater backend"), "{said}");
        assert_eq!(fs::read(&database).expect("a file"), content);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    for data in [file.clone(), file.join("data")] {
        let said = fails(&["--listen", "127.0.0.1:0", "--data", text(&data)]);
        assert!(said.contains("can't be used") && said.contains("choose one that this user can write"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).expect("set");
    let is_superuser = fs::write(folder.path().join("lost+found"), "").is_ok();
    if is_superuser {
        // Rights don't bind the superuser; a file system that is read-only for everybody does.
        let said = fails(&["--listen", "127.0.0.1:0", "--data", "/proc/headwater"]);
        assert!(said.contains("can't be used"), "{said}");
        return;
    }
    let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
    assert!(said.contains("can't be used") && said.contains("ermission"), "{said}");
}

#[tokio::test]
async fn a_folder_is_one_server_s_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Process::on(folder.path());
    let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
    assert!(said.contains("in use by another server"), "{said}");
    Http::new(first.url.clone()).position("s").await;
    first.kill();
    Http::new(Process::on(folder.path()).url.clone()).position("s").await;
}

#[tokio::test]
async fn a_damaged_database_is_told_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    make_database(folder.path()).await;
    let database = folder.path().join("backend.db");
    let sound = fs::read(&database).expect("a file");
    let mut schema = sound.clone();
    schema[100..400].fill(0xff);
    let cut = sound[..4096].to_vec();
    for damaged in [schema, cut] {
        fs::write(&database, &damaged).expect("written");
        let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
        assert!(said.contains("is damaged") && said.contains("restore it from a backup"), "{said}");
        assert_eq!(fs::read(&database).expect("a file"), damaged);
    }
    fs::write(&database, &sound).expect("written");
    assert_eq!(Http::new(Process::on(folder.path()).url.clone()).position("s").await.head, 1);
}

#[tokio::test]
async fn a_head_that_is_not_the_end_of_the_log_is_told() {
    for damage in [
        "UPDATE stores SET head = 2",
        "UPDATE stores SET head = 0",
        "UPDATE stores SET chain = zeroblob(32)",
        "DELETE FROM events",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        make_database(folder.path()).await;
        let database = rusqlite::Connection::open(folder.path().join("backend.db")).expect("a database");
        assert_eq!(database.execute(damage, []).expect("a change"), 1);
        database.close().expect("closed");
        let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
        assert!(said.contains("the head of store s is not the end of its log"), "{damage}: {said}");
    }
}

#[tokio::test]
async fn a_changed_event_is_found_when_it_is_read() {
    for damage in [
        "UPDATE events SET args = CAST(replace(args, 'todo', 'toad') AS BLOB)",
        "UPDATE events SET args = CAST('{' AS BLOB)",
        "UPDATE events SET client_id = 'B'",
        "UPDATE events SET facts = NULL",
        "UPDATE events SET group_rest = 1",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        make_database(folder.path()).await;
        let database = rusqlite::Connection::open(folder.path().join("backend.db")).expect("a database");
        assert_eq!(database.execute(damage, []).expect("a change"), 1);
        database.close().expect("closed");
        let process = Process::on(folder.path());
        let http = Http::new(process.url.clone());
        let answer = http.get("s", "/pull?after=0").await;
        crate::support::problem(answer, headwater_core::protocol::ProblemCode::Internal).await;
        assert_eq!(http.position("t").await.head, 0);
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    make_database(folder.path()).await;
    let database = rusqlite::Connection::open(folder.path().join("backend.db")).expect("a database");
    database.pragma_update(None, "user_version", 99).expect("set");
    database.close().expect("closed");
    let before = files(folder.path());
    let said = fails(&["--listen", "127.0.0.1:0", "--data", text(folder.path())]);
    assert!(said.contains("format 99"), "{said}");
    assert_eq!(files(folder.path()), before);
}
