//! HubSpot: contacts of a portal.

mod contacts;

pub use contacts::{ApiContact, ApiProperties, HubspotContact, contacts};
