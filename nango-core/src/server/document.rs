//! The OpenAPI document, made on its first use: few servers are asked for it. Those of keys which are limited to
//! integrations are kept for the sets of integrations that were used last, so that a client cannot make the server
//! repeat the work with each request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bytes::Bytes;

use crate::declare::Registry;

/// Maximum number of documents of limited keys that are kept.
const MAX_LIMITED: usize = 16;

/// Function that makes the document of a registry, whose URLs begin with a text, with the schemas of these integrations
/// or of all.
type Make = fn(&Registry, &str, Option<&[String]>) -> Result<Bytes, String>;

/// Document as JSON, or the reason why it cannot be made.
type Made = OnceLock<Result<Bytes, String>>;

/// The document as JSON.
#[derive(Debug)]
pub(crate) struct Document {
    make: Make,
    made: Made,
    /// Documents of sets of integrations, in the order of their last use.
    limited: Mutex<VecDeque<(Vec<String>, Arc<Made>)>>,
}

impl Document {
    /// Creates the document that a function makes. It is passed in, because the function needs the table of routes.
    pub(super) fn new(make: Make) -> Self {
        Self { make, made: OnceLock::new(), limited: Mutex::default() }
    }

    /// Returns the JSON, with the schemas of the `allowed` integrations or of all.
    ///
    /// # Errors
    ///
    /// Fails with the reason why the document cannot be made.
    pub(super) fn json(
        &self,
        registry: &Registry,
        public_url: &str,
        allowed: Option<&[String]>,
    ) -> Result<Bytes, String> {
        let make = || (self.make)(registry, public_url, allowed);
        match allowed {
            Some(allowed) => self.limited_to(allowed).get_or_init(make).clone(),
            None => self.made.get_or_init(make).clone(),
        }
    }

    /// Returns the document of a set of integrations, and marks it as the one that was used last.
    fn limited_to(&self, allowed: &[String]) -> Arc<Made> {
        let mut set = allowed.to_vec();
        set.sort_unstable();
        set.dedup();
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = limited.iter().position(|(kept, _)| *kept == set).and_then(|at| limited.remove(at));
        let (set, made) = kept.unwrap_or_else(|| (set, Arc::default()));
        if limited.len() == MAX_LIMITED {
            limited.pop_front();
        }
        limited.push_back((set, Arc::clone(&made)));
        made
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn document_of_a_set_of_integrations_is_made_once_while_it_is_used() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let document = Document::new(|_, _, allowed| {
            MADE.fetch_add(1, Ordering::Relaxed);
            Ok(allowed.map_or_else(|| "all".to_owned(), |allowed| allowed.len().to_string()).into())
        });
        let registry = Registry::load().unwrap();
        let json = |allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
            let made = document.json(&registry, "", Some(&allowed)).unwrap();
            (made, MADE.load(Ordering::Relaxed))
        };
        assert_eq!(json(&["a", "b"]), ("2".into(), 1));
        assert_eq!(json(&["b", "a"]), ("2".into(), 1));
        assert_eq!(json(&["a"]), ("1".into(), 2));
        assert_eq!(document.json(&registry, "", None).unwrap(), "all");
        let other: Vec<String> = (0..MAX_LIMITED - 1).map(|n| n.to_string()).collect();
        for name in &other {
            json(&[name]);
        }
        // The set that was not used for the longest time is removed.
        let made = MADE.load(Ordering::Relaxed);
        assert_eq!(json(&["a"]), ("1".into(), made));
        assert_eq!(json(&["a", "b"]), ("2".into(), made + 1));
        assert!(document.limited.lock().unwrap().len() == MAX_LIMITED);
    }
}
