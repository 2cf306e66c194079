//! Parents of the functions: random progress in scans that are open or closed.

use nango_tests::internal::store::{ParentEnd, ParentKey, ParentScan, ParentWrite};

use super::{ACTORS, Chaos, MODELS};

/// Number of parents of each function.
const PARENTS: usize = 4;

/// Returns the id of a parent.
fn id(parent: usize) -> String {
    format!("p{parent}")
}

/// Returns the key of a parent.
pub(super) fn key(parent: usize) -> ParentKey {
    ParentKey::of(&id(parent))
}

/// Returns the parent with this key.
pub(super) fn index(of: ParentKey) -> usize {
    (0..PARENTS).find(|parent| key(*parent) == of).unwrap()
}

impl Chaos<'_> {
    /// Returns a random parent, or none.
    pub(super) fn random_parent(&mut self) -> Option<usize> {
        (!self.rng.one_in(3)).then(|| self.rng.index(PARENTS))
    }

    /// Commits a page that writes parents only.
    pub(super) async fn write_parents(&mut self, actor: usize) {
        let mut after = self.expected.clone();
        let mut parents = Vec::new();
        for parent in 0..PARENTS {
            if self.rng.one_in(2) {
                continue;
            }
            let end = match self.rng.below(6) {
                0 => ParentEnd::Begun,
                1 => ParentEnd::Gone,
                _ => ParentEnd::Ended(self.random_walk()),
            };
            let dataset = self.rng.index(MODELS.len());
            let scan = self.actors[actor].scans[dataset].filter(|_| !self.rng.one_in(5));
            let scan = scan.map(|scan| ParentScan { number: scan.number, end });
            let is_early = self.rng.one_in(2);
            for expected in &mut after {
                expected.write_parent(actor, parent, scan.clone().map(|scan| (scan.number, scan.end)), is_early);
            }
            let write = ParentWrite { id: id(parent), first_seen_at: None, state: None, done: None, scan, is_early };
            parents.push(write);
        }
        self.step_log.note(&format!("{} writes parents: {parents:?}", ACTORS[actor]));
        let mut page = self.actors[actor].sync.page([]);
        page.parents = parents;
        self.store.commit(page).await.unwrap();
        self.actors[actor].pages += 1;
        self.expected = after;
    }

    /// Compares the stored parents of each function with the model.
    pub(super) async fn check_parents(&self) {
        for (owner, actor) in self.actors.iter().enumerate() {
            let rows = self.store.parents_after(&actor.sync.key, None, 100).await.unwrap();
            let mut found: Vec<usize> = rows.iter().map(|row| index(ParentKey::of(&row.id))).collect();
            found.sort_unstable();
            for expected in &self.expected {
                assert_eq!(found, expected.parents_of(owner));
            }
        }
    }
}
