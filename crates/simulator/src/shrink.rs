//! The smallest case that still fails: with fewer kinds of faults, and with fewer commands.
//!
//! Two properties of a run make that work. Each step has random numbers of its own, by the seed and its number; so what one step
//! does not do changes no later choice. And a command that is not published was made all the same; so the others stay what they
//! are.

use crate::{Case, Fault, Violation, run};
use std::collections::BTreeSet;

/// Makes the case of a violation smaller as long as the same check fails, in at most `tries` runs. Returns the violation of the
/// smallest case, with its last `steps` steps. `progress` is called with every smaller case.
pub fn shrink(
    violation: &Violation,
    tries: u32,
    steps: usize,
    progress: impl FnMut(&Case),
) -> Box<Violation> {
    let mut search = Search { best: violation.clone(), left: tries, progress };
    search.make_fewer_commands();
    search.leave_out_faults();
    search.leave_out_commands();
    search.leave_out_faults();
    search.make_fewer_commands();
    let best = search.best;
    // the same run again, with its steps
    match run(&best.case, steps) {
        Err(violation) => violation,
        Ok(_) => Box::new(best),
    }
}

struct Search<P> {
    best: Violation,
    left: u32,
    progress: P,
}

impl<P: FnMut(&Case)> Search<P> {
    /// Whether the same check fails for `case`, which is the best one then.
    fn fails(&mut self, case: &Case) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match run(case, 0) {
            Err(violation) if violation.place == self.best.place => {
                self.best = *violation;
                (self.progress)(&self.best.case);
                true
            }
            _ => false,
        }
    }

    /// Ends the run with the last command that was made before the violation.
    fn make_fewer_commands(&mut self) {
        let mut made = self.best.commands;
        if let Some(last) = self.best.case.only.as_ref().and_then(BTreeSet::last) {
            made = made.min(*last);
        }
        if self.best.case.commands != Some(made) {
            self.fails(&Case { commands: Some(made), ..self.best.case.clone() });
        }
    }

    fn leave_out_faults(&mut self) {
        for fault in Fault::ALL {
            let mut case = self.best.case.clone();
            if case.without.insert(*fault) {
                self.fails(&case);
            }
        }
    }

    /// Leaves out as many commands as possible: half of them, then quarters, down to single ones.
    fn leave_out_commands(&mut self) {
        let kept = self.kept();
        let mut size = kept.len().div_ceil(2);
        while size > 0 && self.left > 0 {
            let mut from = 0;
            let mut has_shrunk = false;
            loop {
                let kept: Vec<_> = self.kept().into_iter().collect();
                if from >= kept.len() {
                    break;
                }
                let until = kept.len().min(from + size);
                let rest: BTreeSet<_> =
                    kept[..from].iter().chain(&kept[until..]).copied().collect();
                if self.fails(&Case { only: Some(rest), ..self.best.case.clone() }) {
                    has_shrunk = true;
                } else {
                    from = until;
                }
            }
            if size == 1 && !has_shrunk {
                break;
            }
            size = if size == 1 { 1 } else { size.div_ceil(2) };
        }
    }

    /// The commands that the best case publishes, as far as they were made.
    fn kept(&self) -> BTreeSet<u32> {
        let made = self.best.case.commands.unwrap_or(self.best.commands).max(self.best.commands);
        let all = 1..=made;
        match &self.best.case.only {
            Some(only) => only.iter().copied().filter(|command| all.contains(command)).collect(),
            None => all.collect(),
        }
    }
}
