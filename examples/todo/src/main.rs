//! The todo app. See `todo --help`.

use std::process::ExitCode;

use clap::Parser;
use todo::app::NoWindow;
use todo::cli::{self, Cli};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,winit=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match cli::run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(cli::DIFFERENT),
        Err(error) => {
            eprintln!("todo: {error:#}");
            ExitCode::from(if error.is::<NoWindow>() { cli::NO_WINDOW } else { cli::NOT_STARTED })
        }
    }
}
