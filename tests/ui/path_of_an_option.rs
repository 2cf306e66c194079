use nango_core::prelude::*;

async fn label(nango: nango_core::Nango, owner: String, name: Option<String>) -> Result<Value> {
    nango.get(path!("/repos/{owner}/labels/{name}")).json().await
}

fn main() {}
