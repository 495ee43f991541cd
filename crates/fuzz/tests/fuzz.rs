//! A few inputs in every target, the kept ones first; and what a trial finds.

use orderly_fuzz::trial::{self, MEMORY};
use orderly_fuzz::{Form, Inputs, Target, targets};
use peak_alloc::PeakAlloc;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Inputs for each unit of a target's weight.
const INPUTS: u64 = 40;
/// The longest that an input may take, on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// One test, since other threads would count as memory of an input.
#[test]
fn no_decoder_panics_hangs_or_takes_much_memory() {
    trials_find_faults();
    let mut faults = Vec::new();
    let mut inputs = 0;
    for target in targets::all() {
        let made = Inputs::new(&target, 1);
        let count = (INPUTS * target.weight).max(target.samples.len() as u64);
        for number in 0..count {
            let trial = trial::run(&target, &made.input(number));
            let slow = (trial.took > LONGEST).then(|| format!("it took {:?}", trial.took));
            if let Some(what) = trial.fault.or(slow) {
                faults.push(format!("{} {number}: {what}", target.name));
            }
            inputs += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(inputs > 50_000, "only {inputs} inputs");
}

fn trials_find_faults() {
    let target = |run: fn(&[u8])| Target {
        name: "planted".to_owned(),
        form: Form::Bytes,
        weight: 1,
        samples: vec![b"sample".to_vec()],
        run: Box::new(run),
    };
    let fault = |target: &Target| trial::run(target, b"input").fault;
    assert_eq!(fault(&target(|_| ())), None);
    let panics = target(|input| assert!(input.is_empty(), "it has {} bytes", input.len()));
    assert_eq!(fault(&panics).as_deref(), Some("panic: it has 5 bytes"));
    let hungry = target(|_| drop(std::hint::black_box(vec![1_u8; MEMORY + 4096])));
    assert!(fault(&hungry).is_some_and(|what| what.starts_with("memory: ")));
    // the same number is the same input, of other seeds another one
    let (one, other) = (Inputs::new(&panics, 1), Inputs::new(&panics, 2));
    assert_eq!(one.input(7), Inputs::new(&panics, 1).input(7));
    assert!((1..20).any(|number| one.input(number) != other.input(number)));
}
