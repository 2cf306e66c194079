//! Zendesk: tickets of an account.

mod tickets;

pub use tickets::{ApiTicket, ZendeskTicket, tickets};
