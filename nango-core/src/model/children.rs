//! Children of a parent that a mapper returns: all records that belong to it.

use super::{Record, RecordId};

/// All records that belong to one parent, such as the lines of an order: the part of a mapper's return type that
/// replaces them. They are saved, and records that were stored for the same parent and are not among them are deleted,
/// in the transaction of the page, in full and incremental runs.
///
/// The keys that delay deletes, `confirm_deletes`, `hold` and `max_deletes`, do not apply: the parent contains the
/// complete list. Records that were saved without a parent, or for another one, are not deleted. If several records of
/// a page return children of the same parent, the last ones count. A mapper that does not have the list of a parent
/// returns `None` of an `Option<Children<Model>>`, which changes nothing.
///
/// ```
/// use nango_core::prelude::*;
///
/// #[derive(Deserialize)]
/// pub struct ApiOrder {
///     id: u64,
///     name: String,
///     line_items: Vec<Line>,
/// }
///
/// #[model]
/// pub struct Order {
///     pub id: u64,
///     pub name: String,
/// }
///
/// #[model]
/// pub struct Line {
///     pub id: u64,
///     pub quantity: u32,
/// }
///
/// #[sync(models("Order", "Line"), integration = "shop", endpoint = "/orders", since(param = "updated_at_min"))]
/// fn orders(order: ApiOrder) -> (Order, Children<Line>) {
///     let lines = Children::of(&order.id, order.line_items);
///     (Order { id: order.id, name: order.name }, lines)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children<M> {
    parent: String,
    records: Vec<M>,
}

impl<M: Record> Children<M> {
    /// Returns the children of the parent with this id. Without records, all stored children of the parent are deleted.
    pub fn of(parent: &impl RecordId, records: impl IntoIterator<Item = M>) -> Self {
        Self { parent: parent.to_string(), records: records.into_iter().collect() }
    }

    /// Returns the id of the parent and the records.
    pub(super) fn into_parts(self) -> (String, Vec<M>) {
        (self.parent, self.records)
    }
}
