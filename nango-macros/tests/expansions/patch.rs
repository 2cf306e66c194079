//! Patches of a model: at the top, and nested in another.

#[patch(of = Issue, id = "number")]
pub struct IssuePatch {
    pub number: u64,
    pub title: Option<String>,
    pub closed_at: Patch<String>,
    #[cfg(feature = "users")]
    #[serde(rename = "assignedTo", default)]
    pub assignee: Option<UserPatch>,
}

#[patch(of = User, nested)]
pub struct UserPatch {
    pub name: Option<String>,
}
