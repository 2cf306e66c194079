#[model(crate = my_facade::nango)]
pub struct Issue {
    pub id: u64,
}
