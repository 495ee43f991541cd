//! The demo as the README runs it, and days of other seeds: the books balance with a model that knows nothing of the
//! processor.

use std::process::Command;

/// Runs a day to its end; gives what was printed, and whether the exit code says that the books balance.
fn day(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_orderly"))
        .args(["demo", "--exit", "--bind", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .expect("runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_books_of_the_day_that_everybody_sees_first_balance() {
    let (balances, said) = day(&[]);
    assert!(balances, "{said}");
    assert!(said.contains("The books balance"), "{said}");
}

#[test]
fn the_books_of_other_days_balance() {
    for seed in ["6", "42", "99"] {
        let (balances, said) = day(&["--seed", seed]);
        assert!(balances, "seed {seed}: {said}");
    }
}
