//! Clock skew between a server and this process.
//!
//! APIs report the end of a window by their own clock, and show that clock in whole seconds only. Each response bounds
//! the difference; the bounds of many responses are a few milliseconds apart.

/// Lower bound of the server's clock minus ours, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Skew(Option<i64>);

impl Skew {
    /// Learns from a response that was dated `date` (whole seconds), requested at `sent` and received at `now`.
    pub(super) fn observe(&mut self, date: i64, sent: i64, now: i64) {
        // The response was dated between request and receipt, up to a second after the truncated date.
        let (least, most) = (date.saturating_sub(now), date.saturating_add(1_000_000).saturating_sub(sent));
        self.0 = Some(match self.0 {
            Some(known) if known <= most => known.max(least),
            // The bounds contradict each other: one of the clocks was set.
            _ => least,
        });
    }

    /// Converts a time of the server's clock into ours: the earliest time at which it has certainly passed.
    pub(super) fn to_local(&self, server: i64) -> i64 {
        server.saturating_sub(self.0.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_bounded_by_many_responses() {
        let mut skew = Skew::default();
        assert_eq!(skew.to_local(7), 7);
        // The server is 100.25 s ahead; a response takes 10 ms.
        for now in (0..2_000_000).step_by(37_000) {
            let server_time: i64 = now + 100_250_000 - 5_000;
            skew.observe(server_time - server_time % 1_000_000, now - 10_000, now);
        }
        let error = skew.to_local(150_000_000) - (150_000_000 - 100_250_000);
        assert!((0..50_000).contains(&error), "{error}");
        // The clock is set back.
        skew.observe(1_000_000, 2_990_000, 3_000_000);
        assert_eq!(skew.to_local(5_000_000), 7_000_000);
    }
}
