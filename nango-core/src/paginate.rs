//! Pagination: walks over the pages of a list, and the detection of complete walks.
//!
//! Records that are missing from a complete walk are deleted, so a walk must determine reliably whether it read the
//! complete list. [`Walk`] requests one page after the other, by one of the methods of
//! [`Paginate`](crate::declare::Paginate), and returns raw pages; [`Pages`] is its typed form for functions. Each page
//! is evidence; `decide` derives the next request, or a [`WalkEnd`] with its reason. Records are not parsed here, only
//! split.
//!
//! - A walk is complete only on evidence. A short page, a null list beside an error, a partial response and a page that
//!   was requested without credentials are not evidence.
//! - A walk that cannot reach the end is an error: a repeated cursor or link with records, a page that is not a list, a
//!   missing path.
//! - A link to another origin than that of the base URL is followed without credentials, unless the origin is trusted.
//!
//! Nango ends a cursor walk at the first empty page. Here an empty page with a next cursor does not end the walk,
//! because filters of APIs can produce empty pages.

mod bounds;
mod cursor;
mod decide;
mod declared_error;
mod delta;
mod end;
mod error;
mod error_value;
mod evidence;
#[cfg(test)]
mod frozen;
mod link;
mod page;
mod pages;
mod parameters;
pub(crate) mod path;
mod records;
mod resolve;
mod resume_point;
mod shift;
mod spec;
mod split;
mod walk;
mod walk_state;

pub(crate) use bounds::Bounds;
pub(crate) use declared_error::{DeclaredError, check as check_declared_errors};
pub(crate) use delta::{Feed, FeedPosition};
pub(crate) use end::{Completion, Gap, WalkEnd, WalkOutcome};
pub(crate) use error::PaginateError;
pub(crate) use page::RawPage;
pub use pages::Pages;
pub(crate) use parameters::set_body_field;
pub(crate) use resume_point::ResumePoint;
pub(crate) use shift::SeenIds;
pub(crate) use walk::{Walk, WalkOptions};
pub(crate) use walk_state::{Purpose, StoredGap, WalkState};
