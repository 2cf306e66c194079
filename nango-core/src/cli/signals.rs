//! Signals and a closed stdout.
//!
//! The first Ctrl-C (or SIGTERM, or SIGHUP) cancels the runs of a command, the second one ends the process. A command
//! that waits for changes also ends when the reader of its stdout has closed the pipe.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Exit;

/// Signals within this time count as one.
const DEBOUNCE: std::time::Duration = std::time::Duration::from_millis(300);

/// Starts to listen for signals. Returns the cancellation that the first signal triggers.
pub(super) fn cancel_on_signal(runtime: &Handle) -> CancellationToken {
    let cancellation = CancellationToken::new();
    let on_signal = cancellation.clone();
    runtime.spawn(async move {
        if !wait_for_signal().await {
            return;
        }
        on_signal.cancel();
        write_stderr("stopping; press Ctrl-C again to exit at once");
        // Some supervisors signal twice: the process, and its process group.
        tokio::time::sleep(DEBOUNCE).await;
        if wait_for_signal().await {
            std::process::exit(Exit::Interrupted.code().into());
        }
    });
    cancellation
}

/// Waits for SIGINT (Ctrl-C), SIGTERM or SIGHUP. Returns `false` if the system cannot deliver signals.
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

/// Returns whether SIGHUP is handled. It is not if the process was started with `nohup`, which ignores the signal: a
/// handler would undo that. On systems without `/proc` the default of the system applies.
#[cfg(unix)]
fn is_hangup_handled() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP == 0)
}

/// Waits until the reader of stdout has closed it, so that a command without output does not wait forever. Never
/// completes if stdout is not a pipe or socket.
pub(super) async fn stdout_closed() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use tokio::{io::Interest, net::unix::pipe::Sender};
        // The duplicate is only polled. The checked constructor would set stdout itself to non-blocking.
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
    // The run stops even if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
