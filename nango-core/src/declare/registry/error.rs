//! Errors in the set of registered functions.

use crate::declare::Location;

/// Error in the set of registered functions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is registered.
    #[error(
        "nothing is registered: the program links no crate of integrations. Call into it from main.rs: \
         `fn main() -> std::process::ExitCode {{ integrations::main() }}`"
    )]
    Empty,
    /// Two functions of one kind have the same name.
    #[error(
        "{kind} `{name}` of `{integration}` is defined twice: {first} and {second}. \
         Rename one, or give it `name = \"…\"`"
    )]
    Duplicate {
        /// Kind of the function.
        kind: &'static str,
        /// Name of the function.
        name: &'static str,
        /// Name of the integration.
        integration: String,
        /// Location of the first definition.
        first: Location,
        /// Location of the second definition.
        second: Location,
    },
    /// Two types have the same model name in one integration.
    #[error(
        "`{integration}` has two models named `{model}`: {first} and {second}. \
         Give one another name: `#[model(name = \"…\")]`"
    )]
    ModelName {
        /// Name of the integration.
        integration: String,
        /// Name of the model.
        model: &'static str,
        /// Name of the first type.
        first: &'static str,
        /// Name of the second type.
        second: &'static str,
    },
    /// The parents of a mapper are records of its own model.
    #[error(
        "the sync `{name}` of `{integration}` saves `{parent}`, which are also its parents (`each = {parent}`, {at}): \
         a sync reads its parents from another sync. Write a sync of another model for the children of `{parent}`"
    )]
    OwnParent {
        /// Name of the sync.
        name: &'static str,
        /// Name of the integration.
        integration: String,
        /// Name of the parents' model.
        parent: &'static str,
        /// Location of the sync.
        at: Location,
    },
    /// No sync of the integration saves the parents of a mapper.
    #[error(
        "the sync `{name}` of `{integration}` has `each = {parent}` ({at}), but no sync of `{integration}` saves \
         `{parent}`. Add a sync with `model = \"{parent}\"` to `{integration}`, or name a model that is saved there"
    )]
    UnknownParent {
        /// Name of the sync.
        name: &'static str,
        /// Name of the integration.
        integration: String,
        /// Name of the parents' model.
        parent: &'static str,
        /// Location of the sync.
        at: Location,
    },
}
