//! The real server, under a name that the tests can find.

fn main() -> std::process::ExitCode {
    headwater_server::cli::run()
}
