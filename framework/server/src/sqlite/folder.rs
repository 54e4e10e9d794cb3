//! The data folder: whose it is, who has it, and which rights its files have.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::OpenError;

const DATABASE: &str = "backend.db";
const LOCK: &str = "backend.lock";
const DRAFT: &str = "backend.db.new";
/// What may be in a folder that is still to be ours.
const HARMLESS: [&str; 4] = [LOCK, DRAFT, "backend.db.new-journal", "lost+found"];

/// Marks the database file as a Headwater backend's: `HwSv`.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"HwSv");
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";
const APPLICATION_ID_OFFSET: usize = 68;
const SQLITE_HEADER_BYTES: usize = 100;

/// A data folder that is locked for this process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The lock lasts as long as the file is open.
    _lock: File,
}

impl Folder {
    /// Takes a folder, making it if it is not there.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Folder { path: path.to_owned(), source };
        if !path.try_exists().map_err(io)? {
            create(path).map_err(io)?;
        }
        check_ours(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let lock = private(&mut options).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Where a new database is built before it takes its place.
    pub(super) fn draft(&self) -> PathBuf {
        self.path.join(DRAFT)
    }

    pub(super) fn has_database(&self) -> bool {
        self.database().exists()
    }

    /// Whether the last server did not close its database: then SQLite has a log to recover.
    pub(super) fn was_left_open(&self) -> bool {
        let log = self.path.join(format!("{DATABASE}-wal"));
        fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0)
    }

    /// An empty draft that nobody else can read. A draft left by a crash is replaced: it never held an event.
    pub(super) fn new_draft(&self) -> io::Result<()> {
        for name in [DRAFT, "backend.db.new-journal"] {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        private(options.write(true).create_new(true)).open(self.draft()).map(drop)
    }

    /// Puts the complete draft in its place, for good.
    pub(super) fn publish_draft(&self) -> io::Result<()> {
        fs::rename(self.draft(), self.database())?;
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    pub(super) fn error(&self, source: io::Error) -> OpenError {
        OpenError::Folder { path: self.path.clone(), source }
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Refuses a folder that holds something else. It only looks.
fn check_ours(path: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Folder { path: path.to_owned(), source };
    let database = path.join(DATABASE);
    if database.try_exists().map_err(io)? {
        return check_database(&database);
    }
    for entry in fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if !HARMLESS.iter().any(|harmless| name == *harmless) {
            let found = name.to_string_lossy().into_owned();
            return Err(OpenError::ForeignFolder { path: path.to_owned(), found });
        }
    }
    Ok(())
}

fn check_database(path: &Path) -> Result<(), OpenError> {
    let mut header = [0; SQLITE_HEADER_BYTES];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(OpenError::Folder { path: path.to_owned(), source: error });
        }
        _ => {}
    }
    let mark = &header[APPLICATION_ID_OFFSET..APPLICATION_ID_OFFSET + 4];
    if header.starts_with(SQLITE_MAGIC) && mark == APPLICATION_ID.to_be_bytes() {
        return Ok(());
    }
    Err(OpenError::ForeignDatabase { path: path.to_owned() })
}
