//! Functions by their paths in the source and by their descriptors, and registries of one integration.

use super::{Entry, Item, LoadError, Registry, integration_key};
use crate::declare::{ActionDef, suggest};

impl Registry {
    /// Finds the descriptor of an annotated function by the result of [`std::any::type_name`] for it.
    ///
    /// # Errors
    ///
    /// Fails with a message if the function has no attribute, or is not linked into the program.
    pub(crate) fn item_of(function: &str) -> Result<Item, String> {
        find(inventory::iter::<Item>.into_iter().copied(), function)
    }

    /// Returns the functions of an integration under another name, for a connection that is not one of the integration.
    ///
    /// # Errors
    ///
    /// Returns every [`LoadError`], not only the first.
    pub(crate) fn of_integration(integration: &str, name: &str) -> Result<Self, Vec<LoadError>> {
        let all = inventory::iter::<Item>.into_iter().copied();
        let mut registry = Self::from_items(all.filter(|item| Entry::new(*item).integration() == integration))?;
        for entry in &mut registry.entries {
            name.clone_into(&mut entry.integration);
        }
        Ok(registry)
    }

    /// Returns the name of the integration of an action in this registry.
    pub(crate) fn integration_of(&self, action: &'static ActionDef) -> String {
        let is_action = |entry: &&Entry| matches!(entry.item(), Item::Action(def) if std::ptr::eq(def, action));
        let entry = self.entries.iter().find(is_action);
        entry.map_or_else(|| integration_key(action.integration), |entry| entry.integration().to_owned())
    }
}

fn find(items: impl Iterator<Item = Item>, function: &str) -> Result<Item, String> {
    let items: Vec<(Vec<&str>, Item)> = items.map(|item| (segments(Entry::new(item).at().function), item)).collect();
    let wanted = segments(function);
    if let Some((_, item)) = items.iter().find(|(path, _)| *path == wanted) {
        return Ok(*item);
    }
    // The type of a function within a function body names that function too, while `module_path!()` does not.
    let mut nested = items.iter().filter(|(path, _)| wanted.last() == path.last() && is_within(path, &wanted));
    match (nested.next(), nested.next()) {
        (Some((_, item)), None) => return Ok(*item),
        (Some(_), Some(_)) => {
            return Err(format!("several annotated functions can be `{function}`: give them different names"));
        }
        (None, _) => {}
    }
    let names = items.iter().filter_map(|(path, _)| path.last().copied());
    let hint = suggest::hint(wanted.last().and_then(|last| suggest::nearest(last, names)));
    Err(format!(
        "`{function}` is not an annotated function: pass a function with `#[sync]`, `#[action]`, `#[on_event]` or \
         `#[on_webhook]` itself, such as `mock.run(repo_issues)`{hint}"
    ))
}

/// Returns the segments of a path. A raw identifier is compared without its prefix.
fn segments(path: &str) -> Vec<&str> {
    path.split("::").map(|segment| segment.strip_prefix("r#").unwrap_or(segment)).collect()
}

/// Returns whether the segments of `path` are segments of `nested`, in order, with the same crate.
fn is_within(path: &[&str], nested: &[&str]) -> bool {
    let mut rest = nested.iter();
    path.first() == nested.first() && path.iter().all(|segment| rest.any(|other| other == segment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::{ActionDef, Location};

    const fn action(function: &'static str) -> ActionDef {
        ActionDef {
            at: Location { file: "src/acme.rs", line: 1, function },
            integration: "acme",
            name: "list",
            description: "",
            version: "0.0.1",
            scopes: &[],
            input: None,
            output: |generator| generator.subschema_for::<()>(),
            checkpoint: None,
            metadata: None,
            run: |_, _| Box::pin(std::future::ready(Ok(serde_json::Value::Null))),
        }
    }

    static LIST: ActionDef = action("app::acme::list");
    static TYPE: ActionDef = action("app::acme::r#type::type");

    fn found(function: &str) -> Result<&'static str, String> {
        let items = [Item::Action(&LIST), Item::Action(&TYPE)];
        find(items.into_iter(), function).map(|item| Entry::new(item).at().function)
    }

    #[test]
    fn function_is_found_by_the_name_of_its_type() {
        assert_eq!(found("app::acme::list"), Ok("app::acme::list"));
        assert_eq!(found("app::acme::type::type"), Ok("app::acme::r#type::type"));
        assert_eq!(found("app::tests::works::{{closure}}::acme::list"), Ok("app::acme::list"));
    }

    #[test]
    fn function_without_attribute_is_named_with_the_nearest_one() {
        let error = found("app::acme::lists").unwrap_err();
        assert!(error.starts_with("`app::acme::lists` is not an annotated function"), "{error}");
        assert!(error.ends_with("did you mean `list`?"), "{error}");
        assert!(found("other::acme::list").is_err());
        assert!(found("fn() -> core::option::Option<u8>").is_err());
    }
}
