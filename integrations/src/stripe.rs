//! Stripe: customers and invoices, with changes from webhooks.

mod customers;
mod invoice_changed;
mod invoices;

pub use customers::{ApiCustomer, StripeCustomer, customers};
pub use invoice_changed::{InvoiceChange, InvoiceEvent, InvoiceEventData, invoice_changed};
pub use invoices::{ApiInvoice, StripeInvoice, invoices};
