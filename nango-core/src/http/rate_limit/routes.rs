//! Which bucket an endpoint is counted in, as far as answers told.

use std::collections::HashMap;

/// More places than APIs have; names in paths may be anything.
const MAX_ROUTES: usize = 256;

/// Places by the beginning of their path. What no answer told of is counted in the first bucket.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<String, usize>);

impl Routes {
    /// The bucket of a path.
    pub(super) fn bucket_of(&self, path: &str) -> usize {
        let [two, one] = path_prefixes(path);
        self.0.get(two).or_else(|| self.0.get(one)).copied().unwrap_or(0)
    }

    /// An answer told the bucket of a path. Its first segment stands for all below it, until one differs.
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

/// The first two segments of a path, and the first.
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
