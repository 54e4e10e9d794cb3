//! The thread that appends, and its group commit.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use headwater_core::StoreId;
use headwater_core::protocol::{PushAnswer, PushRequest};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::folder::Folder;
use super::rows::{self, Judgement, StoreRow};
use crate::event_store::{HeadWatchers, StoreError, definite_answer};
use crate::random::random_backend_id;

/// Most jobs that share one transaction.
const MAX_JOBS_PER_COMMIT: usize = 256;
/// Most events that share one transaction; the job that goes beyond is still in it.
const MAX_EVENTS_PER_COMMIT: usize = 10_000;
/// Most stores whose head is remembered.
const MAX_REMEMBERED_STORES: usize = 100_000;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Job {
    /// Append a batch.
    Push { store: StoreId, request: Arc<PushRequest>, answer: Answer<Outcome> },
    /// Make a store, unless it is there.
    Create { store: StoreId, answer: Answer<StoreRow> },
    /// Finish.
    Close { answer: Answer<()> },
}

impl Job {
    /// Answers a job that is not done. A close needs nothing to be done.
    fn refuse(self, error: StoreError) {
        match self {
            Self::Push { answer, .. } => drop(answer.send(Err(error))),
            Self::Create { answer, .. } => drop(answer.send(Err(error))),
            Self::Close { answer } => drop(answer.send(Ok(()))),
        }
    }
}

/// What became of a push.
#[derive(Debug)]
pub(super) enum Outcome {
    Answer(PushAnswer),
    /// It is behind: the answer needs the tail of the log.
    Behind,
}

/// An answer that waits for the commit.
enum Pending {
    Push { store: StoreId, answer: Answer<Outcome>, outcome: Result<Outcome, StoreError> },
    Create { answer: Answer<StoreRow>, row: Result<StoreRow, StoreError> },
}

impl Pending {
    fn error(&self) -> Option<StoreError> {
        match self {
            Self::Push { outcome, .. } => outcome.as_ref().err().cloned(),
            Self::Create { row, .. } => row.as_ref().err().cloned(),
        }
    }
}

fn given_up() -> StoreError {
    StoreError::Failed("SQLite gave the transaction up".into())
}

/// The thread that changes the database.
pub(super) struct Writer {
    connection: Connection,
    queue: mpsc::Receiver<Job>,
    watchers: HeadWatchers,
    /// Rows as they are in the transaction that is open, or in the database.
    stores: HashMap<StoreId, StoreRow>,
    /// Kept until the database is closed.
    _folder: Folder,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        queue: mpsc::Receiver<Job>,
        watchers: HeadWatchers,
        folder: Folder,
    ) -> Self {
        Self { connection, queue, watchers, stores: HashMap::new(), _folder: folder }
    }

    /// Works until it is closed or nobody can ask any more.
    pub(super) fn run(mut self) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = self.queue.blocking_recv() else {
                break;
            };
            let jobs = self.drain(first, &mut closing);
            self.commit(jobs);
        }
        self.queue.close();
        while let Some(job) = self.queue.blocking_recv() {
            job.refuse(StoreError::Closed);
        }
        self.stores.clear();
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the last checkpoint failed; the next start repeats it");
        }
        let Self { connection, _folder, .. } = self;
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database did not close");
        }
        drop(_folder);
        if let Some(answer) = closing {
            let _ = answer.send(Ok(()));
        }
    }

    /// Takes what waits, up to a bound and up to a close.
    fn drain(&mut self, first: Job, closing: &mut Option<Answer<()>>) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut events = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Close { answer } => {
                    *closing = Some(answer);
                    return jobs;
                }
                Job::Push { ref request, .. } => events += request.events.len(),
                Job::Create { .. } => {}
            }
            jobs.push(job);
            if jobs.len() >= MAX_JOBS_PER_COMMIT || events >= MAX_EVENTS_PER_COMMIT {
                return jobs;
            }
            next = self.queue.try_recv().ok();
        }
        jobs
    }

    /// Does the jobs in one transaction, and answers them after the commit.
    fn commit(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        if self.stores.len() > MAX_REMEMBERED_STORES {
            self.stores.clear();
        }
        let mut pending = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        let work = catch_unwind(AssertUnwindSafe(|| self.transact(&mut jobs, &mut pending)));
        let failure = match work {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(StoreError::Failed("the writer met a defect".into())),
        };
        if let Some(error) = &failure {
            tracing::error!(%error, "a transaction failed; nothing of it was kept");
            self.stores.clear();
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        for answer in pending {
            self.answer(answer, failure.as_ref());
        }
        for job in jobs {
            job.refuse(failure.clone().unwrap_or(StoreError::Closed));
        }
    }

    fn transact(&mut self, jobs: &mut impl Iterator<Item = Job>, pending: &mut Vec<Pending>) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for job in jobs {
            match job {
                Job::Push { store, request, answer } => {
                    let outcome = self.push(&store, &request);
                    pending.push(Pending::Push { store, answer, outcome });
                }
                Job::Create { store, answer } => {
                    let row = self.store(&store);
                    pending.push(Pending::Create { answer, row });
                }
                Job::Close { .. } => unreachable!("a close ends the jobs of a commit"),
            }
            if self.connection.is_autocommit() {
                return Err(pending.last().and_then(Pending::error).unwrap_or_else(given_up));
            }
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Judges and appends one batch. If it fails, the transaction is as it was before.
    fn push(&mut self, store: &StoreId, request: &PushRequest) -> Result<Outcome, StoreError> {
        let row = self.store(store)?;
        let append = match rows::judge_at(&self.connection, &row, request)? {
            Judgement::Append(append) => append,
            Judgement::Behind => return Ok(Outcome::Behind),
            Judgement::Definite(log, decision) => {
                return Ok(Outcome::Answer(definite_answer(log, decision)));
            }
        };
        let savepoint = self.connection.savepoint()?;
        rows::append(&savepoint, row.key, &request.client_id, &append)?;
        savepoint.commit()?;
        self.stores.insert(store.clone(), StoreRow { log: append.log, ..row });
        Ok(Outcome::Answer(PushAnswer::Accepted(append.reply())))
    }

    fn store(&mut self, store: &StoreId) -> Result<StoreRow, StoreError> {
        if let Some(row) = self.stores.get(store) {
            return Ok(*row);
        }
        let row = match rows::find_store(&self.connection, store)? {
            Some(row) => row,
            None => rows::create_store(&self.connection, store, random_backend_id()?)?,
        };
        self.stores.insert(store.clone(), row);
        Ok(row)
    }

    /// Sends an answer. Whoever waits for the store is woken here and not by who asked, who may be gone.
    fn answer(&self, pending: Pending, failure: Option<&StoreError>) {
        // Nobody listens if the client went away.
        match pending {
            Pending::Push { store, answer, outcome } => {
                let outcome = failure.map_or(outcome, |error| Err(error.clone()));
                if let Ok(Outcome::Answer(PushAnswer::Accepted(reply))) = &outcome {
                    self.watchers.notify(&store, reply.log.head);
                }
                let _ = answer.send(outcome);
            }
            Pending::Create { answer, row } => {
                let _ = answer.send(failure.map_or(row, |error| Err(error.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests;
