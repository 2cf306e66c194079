//! Shopify: orders with their lines.

mod orders;

pub use orders::{ApiLine, ApiOrder, ShopifyOrder, ShopifyOrderLine, orders};
