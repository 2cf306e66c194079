//! The key `updated`: every supported type of a time, renamed fields, and deletes with a time.
#![forbid(unsafe_code)]
#![deny(warnings, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]
#![allow(missing_docs, reason = "the attributes need no docs")]

use nango_core::{ApiTime, Record, prelude::*};

macro_rules! models {
    ($($name:ident $type:ty),*) => { $(
        #[model(updated = "time")]
        pub struct $name {
            pub id: u64,
            pub time: $type,
        }
    )* };
}
models!(
    Text String, MaybeText Option<String>, Int i64, Natural u64, Small u32, MaybeInt Option<i64>, Float f64, Any Value,
    Own UnixSeconds
);

/// A user-defined type of a time.
#[model]
pub struct UnixSeconds {
    pub seconds: u64,
}

impl ApiTime for UnixSeconds {
    fn unix_micros(&self) -> Option<i64> {
        self.seconds.unix_micros()
    }
}

/// A model whose time field is a keyword.
#[model(updated = "type")]
pub struct Keyword {
    pub id: u64,
    pub r#type: String,
}

#[model(updated = "last_edit")]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub id: String,
    pub last_edit: String,
}

#[sync(model = "Issue", integration = "github")]
async fn issues(nango: NangoSync) -> Result<()> {
    let deleted = Issue { id: "b".into(), last_edit: "2026-01-02T00:00:00Z".into() };
    nango.batch_delete::<Issue>([("a", "2026-01-02T00:00:00Z")]).await?;
    nango.batch_delete::<Issue>([(&deleted, Some(deleted.last_edit.clone()))]).await?;
    nango.page().delete::<Issue>([("a".to_owned(), 1_763_812_800)]).delete::<Issue>(["b"]).commit().await?;
    Ok(())
}

fn main() {
    assert_eq!((Issue::UPDATED, Text::UPDATED, Keyword::UPDATED), (Some("lastEdit"), Some("time"), Some("type")));
    assert_eq!(Int { id: 1, time: 2 }.updated_micros(), Some(2_000_000));
    assert_eq!(Own { id: 1, time: UnixSeconds { seconds: 2 } }.updated_micros(), Some(2_000_000));
    assert_eq!(MaybeText { id: 1, time: None }.updated_micros(), None);
}
