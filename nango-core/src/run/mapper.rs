//! Execution of mapper syncs.
//!
//! [`MapperRun`] is the run of the function, and [`ListWalk`] is one walk of one list with its own request and state. A
//! page of a list is mapped and committed while the next pages are fetched. Only a complete walk advances the `since`
//! value and deletes records that it did not see.

mod confirm;
mod each;
mod fingerprint;
mod finish;
mod list_walk;
mod map;
mod mapped_page;
mod mapper_run;
mod page_commit;
mod parents;
mod progress;
mod request;
mod scan;

use std::sync::Arc;

pub(super) use self::mapper_run::requires_token;
use self::{list_walk::ListWalk, mapper_run::MapperRun};
use super::{resume, runtime::Runtime};
use crate::{
    declare::{Mapper, SyncDef},
    error::Result,
    nango::Context,
    store::StoreError,
};

/// Walks the endpoint of a mapper from the first page, or from the resume point of an interrupted run.
pub(super) async fn walk(
    runtime: &Arc<Runtime>,
    context: Arc<Context>,
    def: &'static SyncDef,
    mapper: &'static Mapper,
) -> Result<()> {
    context.set_sync(def);
    let sealed = runtime.store.resume_state(context.key()).await.map_err(StoreError::into_error)?;
    let has_stored_state = sealed.is_some();
    let state = resume::open(runtime, &context, sealed);
    let schema = fingerprint::of_schema(def);
    if let Some(each) = mapper.each {
        let run = MapperRun { runtime, context, def, mapper, metadata: None, schema };
        return each::walk(&run, each, state, has_stored_state).await;
    }
    let (list, metadata) = request::build(&context, mapper).await?;
    let run = MapperRun { runtime, context, def, mapper, metadata, schema };
    let mut walk = ListWalk::new(&run, list, state, None);
    let ended = walk.run().await?;
    walk.finish(ended, has_stored_state).await
}
