use nango_core::prelude::*;

#[model(id = "open")]
pub enum State {
    Open,
    Closed,
}

fn main() {}
