//! Ctrl-C: the first one asks, the second one insists. And a reader that has gone away, which nobody tells.

use tokio::runtime::Handle;

use super::Exit;
use crate::run::Cancellation;

/// Signals that come within this time are one.
const DEBOUNCE: std::time::Duration = std::time::Duration::from_millis(300);

/// Listens from now on.
pub(super) fn cancel_on_signal(runtime: &Handle) -> Cancellation {
    let cancellation = Cancellation::default();
    let on_signal = cancellation.clone();
    runtime.spawn(async move {
        if !wait_for_signal().await {
            return;
        }
        on_signal.cancel();
        write_stderr("stopping. Press Ctrl-C again to end at once");
        // Some send one wish twice: to the process and to its group.
        tokio::time::sleep(DEBOUNCE).await;
        if wait_for_signal().await {
            std::process::exit(Exit::Interrupted.code().into());
        }
    });
    cancellation
}

/// Waits for Ctrl-C, for the signal by which a supervisor asks, or for the end of the terminal. `false`: the system gives no
/// signals.
async fn wait_for_signal() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return tokio::signal::ctrl_c().await.is_ok();
        };
        let hangup = if is_hangup_handled() { signal(SignalKind::hangup()).ok() } else { None };
        let hung_up = async {
            match hangup {
                Some(mut hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            _ = terminate.recv() => true,
            _ = hung_up => true,
        }
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

/// Whether the end of the terminal ends this process: `nohup` has it ignored, and listening would undo that. Systems that do
/// not say whether it is ignored do with it what they always do.
#[cfg(unix)]
fn is_hangup_handled() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP == 0)
}

/// Waits until nobody reads stdout any more, so that a command that waits for something to print does not wait in vain.
/// Where stdout is no pipe or socket, nobody can go away.
pub(super) async fn stdout_closed() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use tokio::{io::Interest, net::unix::pipe::Sender};
        // A duplicate that is only listened to. Making it the checked way would make stdout itself non-blocking.
        let duplicate = std::io::stdout().as_fd().try_clone_to_owned();
        if let Ok(stdout) = duplicate.and_then(Sender::from_owned_fd_unchecked)
            && stdout.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
    }
    std::future::pending::<()>().await;
}

fn write_stderr(text: &str) {
    use std::io::Write as _;
    // Nobody may be reading; the run stops all the same.
    let _ = writeln!(std::io::stderr(), "{text}");
}
