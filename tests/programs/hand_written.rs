//! Functions without a mapper: several models, checkpoint, metadata, patches, deletes, events, helper functions,
//! conditions and lints on functions, and the handle as a path.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_debug_implementations, rust_2018_idioms, clippy::pedantic)]
#![allow(missing_docs, unreachable_pub, reason = "the attributes need neither")]

mod google_drive {
    use nango_core::prelude::*;

    #[model]
    pub struct File {
        pub id: String,
        pub name: String,
    }

    #[model]
    pub struct Folder {
        pub id: i64,
    }

    #[patch(of = File)]
    pub struct Rename {
        pub id: String,
        pub name: Option<String>,
    }

    #[checkpoint]
    pub struct PagePosition {
        pub page: u32,
    }

    #[model]
    pub struct Config {
        pub root: String,
    }

    /// Two models,
    /// on two lines.
    ///
    /// And more.
    #[sync(
        models("File", Folder),
        checkpoint = PagePosition,
        metadata = Config,
        frequency = "30s",
        confirm_deletes = 3
    )]
    async fn files(mut nango: nango_core::NangoSync) -> Result<()> {
        nango = identity(nango);
        let page = nango.checkpoint().await?.map_or(1, |checkpoint| checkpoint.page);
        let root = nango.metadata().await?.root;
        let files: Vec<File> = nango.get(root).query("page", page).json().await?;
        save(&nango, files).await?;
        nango.batch_save([Folder { id: 1 }]).await?;
        nango.batch_update([Rename { id: "a".into(), name: None }]).await?;
        nango.batch_delete::<Folder>([1, 2]).await?;
        nango.save_checkpoint(PagePosition { page: page + 1 }).await?;
        Ok(())
    }

    fn identity<T>(t: T) -> T {
        t
    }

    async fn save(nango: &NangoSync<impl Saves<File>>, files: Vec<File>) -> Result<()> {
        nango.batch_save(files).await?;
        Ok(())
    }

    #[action(scopes("drive"), metadata = Config, checkpoint = PagePosition)]
    async fn make(nango: NangoAction, File { id, name }: File) -> Result<File> {
        let config = nango.metadata().await?;
        Ok(File { id, name: name + &config.root })
    }

    #[action]
    async fn count(_nango: NangoAction) -> Result<Option<u64>> {
        Ok(None)
    }

    #[on_event(post_connection_creation, metadata = Config)]
    async fn welcome(nango: NangoAction) -> Result<()> {
        nango.metadata().await?;
        nango.trigger(count, ()).await?;
        nango.trigger(make, File { id: String::new(), name: String::new() }).await?;
        Ok(())
    }

    #[on_event(validate_connection, name = "check", description = "Checks.")]
    async fn validate(_nango: NangoAction) -> nango_core::Result<()> {
        Ok(())
    }

    #[sync(model = File)]
    #[cfg(any())]
    async fn removed(nango: NoSuchHandle) -> Result<()> {
        nango.no_such_method(NoSuchType)
    }

    #[on_webhook(files, "*")]
    #[cfg(not(all()))]
    async fn removed_too(nango: NangoSync, payload: NoSuchType) -> Result<()> {}

    #[sync(model = File)]
    #[allow(non_snake_case)]
    async fn camelCase(_nango: NangoSync) -> Result<()> {
        Ok(())
    }

    /// A sync that a macro of the user generates.
    macro_rules! sync_of {
        ($name:ident, $model:ty, $returns:ty) => {
            #[sync(model = File)]
            async fn $name(nango: NangoSync) -> $returns {
                let records: Vec<$model> = Vec::new();
                nango.batch_save(records).await?;
                Ok(())
            }
        };
    }
    sync_of!(generated, File, Result<()>);
}

mod shop {
    use std::{
        borrow::Cow,
        collections::{BTreeMap, BTreeSet, HashMap},
    };

    use nango_core::{Uuid, prelude::*};

    #[model(updated = "updated_at")]
    pub struct Item {
        pub id: u64,
        pub updated_at: Timestamp,
        pub prices: Vec<Price>,
        pub parent: Option<Box<Item>>,
        pub more: HashMap<String, Price>,
    }

    #[model]
    #[derive(Copy, Eq, Default)]
    pub struct Price {
        pub cents: i64,
    }

    #[patch(of = Item)]
    pub struct ItemPatch {
        pub id: u64,
        pub updated_at: Option<Timestamp>,
        pub prices: Option<Vec<Price>>,
    }

    #[model]
    pub struct Tag {
        pub id: Cow<'static, str>,
    }

    #[model]
    pub struct Order {
        pub id: Uuid,
    }

    /// The last message of each channel.
    #[checkpoint]
    pub struct Position {
        pub since: Option<Timestamp>,
        pub channels: BTreeMap<String, String>,
        pub pages: HashMap<String, Option<u32>>,
    }

    /// The response of the API, which is not a model.
    #[derive(Deserialize)]
    struct List<T> {
        items: Vec<T>,
    }

    #[sync(model = "Item", checkpoint = Position)]
    async fn items(nango: NangoSync) -> Result<()> {
        let List { items } = nango.get("/items").json::<List<Item>>().await.context("reading the items")?;
        nango.batch_save(&items).await?;
        nango.batch_save(items.iter().filter(|item| item.id > 1)).await?;
        nango.batch_save(items.first()).await?;
        nango.batch_save([&items[0]]).await?;
        let patches = vec![ItemPatch { id: 1, updated_at: None, prices: None }];
        nango.batch_update(&patches).await?;
        nango.batch_update(patches).await?;
        nango.batch_update_values([(1, json!({ "prices": [] }))]).await?;
        nango.batch_delete([1]).await?;
        nango.batch_delete([2_u64, 3].iter()).await?;
        nango.batch_delete(items.iter().map(|item| (item, item.updated_at))).await?;
        let found = nango.records_by_id([1_u64]).await?;
        let cents = found.get(&1).and_then(|item| item.prices.first()).map(|price| price.cents);
        let scan = nango.full_scan().await?;
        let mut records = nango.records();
        while let Some(item) = records.next().await? {
            ensure!(item.parent.is_none(), "the item {} has a parent, {cents:?}", item.id);
        }
        let since = items.iter().map(|item| item.updated_at).max();
        let position = Position { since, channels: BTreeMap::new(), pages: HashMap::new() };
        nango.page().save(&items).delete([4]).checkpoint(position).commit().await?;
        scan.finish().await?;
        save_all(&nango, &items).await
    }

    /// A helper of every sync of a model.
    async fn save_all<M: nango_core::Record>(nango: &NangoSync<impl Saves<M>>, records: &[M]) -> Result<()> {
        nango.batch_save(records).await?;
        nango.batch_delete(records).await?;
        Ok(())
    }

    #[sync(models("Tag", "Order"))]
    async fn tags(nango: NangoSync) -> Result<()> {
        nango.batch_save([Tag { id: "new".into() }]).await?;
        nango.batch_delete::<Tag>(["old", "older"]).await?;
        nango.batch_delete::<Order>([Uuid::nil()]).await?;
        nango.batch_save([Order { id: Uuid::nil() }]).await?;
        Ok(())
    }

    /// Inputs and outputs of plain types.
    #[action]
    async fn labels(nango: NangoAction, input: HashMap<u64, String>) -> Result<(u8, Box<Uuid>, BTreeSet<String>)> {
        let sent: Value =
            nango.post("/labels").body(json!({ "names": input.values().collect::<Vec<_>>() })).json().await?;
        let Some(id) = sent["id"].as_str() else { bail!("the response has no id") };
        let id = id.parse().with_context(|| format!("reading the id `{id}`"))?;
        let texts: Vec<String> = nango.post("/texts").body(&input).body("text").body(["a"].as_slice()).json().await?;
        Ok((1, Box::new(id), texts.into_iter().collect()))
    }

    /// An error of another type than `nango_core::Error`.
    #[action]
    async fn number(_nango: NangoAction, input: serde_json::Map<String, Value>) -> Result<u8, std::num::ParseIntError> {
        input.keys().next().map_or("0", String::as_str).parse()
    }
}

fn main() {
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    let names: Vec<_> = registry.of("google-drive").map(nango_core::internal::declare::Entry::name).collect();
    assert_eq!(names, ["camelCase", "files", "generated", "count", "make", "check", "welcome"]);
    let files = registry.sync("google-drive", "files").unwrap();
    assert_eq!(files.description, "Two models, on two lines.");
    assert_eq!(files.frequency.as_ref().unwrap().seconds(), 30);
    assert!(files.checkpoint.is_some() && files.metadata.is_some() && files.models.len() == 2);
}
