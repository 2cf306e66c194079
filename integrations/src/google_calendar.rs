//! Google Calendar: events of a calendar.

mod events;

pub use events::{ApiEvent, ApiEventTime, CalendarEvent, GoogleCalendar, events};
