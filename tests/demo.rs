//! The demo as in the README, and days of other seeds: the results of the processor are those of the model, which shares no code
//! with it.

use std::process::Command;

/// Runs a day to its end. Returns whether the exit code says that the books balance, and the output.
fn day(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_orderly"))
        .args(["demo", "--exit", "--bind", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .expect("runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_books_of_the_default_day_balance() {
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
