//! Pages: from the first to the true end.
//!
//! [`Walk`] asks for one page after the other, in any of the ways of [`Paginate`](crate::declare::Paginate), and gives
//! them raw; [`Pages`] is its typed face for functions.
//!
//! Must stay true:
//! - A walk ends where the API says that it ends, and an API that cannot say so is an error: a cursor or link that
//!   comes back, a page that is no list, a path that is not there.
//! - A link that leaves the origin of the base URL is followed without credentials.
//! - Records are not parsed here. They are cut out of the body as they are.
//!
//! Nango ends a cursor walk at the first empty page; here an empty page with a next cursor goes on, because filters
//! leave such holes.

mod error;
mod link;
mod pages;
pub mod path;
mod place;
mod plan;
mod read;
mod resolve;
mod split;
mod walk;

pub use error::PaginateError;
pub use pages::Pages;
pub use place::Place;
pub use read::RawPage;
pub use walk::Walk;
