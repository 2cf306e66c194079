use nango_core::prelude::*;

async fn label(nango: nango_core::Nango, owner: String, name: Option<String>) -> Result<Value> {
    nango.get(path!("/repos/{owner}/{share}", share = 0.5)).json().await
}

fn main() {}
