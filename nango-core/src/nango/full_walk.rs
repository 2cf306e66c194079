//! Open full walks of a run.
//!
//! Commits record the number of the open full walk, so that the store can attribute saved records to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Numbers of the open full walks of a run, by model.
#[derive(Debug, Clone, Default)]
pub(super) struct FullWalks(Arc<Mutex<HashMap<&'static str, i64>>>);

impl FullWalks {
    /// Opens a full walk over a model. It is open until the guard is dropped or another walk over the model is opened.
    pub(super) fn open(&self, model: &'static str, number: i64) -> FullWalk {
        self.lock().insert(model, number);
        FullWalk { walks: self.clone(), model, number }
    }

    /// Returns the number of the open full walk over a model.
    pub(super) fn number(&self, model: &str) -> Option<i64> {
        self.lock().get(model).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guard of an open full walk; dropping it closes the walk.
#[derive(Debug)]
pub(super) struct FullWalk {
    walks: FullWalks,
    model: &'static str,
    number: i64,
}

impl Drop for FullWalk {
    fn drop(&mut self) {
        let mut open = self.walks.lock();
        if open.get(self.model) == Some(&self.number) {
            open.remove(self.model);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_walk_is_open_until_its_guard_is_dropped_or_another_is_opened() {
        let walks = FullWalks::default();
        let first = walks.open("Issue", 1);
        let other = walks.open("Label", 7);
        let second = walks.open("Issue", 2);
        drop(first);
        assert_eq!((walks.number("Issue"), walks.number("Label")), (Some(2), Some(7)));
        drop((second, other));
        assert_eq!((walks.number("Issue"), walks.number("Label")), (None, None));
    }
}
