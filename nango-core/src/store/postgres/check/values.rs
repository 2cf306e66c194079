//! Check of small JSON values. They are parsed here, because the server's JSON type refuses valid texts (`\u0000`,
//! large numbers).

use futures_util::TryStreamExt;
use serde::de::IgnoredAny;

use crate::store::{
    CheckReport, Problem, StoreError,
    postgres::{Db, Postgres, error::DbResult},
};

/// Values to check: name in reports, and a query of a name and four values per row.
type Values = (&'static str, &'static str);
/// A name and its values.
type Row = (String, String, Option<String>, Option<String>, Option<String>);

const CHECKPOINTS: &str = "checkpoints";
const VALUES: [Values; 5] = [
    (
        CHECKPOINTS,
        "SELECT f.integration || ' ' || f.connection || ' ' || f.name, c.value, NULL, NULL, NULL FROM nango_rs.checkpoints c \
         JOIN nango_rs.functions f ON f.id = c.function WHERE c.value IS NOT NULL",
    ),
    ("connections", "SELECT integration || ' ' || id, config, metadata, end_user, tags FROM nango_rs.connections"),
    ("API keys", "SELECT name, scopes, integrations, NULL, NULL FROM nango_rs.api_keys"),
    ("runs", "SELECT 'run ' || row, error, NULL, NULL, NULL FROM nango_rs.runs WHERE error IS NOT NULL"),
    ("log lines", "SELECT 'line ' || n, fields, NULL, NULL, NULL FROM nango_rs.run_logs WHERE fields IS NOT NULL"),
];

/// Reports values that cannot be read.
pub(super) async fn check(store: &Postgres, report: &mut CheckReport) -> Result<(), StoreError> {
    for values in VALUES {
        let (count, example) = store.read_with(values, |db, values| Box::pin(count_unreadable(db, values))).await?;
        report.add_finding(Problem::Unreadable, values.0, count, 0, example);
    }
    Ok(())
}

/// Returns the number of unreadable values and the name of the first.
async fn count_unreadable(db: &mut Db, (name, select): &Values) -> DbResult<(u64, String)> {
    db.allow_seq_scan().await?;
    let (mut count, mut example) = (0, String::new());
    let mut rows = db.query_as::<Row>(select).fetch(&mut *db.sql);
    while let Some((name_of_row, first, second, third, fourth)) = rows.try_next().await? {
        let sound = if *name == CHECKPOINTS {
            // Valid JSON that begins with `{` is an object.
            first.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(&first).is_ok()
        } else {
            [Some(first), second, third, fourth]
                .iter()
                .flatten()
                .all(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
        };
        if !sound {
            count += 1;
            if count == 1 {
                example = name_of_row;
            }
        }
    }
    Ok((count, example))
}
