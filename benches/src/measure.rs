//! Clocks, memory, and the line that a job prints.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::Serialize;
use serde_json::Value;

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The CPU time that this process has used, all threads together.
#[must_use]
pub fn cpu_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// A clock that all processes of the machine share.
#[must_use]
pub fn shared_clock() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// The memory of this process, in MB (2^20 bytes).
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident now.
    pub resident_mb: f64,
    /// The most that was resident so far.
    pub peak_mb: f64,
}

impl Memory {
    /// Reads it.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").context("memory is read from /proc")?;
        let read = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
        };
        let found = read("VmRSS:").zip(read("VmHWM:"));
        let (resident_mb, peak_mb) = found.context("/proc/self/status has no VmRSS and VmHWM")?;
        Ok(Self { resident_mb, peak_mb })
    }
}

/// What a job has measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// What was waited for each time.
    pub waits: Vec<Duration>,
    /// How many operations that were; each wait may be for several.
    pub operations: usize,
    /// From the first to the last.
    pub total: Duration,
    /// CPU time of all of it.
    pub cpu: Duration,
    /// The memory that counts, if it is not that at the end.
    pub resident_mb: Option<f64>,
    /// What else is worth knowing.
    pub extra: BTreeMap<&'static str, Value>,
}

impl Measured {
    /// Runs `step` a number of times, each of them one operation.
    ///
    /// # Errors
    /// What `step` returned.
    pub fn run(n: usize, mut step: impl FnMut(usize) -> Result<()>) -> Result<Self> {
        let mut waits = Vec::with_capacity(n);
        let (cpu, started) = (cpu_time(), Instant::now());
        for number in 0..n {
            let start = Instant::now();
            step(number)?;
            waits.push(start.elapsed());
        }
        let (total, cpu) = (started.elapsed(), cpu_time() - cpu);
        Ok(Self { waits, operations: n, total, cpu, ..Self::default() })
    }

    /// Adds another field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.extra.insert(name, value.into());
        self
    }

    /// Adds what the same work costs in SQLite alone, and the ratio.
    #[must_use]
    pub fn beside(self, raw: &Self) -> Self {
        let (cost, raw) = (self.cpu_us(), raw.cpu_us());
        self.with("raw_cpu_us_per_op", round(raw)).with("ratio", round(cost / raw))
    }

    /// CPU time of one operation, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> f64 {
        us(self.cpu) / self.operations.max(1) as f64
    }

    /// The line to print.
    ///
    /// # Errors
    /// Where memory can't be read.
    pub fn line(mut self, job: &'static str, params: Value) -> Result<Line> {
        self.waits.sort_unstable();
        let at = |part: f64| self.waits.get(((self.waits.len() as f64 * part) as usize).min(self.waits.len() - 1));
        let wait = |part| round(at(part).copied().map_or(0.0, us));
        Ok(Line {
            job,
            params,
            n: self.waits.len(),
            p50_us: wait(0.5),
            p99_us: wait(0.99),
            min_us: wait(0.0),
            total_s: us(self.total).round() / 1e6,
            per_s: round(self.operations as f64 / self.total.as_secs_f64()),
            cpu_us_per_op: round(self.cpu_us()),
            rss_mb: round(self.resident_mb.map_or_else(|| Memory::now().map(|memory| memory.resident_mb), Ok)?),
            extra: self.extra,
        })
    }
}

/// What a job prints.
#[derive(Debug, Serialize)]
pub struct Line {
    job: &'static str,
    params: Value,
    n: usize,
    p50_us: f64,
    p99_us: f64,
    min_us: f64,
    total_s: f64,
    per_s: f64,
    cpu_us_per_op: f64,
    rss_mb: f64,
    #[serde(flatten)]
    extra: BTreeMap<&'static str, Value>,
}

/// In microseconds.
#[must_use]
pub fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// To as many digits as are worth reading.
#[must_use]
pub fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
