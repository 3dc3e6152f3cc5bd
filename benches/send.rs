//! Sending messages, by size, role (a client masks) and way: queued, in place, and a server's with the system call that
//! writes them: queued, or from where they lie.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;
use std::fs;
use std::io::{IoSlice, Write};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::Role;

use crate::common::{SENDERS, SIZES, connection, flush, payload};

fn queued(c: &mut Criterion) {
    for (name, role) in SENDERS {
        let mut group = c.benchmark_group(format!("send/{name}"));
        for size in SIZES {
            let text = payload(size);
            let mut connection = connection(role);
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new("binary", size), |b| {
                b.iter(|| {
                    connection.split().1.binary(black_box(text.as_bytes())).expect("open");
                    flush(&mut connection)
                });
            });
            if size > 1 << 20 {
                continue;
            }
            // Sixteen wait before they are written.
            group.throughput(Throughput::Bytes(16 * size as u64));
            group.bench_function(BenchmarkId::new("binary, 16 a write", size), |b| {
                b.iter(|| {
                    for _ in 0..16 {
                        connection.split().1.binary(black_box(text.as_bytes())).expect("open");
                    }
                    flush(&mut connection)
                });
            });
        }
        group.finish();
    }
}

fn in_place(c: &mut Criterion) {
    for (name, role) in SENDERS {
        let mut group = c.benchmark_group(format!("send/{name}, in place"));
        for size in SIZES {
            let mut bytes = payload(size).into_bytes();
            let mut connection = connection(role);
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| black_box(connection.split().1.binary_in_place(black_box(&mut bytes)).expect("open")));
            });
        }
        group.finish();
    }
}

/// To where nothing is kept: the system call alone.
fn written(c: &mut Criterion) {
    let mut stream = fs::OpenOptions::new().write(true).open("/dev/null").expect("a Unix");
    let mut group = c.benchmark_group("send/unmasked, written");
    for size in SIZES {
        let bytes = payload(size).into_bytes();
        let mut connection = connection(Role::Server);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("queued", size), |b| {
            b.iter(|| {
                connection.split().1.binary(black_box(&bytes)).expect("open");
                let n = stream.write(connection.outgoing()).expect("it takes all");
                connection.consume(n);
            });
        });
        group.bench_function(BenchmarkId::new("from where it lies", size), |b| {
            b.iter(|| {
                let mut write = |pending: &[u8], rest: &[u8]| {
                    stream.write_vectored(&[IoSlice::new(pending), IoSlice::new(rest)]).expect("it takes all")
                };
                let (_, writer) = connection.split();
                writer.binary_through(black_box(&bytes), &mut write).expect("open");
                if !writer.pending().is_empty() {
                    let n = write(writer.pending(), &[]); // too small to be worth it
                    writer.consume(n);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, queued, in_place, written);
criterion_main!(benches);
