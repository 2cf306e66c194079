//! One runtime for the servers that tests start.
//!
//! Tests of the binary are plain functions that block while a child process runs, so a server cannot live on a test's
//! own thread.

use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Runtime};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(2).thread_name("tests").enable_all().build().expect("a runtime")
    })
}

/// Runs a future on the shared runtime and waits for it; what it spawns goes on after it.
///
/// It may be called anywhere, also from the thread of another runtime.
///
/// # Panics
///
/// The future panicked.
pub fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime().spawn(async move {
        // Nobody listens only if the waiting thread is gone, and then nobody misses the answer.
        let _ = sender.send(future.await);
    });
    receiver.recv().expect("a future that does not panic")
}
