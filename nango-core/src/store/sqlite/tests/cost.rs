//! Benchmark of the CPU cost of sealing payloads, ignored by default.
//!
//! `cargo test --release -p nango-core --lib sealing_cost_is_measured -- --ignored --nocapture`

use super::*;
use crate::auth::KeyRing;

const RECORDS: u64 = 100_000;
const PAGE: u64 = 100;

/// Returns the CPU seconds of this process, user and system.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Returns the CPU seconds of a first run, an unchanged run, and a read of all records in pages of 100.
async fn round(sealed: bool) -> [f64; 3] {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.use_keys(Arc::new(KeyRing::ephemeral().unwrap()), sealed).await.unwrap();
    let run = begin(&store).await;
    // Payloads of about 2.5 KB; those of different pages differ.
    let pages: Vec<Page> = (0..RECORDS / PAGE)
        .map(|n| page(&store, run, n * PAGE..(n + 1) * PAGE, &format!("{n:08}").repeat(310)))
        .collect();
    let mut spent = [0.0; 3];
    for spent in &mut spent[..2] {
        let before = cpu();
        for page in &pages {
            store.commit(page.clone()).await.unwrap();
        }
        *spent = cpu() - before;
    }
    let before = cpu();
    let mut query = ReadQuery::default();
    loop {
        let page = store.read(&dataset(), query.clone()).await.unwrap();
        if page.next_cursor.is_none() {
            break;
        }
        query.cursor = page.next_cursor;
    }
    spent[2] = cpu() - before;
    spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "benchmark: needs a release build and an idle machine"]
async fn sealing_cost_is_measured() {
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        plain.push(round(false).await);
        sealed.push(round(true).await);
    }
    for (index, what) in ["first run", "unchanged run", "feed read"].into_iter().enumerate() {
        let median = |rounds: &[[f64; 3]]| {
            let mut all: Vec<f64> = rounds.iter().map(|round| round[index]).collect();
            all.sort_by(f64::total_cmp);
            (all[2], format!("{:.2} s ({:.2}–{:.2})", all[2], all[0], all[4]))
        };
        let ((plain, plain_text), (sealed, sealed_text)) = (median(&plain), median(&sealed));
        println!("{what}, CPU: plain {plain_text}, sealed {sealed_text}, {:.2} ×", sealed / plain);
    }
}
