//! The binary: see [`headwater_server::cli`].

fn main() -> std::process::ExitCode {
    headwater_server::cli::run()
}
