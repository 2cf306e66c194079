//! The entries, by name.

use std::collections::BTreeMap;

use super::{Provider, file::Entry};
use crate::declare::suggest;

const BUILTIN: &str = include_str!("builtin.yaml");

/// The APIs that are known.
#[derive(Debug, Clone)]
pub struct Catalogue(BTreeMap<String, Provider>);

/// Why a catalogue, or an entry of one, cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file does not have the format.
    #[error("the providers cannot be read: {0}")]
    Unreadable(#[source] Box<serde_saphyr::Error>),
    /// An entry contradicts itself.
    #[error("the provider `{name}` cannot be read: {reason}")]
    Entry {
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such entry.
    #[error("`{name}` is no provider{}: there are {known}", hint.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: Option<String>,
        /// All names.
        known: String,
    },
}

impl Catalogue {
    /// The entries that come with the program.
    pub fn builtin() -> Self {
        #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
        Self::parse(BUILTIN).expect("the built-in catalogue has the format")
    }

    /// Reads a file of the format.
    ///
    /// # Errors
    ///
    /// The file does not have the format: the error names the line, or the entry.
    pub fn parse(yaml: &str) -> Result<Self, CatalogueError> {
        let entries: BTreeMap<String, Entry> =
            serde_saphyr::from_str(yaml).map_err(|error| CatalogueError::Unreadable(Box::new(error)))?;
        let providers = entries.into_iter().map(|(name, entry)| {
            let provider = entry
                .into_provider(name.clone())
                .map_err(|reason| CatalogueError::Entry { name: name.clone(), reason })?;
            Ok((name, provider))
        });
        providers.collect::<Result<_, _>>().map(Self)
    }

    /// An entry.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)
    }

    /// An entry that must be there.
    ///
    /// # Errors
    ///
    /// It is not; the error names the nearest and all others.
    pub fn find(&self, name: &str) -> Result<&Provider, CatalogueError> {
        self.get(name).ok_or_else(|| CatalogueError::Unknown {
            name: name.to_owned(),
            hint: suggest::nearest(name, self.names()).map(str::to_owned),
            known: suggest::list(self.names()),
        })
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        declare::{Paginate, PaginateKind},
        provider::AuthMode,
    };
    use serde_json::json;

    #[test]
    fn the_builtin_entries_are_read() {
        let catalogue = Catalogue::builtin();
        let github = catalogue.get("github").unwrap();
        assert_eq!(github.auth, [AuthMode::Bearer, AuthMode::Basic, AuthMode::None]);
        assert_eq!(github.proxy.paginate, Some(Paginate::link("next").limit_name("per_page")));
        let hubspot = catalogue.get("hubspot").unwrap().proxy.paginate.clone().unwrap();
        assert_eq!(
            hubspot,
            Paginate::cursor("after", "paging.next.after").limit_name("limit").response_path("results")
        );
        let jira = catalogue.get("jira").unwrap();
        let config = json!({ "subdomain": "acme" });
        assert_eq!(jira.base_url("jira", config.as_object().unwrap()).unwrap().as_str(), "https://acme.atlassian.net/");
        assert!(matches!(&jira.proxy.paginate.as_ref().unwrap().kind, Some(PaginateKind::Offset { start: 0, .. })));
    }

    #[test]
    fn an_unknown_name_has_a_neighbour() {
        let catalogue = Catalogue::builtin();
        let error = catalogue.find("githib").unwrap_err().to_string();
        assert!(
            error.starts_with("`githib` is no provider (did you mean `github`?): there are `github`, `hubspot`"),
            "{error}"
        );
    }

    #[track_caller]
    fn check(yaml: &str, expect: &str) {
        let error = Catalogue::parse(yaml).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        let entry = |proxy: &str| format!("a:\n  display_name: A\n  auth_mode: NONE\n  extra: 1\n  proxy:\n{proxy}");
        let url = "    base_url: https://a.test\n";
        Catalogue::parse(&entry(url)).unwrap();
        check(&entry("    headers: {}\n"), "base_url");
        check(&entry("    base_url: https://${x}\n"), "`${x}` in `https://${x}` is not known");
        check(
            &entry(&format!("{url}    headers: {{ 'a b': c }}\n")),
            "the provider `a` cannot be read: `a b` is no name of a header",
        );
        check(
            &entry(&format!("{url}    paginate: {{ type: cursr }}\n")),
            "`paginate` of type cursr is not known: write",
        );
        check(&entry(&format!("{url}    paginate: {{ type: link }}\n")), "needs `link_rel_in_response_header` or");
        check(
            &entry(&format!("{url}    paginate: {{ type: cursor, cursor_name_in_request: c }}\n")),
            "needs `cursor_path_in_response`",
        );
        check("a: [", "the providers cannot be read");
    }
}
