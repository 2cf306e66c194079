//! The table of routes, one file per area.

mod providers;
mod service;

use super::route::Route;

/// Tables of all areas.
const TABLES: [&[Route]; 2] = [service::ROUTES, providers::ROUTES];

/// Returns all routes.
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
            assert!(!route.replies.is_empty(), "{}", route.path);
        }
    }
}
