use nango_core::prelude::*;

#[model(updated = "updated_at")]
pub enum State {
    Open,
    Closed,
}

fn main() {}
