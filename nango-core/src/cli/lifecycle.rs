//! Texts about the end of a provider's lifecycle: a detail, a table cell, and a warning.

use jiff::civil::Date;

use super::table::pluralized;
use crate::provider::Lifecycle;

/// Returns the detail text, such as `2027-04-30, in 153 days: use another`.
pub(super) fn end_text(lifecycle: &Lifecycle, today: Date) -> String {
    let Lifecycle { until, note, .. } = lifecycle;
    match lifecycle.days_left(today) {
        None => format!("{until}, it has ended: {note}"),
        Some(0) => format!("{until}, today: {note}"),
        Some(days) => format!("{until}, in {}: {note}", pluralized(days.into(), "day")),
    }
}

/// Returns the text of a table cell, such as `ends 2027-04-30`.
pub(super) fn end_cell(lifecycle: &Lifecycle, today: Date) -> String {
    let verb = if lifecycle.has_ended(today) { "ended" } else { "ends" };
    format!("{verb} {}", lifecycle.until)
}

/// Returns the warning that is printed when a connection is added.
pub(super) fn end_warning(provider: &str, lifecycle: &Lifecycle, today: Date) -> String {
    let Lifecycle { until, note, .. } = lifecycle;
    match lifecycle.days_left(today) {
        None => format!("warning: the provider `{provider}` ended on {until}, requests are expected to fail: {note}"),
        Some(_) => format!("warning: the provider `{provider}` stops working after {until}: {note}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::provider::Catalogue;

    #[test]
    fn end_text_depends_on_date() {
        let yaml = "a: { auth_mode: NONE, lifecycle: { until: 2027-04-30, note: use `b` } }";
        let catalogue = Catalogue::parse(yaml).unwrap();
        let lifecycle = catalogue.find("a").unwrap().lifecycle.clone().unwrap();
        let on = |day: &str| super::end_text(&lifecycle, day.parse().unwrap());
        assert_eq!(on("2026-11-28"), "2027-04-30, in 153 days: use `b`");
        assert_eq!(on("2027-04-29"), "2027-04-30, in 1 day: use `b`");
        assert_eq!(on("2027-04-30"), "2027-04-30, today: use `b`");
        assert_eq!(on("2027-05-01"), "2027-04-30, it has ended: use `b`");
        let warning = |day: &str| super::end_warning("a", &lifecycle, day.parse().unwrap());
        assert_eq!(warning("2027-04-30"), "warning: the provider `a` stops working after 2027-04-30: use `b`");
        assert_eq!(
            warning("2027-05-01"),
            "warning: the provider `a` ended on 2027-04-30, requests are expected to fail: use `b`"
        );
        assert_eq!(super::end_cell(&lifecycle, "2027-05-01".parse().unwrap()), "ended 2027-04-30");
    }
}
