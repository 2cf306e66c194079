//! One runtime for the servers that tests start.
//!
//! Tests of the binary are plain functions that block while a child process runs, so a server cannot live on a test's
//! own thread.

use std::{
    panic::resume_unwind,
    sync::{OnceLock, mpsc},
};

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
    let task = runtime().spawn(future);
    runtime().spawn(async move {
        // If the waiting thread is gone, the answer is not needed.
        let _ = sender.send(task.await);
    });
    match receiver.recv().expect("a runtime that lasts as long as the process") {
        Ok(output) => output,
        // With its own message.
        Err(error) => resume_unwind(error.into_panic()),
    }
}
