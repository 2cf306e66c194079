use nango_core::prelude::*;

#[model(nmae = "GithubRepo")]
pub struct Repo {
    pub id: u64,
}

fn main() {}
