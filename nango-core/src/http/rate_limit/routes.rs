//! Routes: the bucket of each endpoint, learned from responses.

use std::collections::HashMap;

/// Maximum number of stored routes: more than APIs have. Bounded, because path segments may be arbitrary.
const MAX_ROUTES: usize = 256;

/// Buckets by path prefix. Unknown paths use the first bucket.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<String, usize>);

impl Routes {
    /// Returns the bucket of a path.
    pub(super) fn bucket_of(&self, path: &str) -> usize {
        let [two, one] = path_prefixes(path);
        self.0.get(two).or_else(|| self.0.get(one)).copied().unwrap_or(0)
    }

    /// Records the bucket of a path, as a response named it. The first segment covers all paths below it, until one of
    /// them differs.
    pub(super) fn learn(&mut self, path: &str, bucket: usize) {
        let [two, one] = path_prefixes(path);
        if self.bucket_of(path) == bucket && (bucket == 0 || self.0.contains_key(one)) {
            return;
        }
        if self.0.len() < MAX_ROUTES || self.0.contains_key(two) {
            let prefix = if self.0.contains_key(one) { two } else { one };
            self.0.insert(prefix.to_owned(), bucket);
        }
    }
}

/// Returns the prefixes of a path with two segments and with one.
fn path_prefixes(path: &str) -> [&str; 2] {
    let end = |count: usize| path.match_indices('/').nth(count).map_or(path.len(), |(at, _)| at);
    [&path[..end(2)], &path[..end(1)]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_covers_the_paths_below_it() {
        let mut routes = Routes::default();
        assert_eq!(routes.bucket_of("/search/issues"), 0);
        routes.learn("/search/issues", 1);
        routes.learn("/repos/a/b", 0);
        assert_eq!(["/search/issues", "/search/x", "/repos/c/d", "/"].map(|path| routes.bucket_of(path)), [1, 1, 0, 0]);
        routes.learn("/search/code", 2);
        assert_eq!(["/search/issues", "/search/code", "/search/code/x"].map(|path| routes.bucket_of(path)), [1, 2, 2]);
        for path in ["", "/", "//", "é", "/é/ü/ö"] {
            routes.learn(path, 3);
            assert_eq!(routes.bucket_of(path), 3, "{path}");
        }
        for number in 0..1000 {
            routes.learn(&format!("/{number}/x"), 4);
        }
        assert!(routes.0.len() <= MAX_ROUTES);
    }
}
