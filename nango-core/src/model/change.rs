//! Changes that a mapper returns: a record to save, a tombstone, or a record that is kept as it is.

use super::Record;

/// Meaning of a record of an API for its stored copy: the return type of a mapper whose API also reports deletes, or
/// whose records are not always saved.
///
/// ```
/// use nango_core::prelude::*;
///
/// #[derive(Deserialize)]
/// pub struct ApiTicket {
///     id: u64,
///     status: String,
///     subject: String,
/// }
///
/// #[model]
/// pub struct Ticket {
///     pub id: u64,
///     pub subject: String,
/// }
///
/// #[sync(model = "Ticket", integration = "desk", endpoint = "/tickets", since(param = "updated_since"))]
/// fn tickets(ticket: ApiTicket) -> Change<Ticket> {
///     match ticket.status.as_str() {
///         "deleted" => Change::Delete(ticket.id),
///         "archived" => Change::Keep(ticket.id),
///         "spam" => Change::Skip,
///         _ => Change::Save(Ticket { id: ticket.id, subject: ticket.subject }),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<M: Record> {
    /// Saves the record.
    Save(M),
    /// Deletes the record with this id: the API reports that it was deleted. Nothing happens if it is not stored. The
    /// keys that delay deletes, `confirm_deletes`, `hold` and `max_deletes`, do not apply.
    Delete(M::Id),
    /// Leaves the record with this id as it is, and counts it as seen: with `track_deletes`, a complete walk does not
    /// delete it.
    Keep(M::Id),
    /// Saves nothing, as `None` does: the record is not part of the copy, so that with `track_deletes` a complete walk
    /// deletes a stored one.
    Skip,
}
