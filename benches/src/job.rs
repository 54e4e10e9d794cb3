//! What a job is, and how one is run by its name.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::measure::{Line, Measured};

/// One thing to measure. The fields of the type are its parameters.
pub trait Job: Serialize + DeserializeOwned + Default {
    /// What it is called by.
    const NAME: &'static str;
    /// What it measures.
    const ABOUT: &'static str;
    /// What each parameter means.
    const PARAMS: &'static [(&'static str, &'static str)];

    /// Measures.
    ///
    /// # Errors
    /// Whatever went wrong on the way.
    fn measure(&self) -> anyhow::Result<Measured>;
}

/// A job without its type.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    name: &'static str,
    about: &'static str,
    params: &'static [(&'static str, &'static str)],
    defaults: fn() -> Value,
    run: fn(&str) -> Result<Line, RunError>,
}

/// Why there is no line.
#[derive(Debug)]
pub enum RunError {
    /// What was asked for is not there or not readable.
    Usage(String),
    /// The job failed.
    Failed(anyhow::Error),
}

impl Entry {
    /// The entry of a job.
    #[must_use]
    pub const fn of<J: Job>() -> Self {
        Self { name: J::NAME, about: J::ABOUT, params: J::PARAMS, defaults: defaults::<J>, run: run::<J> }
    }

    /// What it is called by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

fn defaults<J: Job>() -> Value {
    serde_json::to_value(J::default()).unwrap_or_default()
}

fn run<J: Job>(params: &str) -> Result<Line, RunError> {
    let job: J = serde_json::from_str(params).map_err(|error| {
        let defaults = defaults::<J>();
        RunError::Usage(format!("the parameters of {} can't be read: {error}; by default they are {defaults}", J::NAME))
    })?;
    let measured = job.measure().map_err(RunError::Failed)?;
    let params = serde_json::to_value(&job).map_err(|error| RunError::Failed(error.into()))?;
    measured.line(J::NAME, params).map_err(RunError::Failed)
}

/// Runs a job by its name, with its parameters as JSON.
///
/// # Errors
/// [`RunError`]
pub fn run_named(jobs: &[Entry], name: &str, params: &str) -> Result<Line, RunError> {
    let Some(job) = jobs.iter().find(|job| job.name == name) else {
        let names: Vec<_> = jobs.iter().map(Entry::name).collect();
        return Err(RunError::Usage(format!("there is no job {name:?}; there are {}", names.join(", "))));
    };
    (job.run)(params)
}

/// What all jobs are and take.
#[must_use]
pub fn list(jobs: &[Entry]) -> String {
    jobs.iter().fold(String::new(), |mut text, job| {
        let _ = writeln!(text, "{}: {}\n  by default: {}", job.name, job.about, (job.defaults)());
        for (name, about) in job.params {
            let _ = writeln!(text, "  {name}: {about}");
        }
        text
    })
}

/// A number of things, at least one.
#[must_use]
pub const fn count(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(count) => count,
        None => NonZeroUsize::MIN,
    }
}
