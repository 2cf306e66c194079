//! Pages of a list, from the first to the end, and the proof that the list was whole.
//!
//! [`Walk`] requests one page after the other, in any of the ways of [`Paginate`](crate::declare::Paginate), and returns
//! them raw; [`Pages`] is its typed form for functions. Each page is evidence; `decide` turns it into another request or
//! into a [`WalkEnd`] with its reason. Records are not parsed here: they are cut out of the body.
//!
//! - A walk is complete only on evidence: a short page, a null list beside an error, a partial answer and a page that was
//!   requested without credentials prove nothing.
//! - An API that cannot lead to the end is an error: a cursor or link that comes back with records, a page that is no
//!   list, a path that is not there.
//! - A link that leaves the origin of the base URL is followed without credentials, unless the origin is trusted.
//!
//! Nango ends a cursor walk at the first empty page; here an empty page with a next cursor is a page, because filters
//! leave such holes.

mod bounds;
mod cursor;
mod decide;
mod end;
mod error;
mod evidence;
#[cfg(test)]
mod frozen;
mod link;
mod page;
mod pages;
pub mod path;
mod resolve;
mod resume_point;
mod shift;
mod spec;
mod split;
mod walk;
mod walk_state;

pub use bounds::Bounds;
pub use end::{Completion, Gap, WalkEnd, WalkOutcome};
pub use error::PaginateError;
pub use page::RawPage;
pub use pages::Pages;
pub use resume_point::ResumePoint;
pub(crate) use shift::SeenIds;
pub use walk::{Walk, WalkOptions};
pub use walk_state::{Purpose, StoredGap, WalkState};
