//! The APIs that are known without configuration, by subject.
//!
//! Facts are from the public documentation of each API and from public clients of it: the line above an entry names what
//! was read when it was written. What could not be found out is left out: an entry without `paginate` is one whose lists
//! have no way in common.

/// The files: their names, for messages, and their texts.
pub(super) const BUILTIN: [(&str, &str); 14] = [
    ("builtin/code.yaml", include_str!("builtin/code.yaml")),
    ("builtin/communication.yaml", include_str!("builtin/communication.yaml")),
    ("builtin/documents.yaml", include_str!("builtin/documents.yaml")),
    ("builtin/files.yaml", include_str!("builtin/files.yaml")),
    ("builtin/google.yaml", include_str!("builtin/google.yaml")),
    ("builtin/marketing.yaml", include_str!("builtin/marketing.yaml")),
    ("builtin/microsoft.yaml", include_str!("builtin/microsoft.yaml")),
    ("builtin/models.yaml", include_str!("builtin/models.yaml")),
    ("builtin/money.yaml", include_str!("builtin/money.yaml")),
    ("builtin/other.yaml", include_str!("builtin/other.yaml")),
    ("builtin/people.yaml", include_str!("builtin/people.yaml")),
    ("builtin/sales.yaml", include_str!("builtin/sales.yaml")),
    ("builtin/support.yaml", include_str!("builtin/support.yaml")),
    ("builtin/work.yaml", include_str!("builtin/work.yaml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    #[test]
    fn no_name_is_there_twice() {
        let each = BUILTIN.iter().map(|(_, text)| Catalogue::parse(text).unwrap().names().count());
        assert_eq!(each.sum::<usize>(), Catalogue::builtin().names().count());
    }

    #[test]
    fn every_entry_says_what_it_is() {
        for provider in Catalogue::builtin().providers() {
            let name = &provider.name;
            assert!(!provider.categories.is_empty() && provider.docs.is_some(), "{name}");
            assert!(provider.raw.contains_key("display_name") && provider.accepts(provider.mode), "{name}");
            let fields = provider.credentials.iter().chain(&provider.config);
            for field in fields.filter(|field| !field.hidden) {
                assert!(!field.description.is_empty(), "{name}: {}", field.name);
            }
        }
    }
}
