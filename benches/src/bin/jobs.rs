//! The job runner: `jobs JOB 'JSON'` prints one line of JSON, `jobs --list` says what there is.

use std::process::ExitCode;

use headwater_benches::job::{RunError, list, run_named};
use headwater_benches::jobs::JOBS;
use headwater_benches::{child, measure};

const USAGE: &str = "usage: jobs JOB ['JSON of parameters'], or jobs --list";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--list"] => {
            print!("{}", list(JOBS));
            ExitCode::SUCCESS
        }
        [child::SUBCOMMAND, role, params] => finish(child::main(role, params).map(|()| None).map_err(RunError::Failed)),
        [job] if !job.starts_with('-') => finish(run_named(JOBS, job, "{}").map(Some)),
        [job, params] if !job.starts_with('-') => finish(run_named(JOBS, job, params).map(Some)),
        _ => finish(Err(RunError::Usage(USAGE.to_owned()))),
    }
}

fn finish(outcome: Result<Option<measure::Line>, RunError>) -> ExitCode {
    let line = outcome.and_then(|line| {
        let text = line.map(|line| serde_json::to_string(&line)).transpose();
        text.map_err(|error| RunError::Failed(error.into()))
    });
    match line {
        Ok(line) => {
            line.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(RunError::Usage(text)) => {
            eprintln!("jobs: {text}");
            ExitCode::from(2)
        }
        Err(RunError::Failed(error)) => {
            eprintln!("jobs: {error:#}");
            ExitCode::FAILURE
        }
    }
}
