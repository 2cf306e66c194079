//! Baseline on PostgreSQL: a hand-written bulk upsert of each page, with the dataset's lock, its sequence numbers and
//! the run's counters.
//!
//! One statement compares, inserts and replaces (`unnest … ON CONFLICT … WHERE hash <>`): the obvious first
//! implementation, which the performance goal refers to.

use std::collections::HashSet;

use nango_tests::{
    bench_server::BenchServer,
    measure::{self, Outcome},
    measured_cluster::MeasuredCluster,
    release_registry::ReleaseRegistry,
};
use sqlx::{Connection, PgConnection, Row};

use crate::by_hand::{self, Model};

/// Measures 100,000 records against 20,000 on a server without table statistics.
pub(crate) fn check_plan_without_analyze() -> Outcome {
    let cluster = MeasuredCluster::start(&["autovacuum=off"])?;
    let mut small = 0.0;
    for records in [20_000, 100_000] {
        let server = BenchServer::start(records);
        let home = tempfile::tempdir()?;
        let database = cluster.database();
        let product = ReleaseRegistry::github(home.path(), server.url(), Some(&database.url))?;
        for phase in ["first", "unchanged"] {
            let before = cluster.cpu()?;
            let client = measure::child_process(&mut product.sync(), |_| {})?;
            let cpu = client.cpu + cluster.cpu()? - before;
            println!("cliff, {records} records, {phase}: {cpu:.2} CPU s, {:.2} of them the client's", client.cpu);
            if phase == "first" {
                if small > 0.0 {
                    println!("cliff: {:.2} times the CPU for 5 times the records", cpu / small);
                }
                small = cpu;
            }
        }
    }
    Ok(())
}

/// Syncs `url` into the database. Returns the numbers of added, updated and unchanged records.
pub(crate) fn run(url: &str, database: &str) -> Outcome<[u64; 3]> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut cache = runtime.block_on(BareCache::open(database))?;
    by_hand::for_each_page(url, |page| {
        let models: Vec<Model> = by_hand::models(page)?.collect();
        runtime.block_on(cache.page(&models))
    })?;
    runtime.block_on(cache.finish())?;
    Ok(cache.counts)
}

struct BareCache {
    sql: PgConnection,
    seen: HashSet<String>,
    counts: [u64; 3],
}

impl BareCache {
    async fn open(database: &str) -> Outcome<Self> {
        let mut sql = PgConnection::connect(database).await?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS dataset (id bigint PRIMARY KEY, seq bigint NOT NULL, live bigint NOT NULL);
             INSERT INTO dataset VALUES (1, 0, 0) ON CONFLICT DO NOTHING;
             CREATE TABLE IF NOT EXISTS run (id bigint PRIMARY KEY, added bigint, updated bigint, unchanged bigint);
             INSERT INTO run VALUES (1, 0, 0, 0) ON CONFLICT DO NOTHING;
             CREATE TABLE IF NOT EXISTS records (dataset bigint NOT NULL, id text NOT NULL, hash bytea NOT NULL,
                 seq bigint NOT NULL, first_seen timestamptz NOT NULL, modified timestamptz NOT NULL,
                 deleted_at timestamptz, payload bytea NOT NULL, PRIMARY KEY (dataset, id));
             CREATE INDEX IF NOT EXISTS feed ON records (dataset, seq);",
        )
        .execute(&mut sql)
        .await?;
        Ok(Self { sql, seen: HashSet::new(), counts: [0; 3] })
    }

    async fn page(&mut self, models: &[Model]) -> Outcome {
        let ids: Vec<String> = models.iter().map(|model| model.id.to_string()).collect();
        let payloads = models.iter().map(serde_json::to_vec).collect::<Result<Vec<_>, _>>()?;
        let hash = |payload: &Vec<u8>| xxhash_rust::xxh3::xxh3_128_with_seed(payload, 7).to_le_bytes().to_vec();
        let hashes: Vec<Vec<u8>> = payloads.iter().map(hash).collect();
        let mut tx = self.sql.begin().await?;
        let seq: i64 =
            sqlx::query_scalar("SELECT seq FROM dataset WHERE id = 1 FOR UPDATE").fetch_one(&mut *tx).await?;
        let rows = sqlx::query(
            "INSERT INTO records AS r (dataset, id, hash, seq, first_seen, modified, payload)
             SELECT 1, u.id, u.hash, $4 + u.n, now(), now(), u.payload
             FROM unnest($1::text[], $2::bytea[], $3::bytea[]) WITH ORDINALITY u(id, hash, payload, n)
             ON CONFLICT (dataset, id) DO UPDATE SET hash = excluded.hash, seq = excluded.seq,
                 modified = excluded.modified, deleted_at = NULL, payload = excluded.payload
             WHERE r.hash <> excluded.hash OR r.deleted_at IS NOT NULL RETURNING xmax = 0",
        )
        .bind(&ids)
        .bind(&hashes)
        .bind(&payloads)
        .bind(seq)
        .fetch_all(&mut *tx)
        .await?;
        let added = rows.iter().filter(|row| row.get(0)).count();
        for (count, increase) in self.counts.iter_mut().zip([added, rows.len() - added, models.len() - rows.len()]) {
            *count += u64::try_from(increase)?;
        }
        if !rows.is_empty() {
            sqlx::query("UPDATE dataset SET seq = seq + $1, live = live + $2 WHERE id = 1")
                .bind(i64::try_from(ids.len())?)
                .bind(i64::try_from(added)?)
                .execute(&mut *tx)
                .await?;
        }
        let [added, updated, unchanged] = self.counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        sqlx::query("UPDATE run SET added = $1, updated = $2, unchanged = $3 WHERE id = 1")
            .bind(added)
            .bind(updated)
            .bind(unchanged)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.seen.extend(ids);
        Ok(())
    }

    /// Deletes the records that the walk did not return.
    async fn finish(&mut self) -> Outcome {
        let live: Vec<String> = sqlx::query_scalar("SELECT id FROM records WHERE dataset = 1 AND deleted_at IS NULL")
            .fetch_all(&mut self.sql)
            .await?;
        let deleted: Vec<String> = live.into_iter().filter(|id| !self.seen.contains(id)).collect();
        sqlx::query("UPDATE records SET deleted_at = now() WHERE dataset = 1 AND id = ANY($1)")
            .bind(&deleted)
            .execute(&mut self.sql)
            .await?;
        Ok(())
    }
}
