//! What the deadlines of a connection cost each time something is read or a driver is about to wait, by how many of them
//! are set.

use core::hint::black_box;
use core::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ws_proto::Config;
use ws_proto::timers::{Due, Timers};

const MINUTE: Duration = Duration::from_secs(60);

/// Open, with so many deadlines.
fn timers(deadlines: usize) -> Timers {
    let config = match deadlines {
        0 => Config::new(),
        1 => Config::new().keepalive(Some(MINUTE)),
        _ => Config::new().keepalive(Some(MINUTE)).idle_timeout(Some(2 * MINUTE)),
    };
    let mut timers = Timers::new(&config, Duration::ZERO);
    timers.opened(Duration::ZERO);
    timers
}

fn each_call(c: &mut Criterion) {
    for deadlines in 0..=2 {
        let mut group = c.benchmark_group("timers");
        let mut timers = timers(deadlines);
        let mut now = Duration::ZERO;
        group.bench_function(BenchmarkId::new("received", deadlines), |b| {
            b.iter(|| {
                now += Duration::from_micros(1);
                timers.received(black_box(now));
            });
        });
        group.bench_function(BenchmarkId::new("next", deadlines), |b| b.iter(|| black_box(&timers).next()));
        group.bench_function(BenchmarkId::new("due, nothing is", deadlines), |b| {
            b.iter(|| timers.due(black_box(now)));
        });
        // As a driver does around a read.
        group.bench_function(BenchmarkId::new("all of a read", deadlines), |b| {
            b.iter(|| {
                now += Duration::from_micros(1);
                timers.received(black_box(now));
                assert_eq!(timers.due(now), None);
                timers.next()
            });
        });
        group.finish();
    }
}

/// A minute passes, a ping is due, and its pong comes.
fn ping(c: &mut Criterion) {
    let mut timers = timers(1);
    let mut now = Duration::ZERO;
    c.bench_function("timers/a ping and its pong", |b| {
        b.iter(|| {
            now += MINUTE;
            let Some(Due::Ping(payload)) = timers.due(black_box(now)) else { panic!("a ping is due") };
            timers.received(now);
            timers.pong(&payload, now).expect("the newest")
        });
    });
}

/// From the first byte to the last, as a server's driver asks for it.
fn life(c: &mut Criterion) {
    let config = Config::new().keepalive(Some(MINUTE)).idle_timeout(Some(2 * MINUTE));
    c.bench_function("timers/a connection's life", |b| {
        b.iter(|| {
            let mut timers = Timers::new(&config, black_box(Duration::ZERO));
            timers.opened(Duration::ZERO);
            timers.received(MINUTE / 2);
            timers.closing(MINUTE);
            timers.closed();
            timers.next()
        });
    });
}

criterion_group!(benches, each_call, ping, life);
criterion_main!(benches);
