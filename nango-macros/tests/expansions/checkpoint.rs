//! A checkpoint, with a condition on the struct and on a field.

#[checkpoint]
#[cfg(feature = "issues")]
#[derive(Default)]
pub struct IssuesCheckpoint {
    pub since: String,
    #[cfg(feature = "pages")]
    pub page: Option<u32>,
}
