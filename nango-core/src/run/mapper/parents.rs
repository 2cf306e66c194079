//! Parents of a mapper with `each`: what the walks of their lists share, and what a walk stores about its parent.

mod frontier;
mod progress;
mod run;
mod walk;

pub(super) use progress::Tally;
pub(super) use run::{ParentsRun, shown};
pub(super) use walk::{Parent, ParentWalk, WalkStop};
