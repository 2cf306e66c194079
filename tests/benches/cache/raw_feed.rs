//! The feed read by raw SQL with minimal serialisation, with which benchmarks compare.

use std::path::Path;

use jiff::Timestamp;
use nango_tests::measure::Outcome;
use rusqlite::Connection;

const PAGE: &str = "SELECT id, payload, first_seen_at, modified_at, deleted_at, last_action, seq FROM records \
                    WHERE dataset = 1 AND seq > ?1 ORDER BY seq LIMIT ?2";

/// Reads the feed as code for this one table would. Returns the number of bytes.
pub(crate) fn raw(path: &Path, limit: u32) -> Outcome<usize> {
    let db = Connection::open(path)?;
    let (mut after, mut bytes) = (0_i64, 0);
    let mut out = Vec::new();
    loop {
        out.clear();
        let count = raw_page(&db, &mut after, limit, &mut out)?;
        bytes += out.len();
        if count < limit {
            return Ok(bytes);
        }
    }
}

/// Writes the page after a position, which becomes the position of its last record. Returns the number of records.
pub(crate) fn raw_page(db: &Connection, after: &mut i64, limit: u32, out: &mut Vec<u8>) -> Outcome<u32> {
    let mut rows = db.prepare_cached(PAGE)?;
    let mut count = 0;
    out.extend_from_slice(b"{\"records\":[");
    let mut page = rows.query((*after, limit))?;
    while let Some(row) = page.next()? {
        use std::io::Write;
        let payload = row.get_ref(1)?.as_blob()?;
        *after = row.get(6)?;
        if count > 0 {
            out.push(b',');
        }
        // The id comes first and replaces the number of the payload.
        write!(out, "{{\"id\":\"{}\",", row.get_ref(0)?.as_str()?)?;
        let rest = payload.iter().position(|byte| *byte == b',').unwrap_or(0) + 1;
        out.extend_from_slice(&payload[rest..payload.len() - 1]);
        let action = ["ADDED", "UPDATED", "DELETED"][usize::try_from(row.get::<_, i64>(5)?)?];
        write!(
            out,
            ",\"_nango_metadata\":{{\"first_seen_at\":\"{}\",\"last_modified_at\":\"{}\",\
             \"last_action\":\"{action}\",\"deleted_at\":null,\"pruned_at\":null,\"cursor\":\"{after}\"}}}}",
            Timestamp::from_microsecond(row.get(2)?)?,
            Timestamp::from_microsecond(row.get(3)?)?,
        )?;
        count += 1;
    }
    out.extend_from_slice(b"]}");
    Ok(count)
}
