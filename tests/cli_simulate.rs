//! `orderly simulate`: what it prints, and how it ends.

use assert_cmd::Command;
use serde_json::Value;

/// Runs `orderly simulate` with these arguments. Returns its exit code, standard output and standard error.
fn simulate(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("orderly").expect("the program is built");
    let output = command.arg("simulate").args(arguments).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn clean_seeds_end_with_0_and_a_summary() {
    let (code, out, err) =
        simulate(&["--seed", "7", "--seeds", "3", "--commands", "60", "--jobs", "2"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let count = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).expect(name);
        line[name.len()..].trim().parse::<u64>().expect("a number")
    };
    assert_eq!((count("clean seeds"), count("commands")), (3, 180));
    assert!(count("messages published") > 180, "producers repeat themselves: {out}");
    assert!(count("durable units") > 100, "{out}");
    assert!(out.contains("applied") && out.contains("stock.set"), "{out}");
}

#[test]
fn the_same_arguments_give_the_same_result() {
    let arguments = ["--seed", "3", "--seeds", "4", "--commands", "50", "--json"];
    let results = ["1", "3"].map(|jobs| {
        let (code, out, _) = simulate(&[&arguments[..], &["--jobs", jobs]].concat());
        assert_eq!(code, Some(0), "{out}");
        json(&out)
    });
    assert_eq!(results[0]["summary"], results[1]["summary"]);
    assert_eq!(results[0]["clean_seeds"], 4);
    assert_eq!(results[0]["summary"]["commands"], 200);
    assert_eq!(results[0]["violation"], Value::Null);
    let (_, other, _) = simulate(&["--seed", "8", "--seeds", "4", "--commands", "50", "--json"]);
    assert_ne!(json(&other)["summary"], results[0]["summary"], "another seed is another run");
}

#[test]
fn faults_can_be_left_out() {
    let all = "crashes,disk,failures,panics,connections,copies,order,clock,upgrades";
    let arguments = ["--seeds", "4", "--commands", "50", "--json", "--without", all];
    let (code, out, _) = simulate(&arguments);
    assert_eq!(code, Some(0), "{out}");
    let summary = &json(&out)["summary"];
    for fault in ["crashes", "panics", "redelivered", "repeated_events"] {
        assert_eq!(summary[fault], 0, "{fault}: {summary}");
    }
    assert_eq!(summary["published"], 200, "no copies: {summary}");
    let (_, out, _) = simulate(&arguments[..5]);
    assert!(json(&out)["summary"]["crashes"].as_u64() > Some(0), "they happen otherwise: {out}");
}

#[test]
fn a_wrong_argument_ends_with_2_and_says_what_there_is() {
    let (code, _, err) = simulate(&["--without", "rain"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("rain") && err.contains("crashes, disk"), "{err}");
    let (code, _, err) = simulate(&["--jobs", "0"]);
    assert_eq!(code, Some(2), "{err}");
}

#[test]
fn the_help_names_the_faults_and_the_exit_codes() {
    let (code, out, _) = simulate(&["--help"]);
    assert_eq!(code, Some(0));
    for fault in orderly_simulator::Fault::ALL {
        assert!(out.contains(&format!("\n  {fault} ")), "{fault} is not explained:\n{out}");
    }
    assert!(out.contains("Exit codes:") && out.contains("70"), "{out}");
}

#[test]
fn a_violation_ends_with_70_and_the_line_that_repeats_it() {
    let simulate_with_bug = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("orderly").expect("the program is built");
        command.env(orderly_planted::VARIABLE, "dropped_dedupe");
        let output = command.arg("simulate").args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("it is text"))
    };
    let arguments = ["--seeds", "10", "--commands", "100", "--jobs", "2"];
    let (code, out) = simulate_with_bug(&arguments);
    assert_eq!(code, Some(70), "{out}");
    assert!(out.contains("A check failed") && out.contains("the last steps"), "{out}");
    let line = out.lines().find(|line| line.contains("orderly simulate --seed")).expect("a line");
    assert!(line.contains("--only") && line.contains("--without"), "it was made smaller: {line}");

    let repeated: Vec<_> = line.split_whitespace().skip(2).collect();
    let (code, out) = simulate_with_bug(&[&repeated[..], &["--no-shrink", "--json"]].concat());
    assert_eq!(code, Some(70), "it fails again: {out}");
    let violation = &json(&out)["violation"];
    assert!(violation["what"].as_str().is_some_and(|what| !what.is_empty()), "{violation}");
    assert!(violation["steps"].as_array().is_some_and(|steps| steps.len() > 2), "{violation}");
    assert_eq!(violation["repeat"].as_str(), Some(line.trim()), "{violation}");

    let (code, out, _) = simulate(&repeated);
    assert_eq!(code, Some(0), "without the bug it is clean: {out}");
}
