//! Messages of 64 KiB in fragments, by their size: 64 of them at 1024 bytes. With a ping between each, whose pongs are
//! sent, and without. At last, messages that the writer cuts by itself.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Config, Connection, Event, Kind, Seed, Writer};

use crate::common::{RECEIVERS, SENDERS, SIZES, connection, flush, payload};

const SIZE: usize = 64 << 10;
const FRAGMENTS: [usize; 5] = [16, 125, 1 << 10, 4 << 10, 16 << 10];

/// How a group is called, and whether there are pings.
const WAYS: [(&str, bool); 2] = [("alone", false), ("a ping between", true)];

fn queue(writer: &mut Writer, message: &[u8], fragment: usize, pings: bool) {
    let mut fragments = message.chunks(fragment).peekable();
    while let Some(bytes) = fragments.next() {
        let last = fragments.peek().is_none();
        writer.fragment(Kind::Text, bytes, last).expect("open");
        if pings && !last {
            writer.ping(b"between").expect("open");
        }
    }
}

fn received(c: &mut Criterion) {
    let message = payload(SIZE);
    for (name, role) in RECEIVERS {
        for (way, pings) in WAYS {
            let mut group = c.benchmark_group(format!("fragments/receive {name}, {way}"));
            group.throughput(Throughput::Bytes(SIZE as u64));
            for fragment in FRAGMENTS {
                let mut peer = connection(role.peer());
                queue(peer.split().1, message.as_bytes(), fragment, pings);
                let wire = peer.outgoing().to_vec();
                let (mut buffer, mut end) = (wire.clone(), connection(role));
                group.bench_function(BenchmarkId::from_parameter(fragment), |b| {
                    b.iter(|| {
                        buffer.copy_from_slice(&wire);
                        receive(&mut end, &mut buffer);
                        flush(&mut end)
                    });
                });
            }
            group.finish();
        }
    }
}

/// As a driver does: each ping has its pong.
fn receive(end: &mut Connection, mut input: &mut [u8]) {
    let (reader, writer) = end.split();
    let mut length = 0;
    while let Some(event) = reader.receive(&mut input).expect("valid") {
        if let Event::Text(text) = event {
            length = text.len();
        }
        if let Some(reply) = reader.take_reply() {
            writer.reply(reply);
        }
    }
    assert_eq!(length, SIZE);
}

fn sent(c: &mut Criterion) {
    let message = payload(SIZE);
    for (name, role) in SENDERS {
        for (way, pings) in WAYS {
            let mut group = c.benchmark_group(format!("fragments/send {name}, {way}"));
            group.throughput(Throughput::Bytes(SIZE as u64));
            for fragment in FRAGMENTS {
                let mut end = connection(role);
                group.bench_function(BenchmarkId::from_parameter(fragment), |b| {
                    b.iter(|| {
                        queue(end.split().1, black_box(message.as_bytes()), fragment, pings);
                        flush(&mut end)
                    });
                });
            }
            group.finish();
        }
    }
}

fn cut_by_the_writer(c: &mut Criterion) {
    let config = Config::new().keep_buffer(64 << 20).fragment_size(4096);
    let mut end = Connection::client(&config, Seed::predictable_for_tests(1));
    let mut group = c.benchmark_group("fragments/send masked, cut every 4096");
    for size in SIZES.into_iter().filter(|size| *size > 4096) {
        let message = payload(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                end.split().1.text(black_box(&message)).expect("open");
                flush(&mut end)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, received, sent, cut_by_the_writer);
criterion_main!(benches);
