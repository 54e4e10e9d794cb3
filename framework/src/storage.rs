//! Where a client's files are.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headwater_core::{ClientId, StoreId};

use crate::error::{Error, Result};
use crate::eventlog::Eventlog;

const EVENTLOG: &str = "eventlog.db";
const STATE: &str = "state.db";
const NEW_STATE: &str = "state-new.db";
const LOCK: &str = "leader.lock";
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where a store keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Directory(PathBuf),
}

impl Storage {
    /// In memory: gone with the store. For tests, and for what need not last.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Kind::Memory)
    }

    /// In a folder, which is created if missing. One folder is one client of one store: `eventlog.db` is what must not
    /// be lost, `state.db` is a cache.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Directory(path.into()))
    }

    /// The folder, unless it is in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Memory => None,
            Kind::Directory(path) => Some(path),
        }
    }

    /// Makes sure that the folder is there, ours, and nobody else's.
    pub(crate) fn lock(&self) -> Result<Option<DataFolder>> {
        match &self.0 {
            Kind::Memory => Ok(None),
            Kind::Directory(path) => DataFolder::lock(path).map(Some),
        }
    }
}

/// A data folder that this process leads. The lock ends with the process, however that ends.
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    fn lock(path: &Path) -> Result<Self> {
        let io = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Io { path, source }
        };
        create_private(path).map_err(io(path))?;
        let path = path.canonicalize().map_err(io(path))?;
        check_ours(&path)?;
        let lock_path = path.join(LOCK);
        let lock = private_file(&lock_path).map_err(io(&lock_path))?;
        match try_lock_for_a_moment(&lock) {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(TryLockError::Error(source)) => Err(Error::Io { path: lock_path, source }),
        }
    }

    pub(crate) fn open_eventlog(&self, store_id: &StoreId, client_id: &ClientId) -> Result<Eventlog> {
        let path = self.path.join(EVENTLOG);
        private_file(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        Eventlog::open(&path, store_id, client_id)
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// A fresh place for a state that is being built.
    pub(crate) fn new_state_path(&self) -> Result<PathBuf> {
        let path = self.path.join(NEW_STATE);
        remove_database(&path)?;
        private_file(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// Puts a state that was built at [`Self::new_state_path`], and is closed, in its place.
    pub(crate) fn swap_in_state(&self) -> Result<()> {
        let (new, path) = (self.path.join(NEW_STATE), self.state_path());
        remove_database(&path)?;
        fs::rename(&new, &path).map_err(|source| Error::Io { path, source })
    }
}

/// A process that is just being spawned holds copies of all open files for a moment, and the locks with them, also of a
/// store that has ended.
fn try_lock_for_a_moment(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
    }
    lock.try_lock()
}

/// Refuses a folder that has files but no eventlog: whatever it is, it is not ours.
fn check_ours(path: &Path) -> Result<()> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    if path.join(EVENTLOG).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if ![LOCK, STATE, NEW_STATE].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            let reason = format!("it has no {EVENTLOG}, but {}: choose an empty folder", name.to_string_lossy());
            return Err(Error::NotOurs { path: path.to_owned(), reason });
        }
    }
    Ok(())
}

/// Removes a database with what belongs to it.
fn remove_database(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = PathBuf::from(name);
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(Error::Io { path: file, source }),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
