//! The table of routes, one file per area.

mod actions;
mod connections;
mod environment;
mod functions;
mod integrations;
mod metadata;
mod providers;
mod records;
mod scripts;
mod service;
mod syncs;

use super::route::Route;

/// Tables of all areas.
const TABLES: [&[Route]; 11] = [
    service::ROUTES,
    providers::ROUTES,
    integrations::ROUTES,
    functions::ROUTES,
    scripts::ROUTES,
    environment::ROUTES,
    connections::ROUTES,
    metadata::ROUTES,
    records::ROUTES,
    actions::ROUTES,
    syncs::ROUTES,
];

/// Returns all routes of the API.
pub(super) fn all() -> impl Iterator<Item = &'static Route> {
    TABLES.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::server::route::Place;

    #[test]
    fn each_route_has_its_own_id_and_describes_its_path() {
        let mut ids = BTreeSet::new();
        for route in all() {
            assert!(ids.insert(route.id), "the id `{}` is used twice", route.id);
            let in_path: Vec<&str> = route.path.split(['{', '}']).skip(1).step_by(2).collect();
            let described: Vec<&str> = route
                .parameters
                .iter()
                .filter(|parameter| parameter.place == Place::Path)
                .map(|parameter| parameter.name)
                .collect();
            assert_eq!(in_path, described, "{}", route.path);
            assert!(!route.path.ends_with('/') && route.path.starts_with('/'), "{}", route.path);
            // A route that only refuses has an error instead.
            assert!(!route.replies.is_empty() || !route.errors.is_empty(), "{}", route.path);
        }
    }
}
