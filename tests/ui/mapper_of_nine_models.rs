use nango_core::prelude::*;

#[model]
pub struct M1 {
    pub id: u64,
}

#[model]
pub struct M2 {
    pub id: u64,
}

#[model]
pub struct M3 {
    pub id: u64,
}

#[model]
pub struct M4 {
    pub id: u64,
}

#[model]
pub struct M5 {
    pub id: u64,
}

#[model]
pub struct M6 {
    pub id: u64,
}

#[model]
pub struct M7 {
    pub id: u64,
}

#[model]
pub struct M8 {
    pub id: u64,
}

#[model]
pub struct M9 {
    pub id: u64,
}

#[derive(Deserialize)]
pub struct Raw {}

#[sync(models(M1, M2, M3, M4, M5, M6, M7, M8, M9), integration = "shop", endpoint = "/all")]
fn all(raw: Raw) -> (M1, M2, M3, M4, M5, M6, M7, M8, M9) {
    todo!("{}", std::any::type_name_of_val(&raw))
}

fn main() {}
