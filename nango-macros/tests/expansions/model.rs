/// An issue of a repository.
#[model(updated = "updated_at")]
pub struct Issue {
    pub id: u64,
    /// Shown in the list.
    pub title: String,
    pub updated_at: String,
}

#[patch(of = Issue)]
pub struct IssuePatch {
    pub id: u64,
    pub title: Option<String>,
}

#[checkpoint]
pub struct Position {
    pub page: u32,
}
