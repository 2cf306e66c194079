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

    async fn save(nango: &NangoSync<impl nango_core::Saves<File>>, files: Vec<File>) -> Result<()> {
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

fn main() {
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    let names: Vec<_> = registry.of("google-drive").map(nango_core::internal::declare::Entry::name).collect();
    assert_eq!(names, ["camelCase", "files", "generated", "count", "make", "check", "welcome"]);
    let files = registry.sync("google-drive", "files").unwrap();
    assert_eq!(files.description, "Two models, on two lines.");
    assert_eq!(files.frequency.as_ref().unwrap().seconds(), 30);
    assert!(files.checkpoint.is_some() && files.metadata.is_some() && files.models.len() == 2);
}
