//! The router, made of the table of routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    routing::{MethodFilter, MethodRouter},
};

use super::{
    dispatch::{Answered, finish, respond, unknown_route},
    route::Route,
    routes,
    state::ServerState,
};
use crate::wire::ApiError;

/// Returns the router of all routes. It answers unknown paths and methods with errors of the API.
pub(super) fn router(state: &Arc<ServerState>) -> Router {
    let mut router = Router::new();
    for route in routes::all() {
        router = router.route(route.path, method_router(state.clone(), route));
    }
    router
        .fallback(
            |request: Request| async move { finish(Err(unknown_route(request.uri().path())), Answered::default()) },
        )
        .method_not_allowed_fallback(|| async { finish(Err(ApiError::method_not_allowed()), Answered::default()) })
}

fn method_router(state: Arc<ServerState>, route: &'static Route) -> MethodRouter {
    // Each method of the table has a filter, which a test checks.
    let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
    MethodRouter::new().on(filter, move |request: Request| respond(state.clone(), route, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_of_the_table_has_a_filter() {
        for route in routes::all() {
            assert!(MethodFilter::try_from(route.method.clone()).is_ok(), "{}", route.method);
        }
    }
}
