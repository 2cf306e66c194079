//! Nango's file layout: a module named after its only function and re-exported, raw identifiers, and a webhook handler
//! in another module.
#![allow(clippy::unwrap_used, reason = "tests report failures by panics")]
#![deny(warnings, clippy::pedantic)]
#![allow(missing_docs, reason = "the attributes need no docs")]

pub mod github {
    pub mod create_issue {
        use nango_core::prelude::*;

        #[action]
        pub async fn create_issue(_nango: NangoAction, number: u32) -> Result<u32> {
            Ok(number + 1)
        }
    }
    pub use create_issue::create_issue;

    pub mod issues {
        use nango_core::prelude::*;

        #[model]
        pub struct Issue {
            pub id: u64,
        }

        #[sync(model = "Issue", integration = "git-hub")]
        pub async fn issues(nango: NangoSync) -> Result<()> {
            let number = nango.trigger(super::create_issue, 1).await?;
            let kind = nango.trigger(super::r#type::r#type, ()).await?;
            nango.batch_save([Issue { id: u64::from(number + kind) }]).await?;
            Ok(())
        }
    }

    pub use issues::issues;

    pub mod hooks {
        use nango_core::prelude::*;

        use super::issues::Issue;

        #[on_webhook(super::issues::issues, "issues.opened", "issues.edited")]
        pub async fn changed(nango: NangoSync, payload: Value) -> Result<()> {
            let id = payload["id"].as_u64().unwrap_or_default();
            nango.batch_save([Issue { id }]).await?;
            Ok(())
        }

        #[sync(model = Issue)]
        pub(super) async fn second(_nango: NangoSync) -> Result<()> {
            Ok(())
        }

        #[on_webhook(second, "*")]
        async fn r#match(nango: NangoSync, payload: Issue) -> Result<()> {
            nango.batch_save([payload]).await?;
            Ok(())
        }
    }

    pub mod r#type {
        use nango_core::prelude::*;

        #[action]
        pub async fn r#type(_nango: NangoAction) -> Result<u32> {
            Ok(40)
        }
    }
}

fn main() {
    let registry = nango_core::internal::declare::Registry::load().unwrap();
    let names: Vec<_> = registry.entries().iter().map(|entry| (entry.integration(), entry.name())).collect();
    let expect = [
        ("git-hub", "issues"),
        ("git-hub", "changed"),
        ("github", "second"),
        ("github", "create-issue"),
        ("github", "type"),
        ("github", "match"),
    ];
    assert_eq!(names, expect);
}
