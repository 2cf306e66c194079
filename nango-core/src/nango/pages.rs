//! Typed pages of an endpoint: `nango.paginate(…)`.

use serde::de::DeserializeOwned;

use super::{Nango, Request};
use crate::{
    declare::Paginate,
    error::Result,
    paginate::{Pages, PaginateError, Purpose, Walk, WalkOptions},
};

impl Nango {
    /// Walks an endpoint page by page. Options that `paginate` does not set are taken from the provider.
    ///
    /// ```no_run
    /// # use nango_core::prelude::*;
    /// # #[model] pub struct Issue { pub id: u64 }
    /// # async fn walk(nango: Nango) -> Result<()> {
    /// let mut pages = nango.paginate::<Issue>(nango.get("/issues"), Paginate::link("next").limit(100));
    /// while let Some(issues) = pages.next().await? {
    ///     nango.log(format!("{} issues", issues.len()));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn paginate<T: DeserializeOwned>(&self, request: Request, paginate: Paginate) -> Pages<T> {
        match self.walk(request, paginate) {
            Ok(walk) => Pages::new(Ok(walk)).on_end(self.context().begin_walk()),
            Err(error) => Pages::new(Err(error)),
        }
    }

    fn walk(&self, request: Request, paginate: Paginate) -> Result<Walk> {
        let context = self.active_context()?;
        let mut spec = request.into_provider_spec()?;
        context.declare_errors(&mut spec);
        let paginate = context.paginate(paginate);
        let purpose = Purpose {
            deletes: context.open_scans() > 0,
            // A function may store its position in a checkpoint, so that a walk that ends too early would lose records.
            since: true,
        };
        let options = WalkOptions { purpose, bounds: context.limits().walk.clone(), feed: None, resume: None };
        Walk::new(context.client.clone(), spec, Some(paginate), options).map_err(PaginateError::into_error)
    }
}
