//! How far a server's clock is from ours.
//!
//! APIs name the end of a window by their own clock, and show that clock in whole seconds only. Each answer bounds the
//! difference; the bounds of many answers are a few milliseconds apart.

/// The least that the server's clock can be ahead of ours, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Skew(Option<i64>);

impl Skew {
    /// Learns from an answer that was dated `date` (whole seconds), asked for at `sent`, here at `now`.
    pub(super) fn observe(&mut self, date: i64, sent: i64, now: i64) {
        // It was dated after it was asked for and before it was here, up to a second after the date.
        let (least, most) = (date.saturating_sub(now), date.saturating_add(1_000_000).saturating_sub(sent));
        self.0 = Some(match self.0 {
            Some(known) if known <= most => known.max(least),
            // One of the clocks was set.
            _ => least,
        });
    }

    /// A moment of the server's clock by ours: when it has come for certain.
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
        // The server is 100.25 s ahead; an answer takes 10 ms.
        for now in (0..2_000_000).step_by(37_000) {
            let there: i64 = now + 100_250_000 - 5_000;
            skew.observe(there - there % 1_000_000, now - 10_000, now);
        }
        let error = skew.to_local(150_000_000) - (150_000_000 - 100_250_000);
        assert!((0..50_000).contains(&error), "{error}");
        // The clock is set back.
        skew.observe(1_000_000, 2_990_000, 3_000_000);
        assert_eq!(skew.to_local(5_000_000), 7_000_000);
    }
}
