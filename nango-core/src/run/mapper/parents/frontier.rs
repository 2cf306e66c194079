//! Order of the walked parents: the id up to which all of them are done.

use std::{collections::VecDeque, sync::Arc};

/// Parents that are being walked, in the order of their ids. It contains the open ones only, so that its size does not
/// depend on the number of parents.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    open: VecDeque<OpenParent>,
    /// Id of the parent that was started or passed last.
    last: Option<Arc<str>>,
}

/// Parent whose walk has not ended.
#[derive(Debug)]
struct OpenParent {
    id: Arc<str>,
    /// Id of the parent before it.
    before: Option<Arc<str>>,
}

impl Frontier {
    /// Creates the order of a run that continues after a parent.
    pub(super) fn after_id(after: Option<Arc<str>>) -> Self {
        Self { open: VecDeque::new(), last: after }
    }

    /// Adds the next parent, whose walk starts.
    pub(super) fn start(&mut self, id: Arc<str>) {
        let before = self.last.replace(id.clone());
        self.open.push_back(OpenParent { id, before });
    }

    /// Adds the next parent, which is already done.
    pub(super) fn pass(&mut self, id: Arc<str>) {
        self.last = Some(id);
    }

    /// Removes a parent whose walk has ended, after its end was committed.
    pub(super) fn finish(&mut self, id: &str) {
        if let Some(at) = self.open.iter().position(|open| &*open.id == id) {
            self.open.remove(at);
        }
    }

    /// Returns the id up to which all parents are done; `None` if the first one is not.
    pub(super) fn done_up_to(&self) -> Option<&str> {
        match self.open.front() {
            Some(open) => open.before.as_deref(),
            None => self.last.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontier(started: &[&str]) -> Frontier {
        let mut frontier = Frontier::default();
        for id in started {
            frontier.start(Arc::from(*id));
        }
        frontier
    }

    #[test]
    fn id_advances_only_over_parents_that_are_done() {
        let mut frontier = frontier(&["a", "b", "c"]);
        assert_eq!(frontier.done_up_to(), None);
        frontier.finish("b");
        assert_eq!(frontier.done_up_to(), None, "the first parent is still open");
        frontier.finish("a");
        assert_eq!(frontier.done_up_to(), Some("b"));
        frontier.start("d".into());
        frontier.finish("c");
        assert_eq!(frontier.done_up_to(), Some("c"));
        frontier.finish("d");
        assert_eq!(frontier.done_up_to(), Some("d"));
    }

    #[test]
    fn continued_run_keeps_the_id_of_the_run_before_until_a_parent_is_done() {
        let mut frontier = Frontier::after_id(Some("m".into()));
        assert_eq!(frontier.done_up_to(), Some("m"));
        frontier.start("n".into());
        assert_eq!(frontier.done_up_to(), Some("m"));
        frontier.pass("o".into());
        assert_eq!(frontier.done_up_to(), Some("m"), "a parent before the passed one is open");
        frontier.finish("n");
        assert_eq!(frontier.done_up_to(), Some("o"));
    }

    #[test]
    fn slow_parent_does_not_make_the_order_grow() {
        let mut frontier = frontier(&["a"]);
        for i in 0..1_000 {
            let id: Arc<str> = format!("b{i:04}").into();
            frontier.start(id.clone());
            frontier.finish(&id);
        }
        assert_eq!((frontier.open.len(), frontier.done_up_to()), (1, None));
        frontier.finish("a");
        assert_eq!(frontier.done_up_to(), Some("b0999"));
    }
}
