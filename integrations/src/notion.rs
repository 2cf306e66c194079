//! Notion: pages of a database.

mod pages;

pub use pages::{ApiPage, ApiProperty, ApiRichText, NotionDatabase, NotionPage, pages};
