//! Feed benchmark: reads 100,000 records in pages as JSON responses, compared with raw SQL and minimal serialisation of
//! the same content.

use std::path::Path;

use jiff::Timestamp;
use nango_core::internal::{store::ReadQuery, wire::write_page};
use nango_tests::measure::{self, Outcome, median};
use rusqlite::Connection;

use crate::filled::BenchStore;

const RECORDS: u64 = 100_000;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let filled = runtime.block_on(BenchStore::open(folder.path(), RECORDS))?;
    for limit in [100, 1000] {
        let mut ratios = Vec::new();
        for round in 1..=ROUNDS {
            let (mut ours, mut raw_bytes) = (0, 0);
            let product = measure::in_process(|| runtime.block_on(read(&filled, limit)).map(|bytes| ours = bytes))?;
            let raw =
                measure::in_process(|| raw(&folder.path().join("nango.db"), limit).map(|bytes| raw_bytes = bytes))?;
            println!(
                "feed, pages of {limit}, round {round}: raw {raw} for {} MB, store {product} for {} MB, ratio {:.2}",
                raw_bytes >> 20,
                ours >> 20,
                product.cpu / raw.cpu
            );
            ratios.push(product.cpu / raw.cpu);
        }
        println!("feed, pages of {limit}: median ratio {:.2}", median(ratios));
    }
    Ok(())
}

async fn read(filled: &BenchStore, limit: u32) -> Outcome<usize> {
    let (mut cursor, mut bytes, mut records) = (None, 0, 0);
    let mut out = Vec::new();
    loop {
        let page = filled.store.read(&filled.dataset, ReadQuery { cursor, limit, ..ReadQuery::default() }).await?;
        out.clear();
        write_page(&page, &mut out);
        bytes += out.len();
        records += page.records.len() as u64;
        cursor = page.next_cursor;
        if cursor.is_none() {
            assert_eq!(records, RECORDS);
            return Ok(bytes);
        }
    }
}

/// Reads the feed as code for this one table would.
fn raw(path: &Path, limit: u32) -> Outcome<usize> {
    let db = Connection::open(path)?;
    let mut rows = db.prepare(
        "SELECT id, payload, first_seen_at, modified_at, deleted_at, last_action, seq FROM records \
         WHERE dataset = 1 AND seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let (mut after, mut bytes) = (0_i64, 0);
    let mut out = Vec::new();
    loop {
        let mut count = 0;
        out.clear();
        out.extend_from_slice(b"{\"records\":[");
        let mut page = rows.query((after, limit))?;
        while let Some(row) = page.next()? {
            use std::io::Write;
            let payload = row.get_ref(1)?.as_blob()?;
            after = row.get(6)?;
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
        bytes += out.len();
        if count < limit {
            return Ok(bytes);
        }
    }
}
