//! Every attribute with `crate = path`, in a crate that does not have `nango_core` under this name.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a panic is how a test reports"))]
#![allow(missing_docs, unreachable_pub, reason = "functions are public in the crates that this one stands for")]

/// The module that a facade crate would export.
mod facade {
    pub(crate) use runtime as nango;
}

mod acme {
    use super::facade::nango;
    use nango::prelude::*;

    /// An item of the list.
    #[model(crate = nango)]
    pub struct Item {
        pub id: u64,
        pub name: String,
    }

    /// A change to an item.
    #[patch(of = Item, crate = nango)]
    pub struct ItemPatch {
        pub id: u64,
        pub name: Option<String>,
    }

    /// The position in the list.
    #[checkpoint(crate = nango)]
    pub struct Position {
        pub page: u32,
    }

    /// Syncs the items of the list.
    #[sync(model = "Item", checkpoint = Position, crate = nango)]
    pub async fn items(nango: NangoSync) -> Result<()> {
        let path = path!(crate = runtime, "/items/{id}", id = 1);
        nango.batch_save([nango.get(path).json::<Item>().await?]).await?;
        nango.batch_update([ItemPatch { id: 1, name: Some("changed".into()) }]).await?;
        nango.save_checkpoint(Position { page: 1 }).await
    }

    /// Syncs the items with a mapper.
    #[sync(crate = nango, model = "Item", endpoint = "/items", paginate(link(rel = "next")))]
    pub fn mapped_items(item: Item) -> Item {
        item
    }

    /// Counts the letters of a text.
    #[action(crate = nango)]
    pub async fn count(nango: NangoAction, text: String) -> Result<usize> {
        nango.log("counting").debug();
        Ok(text.len())
    }

    #[on_event(post_connection_creation, crate = nango)]
    async fn created(nango: NangoAction) -> Result<()> {
        nango.trigger(count, String::new()).await.map(|_| ())
    }

    #[on_webhook(items, "item.changed", crate = nango)]
    async fn item_changed(nango: NangoSync, item: Item) -> Result<()> {
        nango.batch_save([item]).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use runtime::{internal::declare::Registry, prelude::*, testing::Mock};

    use super::acme::{Item, items};

    #[test]
    fn functions_of_a_renamed_crate_are_registered() {
        assert_eq!(Registry::load().unwrap().entries().len(), 5);
    }

    #[tokio::test]
    async fn sync_of_a_renamed_crate_runs() -> Result<()> {
        let mock = Mock::new().reply("/items/1", json!({ "id": 1, "name": "first" }));
        items(mock.nango()).await?;
        assert_eq!(mock.saved::<Item>().await[0].name, "changed");
        Ok(())
    }
}
