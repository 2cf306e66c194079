//! All mistakes of one attribute and its function are reported by one compilation.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", frequncy = "every hour", colour = 3, version = "1", auto_start = 0)]
fn fetch_issues(nango: &NangoSync, _page: u32) {
    nango.batch_save([Issue { id: 1, title: String::new() }]);
}

fn main() {}
