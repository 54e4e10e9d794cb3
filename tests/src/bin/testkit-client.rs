//! A client as a process of its own.

fn main() -> anyhow::Result<()> {
    headwater_tests::client::run()
}
