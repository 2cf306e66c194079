//! Support functions for the expansions of mappers with `each`.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::decode::decode;
use crate::{
    declare::{
        EachScope, HasMetadata, ParentElement, ParentSource, PathValue, SavedBy, SharedMetadata, SharedParent, fill,
    },
    error::{Error, ErrorKind, Remedy, Result},
    json::{decode_str, short_name},
    model::{Data, Mapped, MappedBatch, Record, canonical},
};

/// List in the metadata whose elements are parents.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of parents",
    label = "`each` names a list in the metadata, but this is `{Self}`",
    note = "a list of parents is a `Vec`, an array, a `BTreeSet`, a `HashSet`, or an `Option` of one of these",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait ParentList {
    /// Type of a parent.
    type Element;

    fn elements(&self) -> impl Iterator<Item = &Self::Element>;
}

macro_rules! parent_lists {
    ($($list:ty $([$($generics:tt)*])?;)*) => { $(
        impl<T $($($generics)*)?> ParentList for $list {
            type Element = T;

            fn elements(&self) -> impl Iterator<Item = &T> {
                self.iter()
            }
        }
    )* };
}
parent_lists!(Vec<T>; Box<[T]>; BTreeSet<T>; [T; N] [, const N: usize]; HashSet<T, H> [, H];);

impl<L: ParentList> ParentList for Option<L> {
    type Element = L::Element;

    fn elements(&self) -> impl Iterator<Item = &Self::Element> {
        self.iter().flat_map(L::elements)
    }
}

/// Returns the source of parents that are records.
pub const fn record_parents<P: Record + Sync>(variant: Option<&'static str>) -> ParentSource {
    ParentSource::Model { model: P::RECORD, variant, decode: decode_parent::<P> }
}

/// Decodes a record of the parents' model from its stored canonical JSON.
///
/// # Errors
///
/// Fails if the record was stored with another schema, with which its type does not agree.
fn decode_parent<P: DeserializeOwned + Send + Sync + 'static>(json: &[u8]) -> Result<SharedParent> {
    let decoded = str::from_utf8(json)
        .map_err(|error| Error::new(ErrorKind::Decode, error))
        .and_then(|json| decode_str::<P>(json).map_err(|error| Error::new(ErrorKind::Decode, error)));
    decoded.map(SharedParent::new).map_err(|error| {
        let name = short_name(std::any::type_name::<P>());
        let message = format!("the stored parent does not fit `{name}`: the sync that saves it must store it again");
        error.context(message).with_remedy(Remedy::RunFull)
    })
}

/// Returns the function that selects a list in the metadata, if the list can have parents.
pub const fn parent_list<S, L>(list: fn(&S::Metadata) -> &L) -> fn(&S::Metadata) -> &L
where
    S: HasMetadata,
    S::Metadata: Data,
    L: ParentList + ?Sized,
{
    list
}

/// Returns the elements of a list in the metadata, sorted by their canonical JSON, each once.
///
/// # Errors
///
/// Fails if an element cannot be represented in JSON.
pub fn elements<S, L>(metadata: &SharedMetadata, list: fn(&S::Metadata) -> &L) -> Result<Vec<ParentElement>>
where
    S: HasMetadata,
    S::Metadata: Data,
    L: ParentList + ?Sized,
    L::Element: Serialize + Clone + Send + Sync + 'static,
{
    let mut elements = BTreeMap::new();
    for element in list(metadata.get().ok_or_else(wrong_type)?).elements() {
        let id = element_id(element)?;
        elements.entry(id).or_insert_with(|| SharedParent::new(element.clone()));
    }
    Ok(elements.into_iter().map(|(id, value)| ParentElement { id, value }).collect())
}

fn element_id<T: Serialize>(element: &T) -> Result<String> {
    let mut json = Vec::new();
    let written = canonical::write(element, &mut json).map_err(|error| Error::new(ErrorKind::Connection, error));
    let text = written.and_then(|()| String::from_utf8(json).map_err(|error| Error::new(ErrorKind::Internal, error)));
    text.map_err(|error| error.context("an element of the list in the metadata cannot be represented in JSON"))
}

/// Returns the parent, a record.
pub fn parent<P: Any>(scope: &EachScope) -> Result<&P> {
    scope.parent.get().ok_or_else(wrong_type)
}

/// Returns the parent, a record, for an async mapper, whose future owns it.
pub fn shared_parent<P: Any + Send + Sync>(scope: &EachScope) -> Result<Arc<P>> {
    scope.parent.clone().into_arc().ok_or_else(wrong_type)
}

/// Returns the parent, an element of a list in the metadata. The list is given only for its type.
pub fn element<S, L>(scope: &EachScope, _list: fn(&S::Metadata) -> &L) -> Result<&L::Element>
where
    S: HasMetadata,
    S::Metadata: Data,
    L: ParentList<Element: Any> + ?Sized,
{
    parent(scope)
}

/// Returns the parent, an element of a list in the metadata, for an async mapper, whose future owns it.
pub fn shared_element<S, L>(scope: &EachScope, _list: fn(&S::Metadata) -> &L) -> Result<Arc<L::Element>>
where
    S: HasMetadata,
    S::Metadata: Data,
    L: ParentList<Element: Any + Send + Sync> + ?Sized,
{
    shared_parent(scope)
}

/// Returns the metadata in a scope.
pub fn metadata_of<S: HasMetadata<Metadata: Data>>(scope: &EachScope) -> Result<&S::Metadata> {
    scope.metadata.as_ref().and_then(SharedMetadata::get).ok_or_else(wrong_type)
}

/// Returns the metadata in a scope for an async mapper, whose future owns it.
pub fn shared_metadata_of<S>(scope: &EachScope) -> Result<Arc<S::Metadata>>
where
    S: HasMetadata,
    S::Metadata: Data + Sync,
{
    scope.metadata.clone().and_then(SharedMetadata::into_arc).ok_or_else(wrong_type)
}

/// Maps a record. `map` has the parent and the metadata.
pub fn map_each<S, R, O>(record: &str, batch: &mut MappedBatch, map: impl FnOnce(R) -> O) -> Result<()>
where
    R: DeserializeOwned,
    O: Mapped,
    O::Models: SavedBy<S>,
{
    map(decode(record)?).put(O::Models::INDICES, batch)
}

/// Builds the endpoint of a parent's list from literals and values of the parent and the metadata.
pub fn endpoint_of_parent(literals: &[&str], values: &[(&str, &dyn PathValue)]) -> Result<String> {
    fill(literals, values).map_err(|error| {
        let is_of_parent = error.name == "each" || error.name.starts_with("each.");
        let (kind, owner) =
            if is_of_parent { (ErrorKind::Record, "parent") } else { (ErrorKind::Connection, "metadata") };
        Error::new(kind, format!("the {owner}'s {error}"))
    })
}

/// Returns the error for a parent or metadata of another marker, which an expansion never passes.
#[cold]
fn wrong_type() -> Error {
    Error::msg("the parent or the metadata of the mapper has another type than declared")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct Repo {
        owner: String,
        name: String,
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct Settings {
        repos: Vec<Repo>,
        tags: Option<BTreeSet<String>>,
    }

    enum Marker {}

    impl HasMetadata for Marker {
        type Metadata = Settings;
    }

    fn repo(owner: &str, name: &str) -> Repo {
        Repo { owner: owner.to_owned(), name: name.to_owned() }
    }

    fn settings() -> SharedMetadata {
        let repos = vec![repo("b", "x"), repo("a", "y"), repo("b", "x")];
        SharedMetadata::new(Settings { repos, tags: Some(BTreeSet::from(["t".to_owned()])) })
    }

    #[test]
    fn elements_are_sorted_by_their_json_and_duplicates_are_one() {
        let all = elements::<Marker, _>(&settings(), |m| &m.repos).unwrap();
        let ids: Vec<&str> = all.iter().map(|element| element.id.as_str()).collect();
        assert_eq!(ids, [r#"{"owner":"a","name":"y"}"#, r#"{"owner":"b","name":"x"}"#]);
        let scope = EachScope { parent: all[1].value.clone(), metadata: Some(settings()) };
        assert_eq!(element::<Marker, _>(&scope, |m| &m.repos).unwrap(), &repo("b", "x"));
        assert_eq!(*shared_element::<Marker, _>(&scope, |m| &m.repos).unwrap(), repo("b", "x"));
        assert_eq!(metadata_of::<Marker>(&scope).unwrap().repos.len(), 3);
        assert_eq!(shared_metadata_of::<Marker>(&scope).unwrap().repos.len(), 3);
        let all = elements::<Marker, _>(&settings(), |m| &m.tags).unwrap();
        assert_eq!(all.iter().map(|element| element.id.as_str()).collect::<Vec<_>>(), ["\"t\""]);
    }

    #[test]
    fn stored_parent_is_decoded_and_another_schema_is_an_error_with_the_next_step() {
        let decoded = decode_parent::<Repo>(br#"{"owner":"a","name":"y"}"#).unwrap();
        let scope = EachScope { parent: decoded, metadata: None };
        assert_eq!(parent::<Repo>(&scope).unwrap(), &repo("a", "y"));
        assert_eq!(*shared_parent::<Repo>(&scope).unwrap(), repo("a", "y"));
        assert!(parent::<String>(&scope).is_err() && metadata_of::<Marker>(&scope).is_err());
        let error = decode_parent::<Repo>(br#"{"owner":"a"}"#).unwrap_err();
        let expect = "the stored parent does not fit `Repo`: the sync that saves it must store it again";
        assert!(error.kind() == ErrorKind::Decode && error.to_string().starts_with(expect), "{error}");
        assert_eq!(error.remedy(), Some(&Remedy::RunFull));
    }

    #[test]
    fn value_that_is_not_a_path_segment_is_an_error_about_its_owner() {
        let path = |id: &str, team: &str| endpoint_of_parent(&["/", "/", ""], &[("each.id", &id), ("team", &team)]);
        assert_eq!(path("a/b", "t").unwrap(), "/a%2Fb/t");
        let error = path("", "t").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Record);
        assert!(error.to_string().starts_with("the parent's `each.id` is \"\" in the path"), "{error}");
        assert_eq!(path("a", "..").unwrap_err().kind(), ErrorKind::Connection);
    }
}
