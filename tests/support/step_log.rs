//! Log of the last steps of a randomized test.

use std::{collections::VecDeque, thread};

/// The title of a test, usually with its seed, and its last steps. They are printed if the test fails.
#[derive(Debug)]
pub struct StepLog {
    title: String,
    /// Number of the current step, from 0.
    pub step: usize,
    last_steps: VecDeque<String>,
}

impl StepLog {
    /// Number of steps that are kept.
    const LENGTH: usize = 25;

    /// Creates an empty log.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), step: 0, last_steps: VecDeque::new() }
    }

    /// Adds a line to the current step.
    pub fn note(&mut self, text: &str) {
        if self.last_steps.len() == Self::LENGTH {
            self.last_steps.pop_front();
        }
        self.last_steps.push_back(format!("{:>6}  {text}", self.step));
    }
}

impl Drop for StepLog {
    #[expect(clippy::print_stdout, reason = "the test runner shows the output of a failed test")]
    fn drop(&mut self) {
        if thread::panicking() {
            let last: Vec<_> = self.last_steps.iter().map(String::as_str).collect();
            println!("{}, step {}. The last steps:\n{}", self.title, self.step, last.join("\n"));
        }
    }
}
