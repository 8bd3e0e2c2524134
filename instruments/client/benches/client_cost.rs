//! What a query, a block and a link cost through this client, as drivers use it:
//! the half of `ci/client-cost` that is in Rust. It asks a server that somebody
//! else started, so that all clients ask the same one.
//!
//!   client_cost query PORT N    median and p99 of N queries, in microseconds
//!   client_cost block PORT N    rate of N blocks of 4 MB, in GB/s
//!   client_cost links PORT N    microseconds a query, with N links side by side
//!
//! Medians, so that whoever else runs on the core shows as little as may be.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::join_all;
use hil_client::link::{Move, Outcome};
use hil_client::serial::Line;
use hil_client::{Address, Lane, Link, LinkSettings, scpi};
use hil_timebase::{Clock, Nanos, Runtime};

const QUERY: &str = "MEAS:VOLT?";
const BODY: usize = 4_000_000;
/// So many queries are shared by the links, so many times.
const SHARED: usize = 64;
const TIMES: usize = 512;

fn settings() -> LinkSettings {
    LinkSettings { max_reply: 2 * BODY, ..LinkSettings::default() }
}

async fn open(port: u16, clock: &Clock) -> Link {
    let address = Address::Socket { host: "127.0.0.1".into(), port };
    let stream = address.open(Line::default(), clock, Duration::from_secs(2)).await.expect("the server of ci/client-cost");
    Link::spawn("echo", stream, settings(), clock.clone(), None)
}

async fn ask(link: &Link) {
    assert_eq!(link.ask(QUERY).await.expect("an echo"), QUERY);
}

async fn query(port: u16, n: usize, clock: &Clock) -> String {
    let link = open(port, clock).await;
    for _ in 0..n / 10 {
        ask(&link).await;
    }
    let mut took = Vec::with_capacity(n);
    for _ in 0..n {
        let begun = clock.now();
        ask(&link).await;
        took.push(micros(begun, clock.now()));
    }
    format!("{:.2} {:.2}", quantile(&mut took, 50), quantile(&mut took, 99))
}

async fn ask_block(link: &Link) {
    let outcomes = link.run(Lane::Normal, vec![Move::ask("DATA?")]).await.expect("a block");
    let Some(Outcome::Answered { reply, .. }) = outcomes.first() else { panic!("no reply") };
    assert_eq!(scpi::block(reply).expect("a block").len(), BODY);
}

async fn block(port: u16, n: usize, clock: &Clock) -> String {
    let link = open(port, clock).await;
    ask_block(&link).await;
    let mut took = Vec::with_capacity(n);
    for _ in 0..n {
        let begun = clock.now();
        ask_block(&link).await;
        took.push(micros(begun, clock.now()));
    }
    format!("{:.3}", BODY as f64 / quantile(&mut took, 50) / 1e3)
}

async fn links(port: u16, n: usize, clock: &Clock) -> String {
    let links = join_all((0..n).map(|_| open(port, clock))).await;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = clock.now();
        join_all(links.iter().map(async |link| {
            for _ in 0..SHARED / n {
                ask(link).await;
            }
        }))
        .await;
        took.push(micros(begun, clock.now()) / (SHARED / n * n) as f64);
    }
    format!("{:.2}", quantile(&mut took, 50))
}

fn quantile(took: &mut [f64], percent: usize) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() * percent / 100]
}

fn micros(from: Nanos, to: Nanos) -> f64 {
    to.since(from).as_secs_f64() * 1e6
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ([what @ ("query" | "block" | "links"), port, n] | [what @ ("query" | "block" | "links"), port, n, "--bench"]) = words[..] else {
        eprintln!("error: no server to ask, expected `query|block|links PORT N`\nhint: ci/client-cost starts one");
        return ExitCode::from(2);
    };
    let (port, n) = (port.parse().expect("a port"), n.parse::<usize>().expect("a number").max(1));
    let runtime = Runtime::real_time().expect("a runtime");
    let clock = runtime.clock();
    let figures = runtime.block_on(async {
        match what {
            "query" => query(port, n, &clock).await,
            "block" => block(port, n, &clock).await,
            _ => links(port, n, &clock).await,
        }
    });
    println!("{}", figures.expect("no halt"));
    ExitCode::SUCCESS
}
