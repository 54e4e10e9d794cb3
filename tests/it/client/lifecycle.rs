//! How stores and sessions begin and end, and what they leave behind.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use headwater::sync_provider::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest};
use headwater::sync_provider::{MemoryBackend, ProviderFuture, SyncProvider};
use headwater::{Error, SeqNum, Storage, Store, StoreId, params, sql};
use headwater_tests::schema::schema;

use super::world::{Client, PATIENCE, created, noted, notes, reach, texts, todos, wait, wait_until};

/// Never answers, not even that it is connected.
struct Hangs;

impl SyncProvider for Hangs {
    fn connect<'a>(&'a self, _: &'a StoreId) -> ProviderFuture<'a, ()> {
        Box::pin(std::future::pending())
    }

    fn pull<'a>(&'a self, _: &'a StoreId, _: PullRequest) -> ProviderFuture<'a, PullAnswer> {
        Box::pin(std::future::pending())
    }

    fn push<'a>(&'a self, _: &'a StoreId, _: PushRequest) -> ProviderFuture<'a, PushAnswer> {
        Box::pin(std::future::pending())
    }

    fn ping<'a>(&'a self, _: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
        Box::pin(std::future::pending())
    }
}

/// The names of the framework's threads in this process.
#[cfg(target_os = "linux")]
fn threads() -> Result<Vec<String>> {
    let names = std::fs::read_dir("/proc/self/task")?.filter_map(|task| {
        // One that ends meanwhile is not there any more.
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    });
    Ok(names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("headwater")).collect())
}

#[cfg(target_os = "linux")]
fn wait_for_threads(count: usize) -> Result<()> {
    let start = Instant::now();
    while threads()?.len() != count {
        ensure!(start.elapsed() < PATIENCE, "{count} are expected: {:?}", threads()?);
        std::thread::yield_now();
    }
    Ok(())
}

/// Runs alone in a process of its own, because other tests have stores as well.
#[cfg(target_os = "linux")]
#[test]
fn stores_that_end_leave_no_thread_behind() -> Result<()> {
    const ALONE: &str = "HEADWATER_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let test = "client::lifecycle::stores_that_end_leave_no_thread_behind";
        let output = Command::new(std::env::current_exe()?).args(["--exact", test]).env(ALONE, "1").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && said.contains("1 passed"), "{said}");
        return Ok(());
    }
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let client = Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())))?;
    let hanging = Store::builder(schema()).sync(Hangs).open()?;
    let local = Store::builder(schema()).open()?;
    let sessions = [client.store.new_session()?, client.store.new_session()?, local.new_session()?];
    let live = client.store.live_query(sql::<i64>("SELECT count(*) FROM todos", params![]))?;
    let subscription = live.subscribe(|_| ());
    let (stream, mut status) = (client.store.event_stream(SeqNum::ROOT), client.store.sync_status_changes());
    let receipts = [client.store.commit(created("1"))?, hanging.commit(created("1"))?, local.commit(created("1"))?];
    reach(&client.store, 1)?;
    // A leader each, six sessions, and two for the network.
    wait_for_threads(3 + 6 + 2)?;
    drop((sessions, client, hanging));
    local.shutdown()?;
    wait_for_threads(0)?;
    // What is still held does not come back to life.
    assert_eq!((live.first(), receipts[0].is_persisted()), (Some(1), true));
    assert!(wait(status.wait_for(|_| false)).is_none());
    drop((subscription, stream));
    Ok(())
}

#[test]
fn a_folder_can_be_opened_again_as_soon_as_its_store_is_dropped() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let busy = Client::new(&backend)?;
    for round in 0..40 {
        let client = Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())))?;
        client.store.commit(created(&format!("{round} mine")))?;
        // Its threads are at work when it is dropped.
        busy.store.commit((0..50).map(|number| created(&format!("{round} {number}"))).collect::<Vec<_>>())?;
        if round % 2 == 0 {
            std::thread::spawn(move || drop(client.store));
        }
    }
    Ok(())
}

#[test]
fn a_session_that_is_opened_later_sees_everything() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::new(&backend)?;
    client.store.commit((created("1"), noted("n1")))?;
    reach(&client.store, 1)?;
    client.link.set_online(false);
    client.store.commit((created("2"), noted("n2")))?;
    std::thread::scope(|scope| -> Result<()> {
        let store = &client.store;
        scope.spawn(move || {
            for number in 0..200 {
                store.commit(created(&format!("more {number:03}"))).expect("commits");
            }
        });
        for _ in 0..20 {
            let late = client.store.new_session()?;
            ensure!(texts(&late)[..2] == ["1=1", "2=2"] && notes(&late) == ["n1", "n2"]);
            late.verify()?;
            wait_until(&late, |status| status.heads.session.global >= 202)?;
            ensure!(todos(&late).len() == 202);
        }
        Ok(())
    })?;
    client.link.set_online(true);
    reach(&client.store, 202)?;
    Ok(())
}

#[test]
fn a_shutdown_ends_every_session_of_the_client() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let open = || Store::builder(schema()).storage(Storage::directory(folder.path())).open();
    let (store, again) = (open()?, open()?);
    let session = store.new_session()?;
    let mut status = session.sync_status_changes();
    store.shutdown()?;
    for other in [&session, &again] {
        assert!(matches!(other.commit(created("1")), Err(Error::Closed)));
        assert!(matches!(other.query(sql::<i64>("SELECT 1", params![])), Err(Error::Closed)));
        assert!(matches!(other.new_session(), Err(Error::Closed)));
    }
    assert!(wait(status.wait_for(|_| false)).is_none());
    // Its place is free at once, although others still hold sessions of it.
    open()?.commit(created("1"))?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn data_files_are_for_their_owner_only() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| -> Result<u32> { Ok(path.metadata().context("is there")?.permissions().mode() & 0o777) };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("deep").join("data");
    let store = Store::builder(schema()).storage(Storage::directory(&path)).open()?;
    store.commit(created("1"))?;
    assert_eq!(mode(&path)?, 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&path)? {
        let entry = entry?;
        assert_eq!(mode(&entry.path())?, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    assert!(names.starts_with(&["eventlog.db".to_owned(), "eventlog.db-shm".to_owned(), "eventlog.db-wal".to_owned()]));
    assert!(names.contains(&"state.db".to_owned()));
    Ok(())
}
