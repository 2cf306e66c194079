use nango_core::prelude::*;

async fn label(nango: nango_core::Nango, owner: String, name: Option<String>) -> Result<Value> {
    nango.get(path!("/repos/{id}", id = 1, id = 2)).json().await
}

fn main() {}
