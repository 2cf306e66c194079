//! Slack: users and channels of a workspace.

mod channels;
mod users;

pub use channels::{ApiChannel, SlackChannel, channels};
pub use users::{ApiProfile, ApiUser, SlackUser, users};
