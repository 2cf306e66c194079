//! Shared tokio runtime for the servers that tests start, and access to the state that they share with a test.
//!
//! Tests of the binary are plain functions that block while a child process runs, so a server cannot run on a test's
//! own thread.

use std::{
    panic::resume_unwind,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
};

use tokio::runtime::{Builder, Runtime};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(2).thread_name("tests").enable_all().build().expect("a runtime")
    })
}

/// Runs a future on the shared runtime and returns its output. Tasks that it spawns continue to run afterwards.
///
/// It may be called from any thread, including those of another runtime.
///
/// # Panics
///
/// Panics with the same message if the future panicked.
pub fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::sync_channel(1);
    let task = runtime().spawn(future);
    runtime().spawn(async move {
        // If the waiting thread has ended, nothing needs the result.
        let _ = sender.send(task.await);
    });
    match receiver.recv().expect("a runtime that lasts as long as the process") {
        Ok(output) => output,
        // Panics with the message of the task.
        Err(error) => resume_unwind(error.into_panic()),
    }
}

/// Locks a mutex, also after a thread panicked while it held the lock.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
