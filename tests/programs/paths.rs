//! Values in paths: variables and arguments of every supported type, in every position that accepts an endpoint.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]
#![allow(
    clippy::missing_errors_doc,
    clippy::manual_async_fn,
    clippy::needless_borrows_for_generic_args,
    reason = "every form must compile"
)]

use std::{borrow::Cow, sync::Arc};

use nango_core::{EndpointPath, Nango, handle::Method, prelude::*};

/// Owner and type of a label.
#[model]
pub struct Input {
    /// Owner of the repository.
    pub owner: String,
    /// A keyword as field name.
    pub r#type: u32,
}

/// Sends requests with all methods, each with a path.
///
/// # Errors
///
/// Returns the errors of the API.
pub async fn every_request(nango: Nango, input: Input, name: &str) -> Result<()> {
    let Input { owner, r#type } = &input;
    nango.get(path!("/repos/{owner}/{type}")).await?;
    nango.post(path!("/repos/{owner}", owner = input.owner)).await?;
    nango.put(path!("/repos/{owner}?q={name}&n={n}", n = name.len() + 1)).await?;
    nango.patch(path!("/repos/{id}", id = if name.is_empty() { 1 } else { 2 },)).await?;
    nango.delete(path!("/user")).optional().await?;
    nango.request(Method::GET, labels(owner, name)).await?;
    nango.get(format!("/{}", "user")).await?;
    nango.get(&String::from("/user")).await?;
    let mut pages = nango.paginate::<Value>(nango.get(labels(owner, name)), Paginate::link("next"));
    while pages.next().await?.is_some() {}
    Ok(())
}

/// Returns a `Send` future whose requests have values of any type in their paths.
pub fn spawned(nango: Nango, input: Input) -> impl Future<Output = Result<()>> + Send {
    async move {
        let id = nango.get(path!("/a/{owner}", owner = input.owner)).json::<u64>();
        nango.get(path!("/b/{owner}/{id}", owner = input.owner, id = id.await?)).await?;
        nango.get(path!("/c/{id}", id = std::rc::Rc::new(1))).await?;
        Ok(())
    }
}

/// Returns a path as a value.
pub fn labels(owner: &str, name: &str) -> EndpointPath {
    path!("/repos/{owner}/labels/{name}")
}

macro_rules! user {
    ($id:expr) => {
        path!("/users/{id}", id = $id)
    };
}

fn main() {
    let id = Arc::<str>::from("a/b");
    let cow = Cow::Borrowed("C#");
    assert_eq!(path!("/{id}/{cow}?d={cow}").into_string().unwrap(), "/a%2Fb/C%23?d=C%23");
    assert_eq!(user!(1 + 1).into_string().unwrap(), "/users/2");
    assert_eq!(labels("o", "../x").into_string().unwrap(), "/repos/o/labels/..%2Fx");
    assert!(labels("..", "x").into_string().is_err());
}
