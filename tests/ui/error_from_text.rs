use nango_core::prelude::*;

fn check(title: &str) -> Result<()> {
    if title.is_empty() {
        return Err("an issue needs a title")?;
    }
    Ok(())
}

fn main() {}
