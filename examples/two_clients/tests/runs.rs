//! The example does what it says.

use std::process::Command;

#[test]
fn the_two_clients_converge() {
    let output = Command::new(env!("CARGO_BIN_EXE_two_clients")).output().expect("runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let (_, end) = told.split_once("online again").expect("gets there");
    assert_eq!(end.matches("[x] buy oat milk").count(), 2, "{told}");
    assert_eq!(end.matches("[ ] call mum").count(), 2, "{told}");
    assert!(end.ends_with("converged\n"), "{told}");
}
