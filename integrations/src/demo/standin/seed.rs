//! Initial repositories and issues of the stand-in.

use jiff::{SignedDuration, Timestamp};

use super::data::Repository;
use super::issue::NewIssue;

/// Repository that the `issues-demo` functions read: seven open issues with the label `demo`, one open issue without
/// it, and one closed issue with it.
pub const DEMO_REPOSITORY: &str = "NangoHQ/interactive-demo";

/// Repository with several pages for every page size up to 24: 25 open issues (numbers 1 to 25), and three closed ones.
pub const PAGED_REPOSITORY: &str = "octo-org/hello-world";

const DEMO_TITLES: [&str; 7] = [
    "Show in the sidebar when the last sync ran",
    "The connect button stays grey after a cancelled login",
    "Say on the first page what a connection is",
    "A dark theme",
    "A button that copies the code samples",
    "The list of issues is empty until the page is loaded again",
    "Link every example to its source",
];

const TASKS: [&str; 7] = ["Document", "Simplify", "Speed up", "Test", "Translate", "Fix the layout of", "Rename"];
const SUBJECTS: [&str; 4] = ["the greeting", "the farewell", "the settings page", "the command line"];
const KINDS: [&str; 3] = ["bug", "enhancement", "documentation"];

/// Time at which the first issue was opened, in seconds since 1970: Monday, 5 January 2026, 09:00:00 UTC.
const FIRST_OPENED_SECONDS: i64 = 1_767_603_600;
const HOUR_SECONDS: i64 = 3600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// Returns the initial time of the stand-in's clock, which is later than every seed.
pub(super) fn start_time() -> Timestamp {
    time_after_first(60 * DAY_SECONDS)
}

pub(super) fn repositories() -> Vec<Repository> {
    vec![demo(), paged()]
}

/// Returns the demo repository. Its automation adds the label `demo` to issues whose title starts with `[demo]`, so
/// that an issue that the action `create-issue` opened appears in the list that the sync reads.
fn demo() -> Repository {
    let mut repository = Repository::new(4_101, DEMO_REPOSITORY, Some("demo"));
    for (title, age) in DEMO_TITLES.into_iter().zip(0..) {
        repository.open(new_issue(title, &["demo"]), time_after_first(age * DAY_SECONDS));
    }
    repository.open(new_issue("New screenshots for the readme", &["documentation"]), time_after_first(8 * DAY_SECONDS));
    let done = repository.open(new_issue("A typo on the welcome page", &["demo"]), time_after_first(9 * DAY_SECONDS));
    done.closed = Some(time_after_first(10 * DAY_SECONDS));
    done.updated = time_after_first(10 * DAY_SECONDS);
    repository
}

fn paged() -> Repository {
    let mut repository = Repository::new(4_202, PAGED_REPOSITORY, None);
    for (number, age) in (0..28).zip(0..) {
        let title = format!("{} {}", TASKS[number % TASKS.len()], SUBJECTS[number / TASKS.len()]);
        let issue = repository
            .open(new_issue(&title, &[KINDS[number % KINDS.len()]]), time_after_first(age * 30 * HOUR_SECONDS));
        // The order of the last changes differs from the order of creation.
        let changed = time_after_first(age * 30 * HOUR_SECONDS + (age * 11 % 17) * DAY_SECONDS);
        issue.updated = changed;
        issue.closed = (number >= 25).then_some(changed);
    }
    repository
}

fn new_issue(title: &str, labels: &[&str]) -> NewIssue {
    NewIssue {
        title: title.to_owned(),
        body: Some(format!("{title}: somebody asked for it.")),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        pull_request: false,
    }
}

fn time_after_first(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH
        .saturating_add(SignedDuration::from_secs(FIRST_OPENED_SECONDS + seconds))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
