//! Processes with a shifted clock, by Debian's `faketime`.

use std::{ffi::OsString, process::Command};

use crate::tools;

/// The environment of a process with a shifted clock.
#[derive(Debug)]
pub struct ShiftedClock(Vec<(String, OsString)>);

impl ShiftedClock {
    /// Returns a clock that is 70 years ahead, or `None` if `faketime` is missing, which is then printed.
    ///
    /// # Panics
    ///
    /// Panics if skipping is not allowed: see [`tools::required`].
    pub fn decades_ahead() -> Option<Self> {
        Self::shifted_by("+70y")
    }

    /// Returns a clock that starts at noon (UTC) of a day such as `2027-05-01`. `None` and panics as in
    /// [`decades_ahead`](Self::decades_ahead).
    pub fn at_noon_of(day: &str) -> Option<Self> {
        let mut shifted = Self::shifted_by(&format!("@{day} 12:00:00"))?;
        shifted.0.push(("TZ".to_owned(), "UTC".into()));
        Some(shifted)
    }

    fn shifted_by(shift: &str) -> Option<Self> {
        let Some(program) = tools::find("faketime") else {
            return tools::skip(
                "a test with a wrong clock",
                "it needs `faketime` (on Debian: apt-get install faketime)",
            );
        };
        // The program preloads a library and shares memory between the clocks of all its children. With the library
        // alone each process has a clock of its own, which starts with the process.
        let environment = Command::new(program).args(["-f", shift, "env"]).output().expect("`faketime` runs");
        let environment = String::from_utf8_lossy(&environment.stdout).into_owned();
        let library = environment.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).expect("a library to load");
        let variables = [("LD_PRELOAD", library), ("FAKETIME", shift), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        Some(Self(variables.map(|(name, value)| (name.to_owned(), value.into())).into()))
    }

    /// Returns the environment variables, for [`Registry::start_with_env`](crate::Registry::start_with_env).
    pub fn environment(&self) -> Vec<(&str, &std::ffi::OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str())).collect()
    }
}
