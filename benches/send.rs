//! Sending messages, by size, role (a client masks) and way: queued, in fragments, in place, and a server's with the
//! system call that writes them: queued, or from where they lie.

mod common;

use core::hint::black_box;
use std::fs;
use std::io::{IoSlice, Write};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Config, Connection, Role, Seed};

use crate::common::{SIZES, connection, payload};

const ROLES: [(&str, Role); 2] = [("masked", Role::Client), ("unmasked", Role::Server)];

fn queued(c: &mut Criterion) {
    for (name, role) in ROLES {
        let mut group = c.benchmark_group(format!("send/{name}"));
        for size in SIZES {
            let text = payload(size);
            let mut connection = connection(role);
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new("binary", size), |b| {
                b.iter(|| {
                    connection.split().1.binary(black_box(text.as_bytes())).expect("open");
                    let n = black_box(connection.outgoing()).len();
                    connection.consume(n);
                });
            });
            // Sixteen wait before they are written.
            group.throughput(Throughput::Bytes(16 * size as u64));
            group.bench_function(BenchmarkId::new("binary, 16 a write", size), |b| {
                b.iter(|| {
                    for _ in 0..16 {
                        connection.split().1.binary(black_box(text.as_bytes())).expect("open");
                    }
                    let n = black_box(connection.outgoing()).len();
                    connection.consume(n);
                });
            });
        }
        group.finish();
    }
}

fn fragments(c: &mut Criterion) {
    let config = Config::new().keep_buffer(4 << 20).fragment_size(4096);
    let mut connection = Connection::client(&config, Seed::predictable_for_tests(1));
    let mut group = c.benchmark_group("send/masked, fragments of 4096");
    for size in SIZES.into_iter().filter(|size| *size > 4096) {
        let text = payload(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                connection.split().1.text(black_box(&text)).expect("open");
                let n = black_box(connection.outgoing()).len();
                connection.consume(n);
            });
        });
    }
    group.finish();
}

fn in_place(c: &mut Criterion) {
    for (name, role) in ROLES {
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

criterion_group!(benches, queued, fragments, in_place, written);
criterion_main!(benches);
