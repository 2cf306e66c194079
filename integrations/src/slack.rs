//! Slack: users, channels and messages of a workspace.

mod channels;
mod joined_channels;
mod messages;
mod users;

pub use channels::{ApiChannel, SlackChannel, channels};
pub use joined_channels::{SlackJoinedChannel, joined_channels};
pub use messages::{ApiMessage, SlackMessage, messages};
pub use users::{ApiProfile, ApiUser, SlackUser, users};
