//! Clock skew between a server and this process.
//!
//! APIs report the end of a window by their own clock, and show that clock in whole seconds only. Each response bounds
//! the difference; the bounds of many responses are a few milliseconds apart.

use std::time::Duration;

use crate::time::Timestamp;

/// Resolution of the dates in responses.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// Lower bound of the server's clock minus ours, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Skew(Option<i64>);

impl Skew {
    /// Learns from a response that was dated `date` (whole seconds), requested at `sent` and received at `now`.
    pub(super) fn observe(&mut self, date: Timestamp, sent: Timestamp, now: Timestamp) {
        // The response was dated between request and receipt, up to a second after the truncated date.
        let (least, most) = (date.micros_since(now), (date + DATE_RESOLUTION).micros_since(sent));
        self.0 = Some(match self.0 {
            Some(known) if known <= most => known.max(least),
            // The bounds contradict each other: one of the clocks was set.
            _ => least,
        });
    }

    /// Converts a time of the server's clock into ours: the earliest time at which it has certainly passed.
    pub(super) fn to_local(&self, server: Timestamp) -> Timestamp {
        server.saturating_add_micros(self.0.map_or(0, i64::saturating_neg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_bounded_by_many_responses() {
        let mut skew = Skew::default();
        let at = Timestamp::from_micros;
        assert_eq!(skew.to_local(at(7)), at(7));
        // The server is 100.25 s ahead; a response takes 10 ms.
        for now in (0..2_000_000).step_by(37_000) {
            let server_time: i64 = now + 100_250_000 - 5_000;
            skew.observe(at(server_time - server_time % 1_000_000), at(now - 10_000), at(now));
        }
        let error = skew.to_local(at(150_000_000)).micros_since(at(150_000_000 - 100_250_000));
        assert!((0..50_000).contains(&error), "{error}");
        // The clock is set back.
        skew.observe(at(1_000_000), at(2_990_000), at(3_000_000));
        assert_eq!(skew.to_local(at(5_000_000)), at(7_000_000));
    }
}
