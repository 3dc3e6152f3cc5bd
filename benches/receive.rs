//! Receiving whole messages, by size, role (a server unmasks), kind, and how much a read brings.
//!
//! Each round copies the input first, as a read would: what is received is unmasked where it lies.

mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Chunk, Event, Kind, Role};

use crate::common::{SIZES, connection, wire};

const ROLES: [(&str, Role); 2] = [("masked", Role::Server), ("unmasked", Role::Client)];

/// Messages that are whole in what a read brings.
fn whole(c: &mut Criterion) {
    for (name, role) in ROLES {
        for kind in [Kind::Binary, Kind::Text] {
            let mut group = c.benchmark_group(format!("receive/{name}/{kind:?}"));
            for size in SIZES {
                let (wire, count) = wire(role, kind, size);
                let mut buffer = wire.clone();
                let mut connection = connection(role);
                group.throughput(Throughput::Bytes((count * size) as u64));
                group.bench_function(BenchmarkId::from_parameter(size), |b| {
                    b.iter(|| {
                        buffer.copy_from_slice(&wire);
                        let mut input = &mut buffer[..];
                        let mut events = 0;
                        let (reader, _) = connection.split();
                        while let Some(event) = reader.receive(&mut input).expect("valid") {
                            black_box(event);
                            events += 1;
                        }
                        assert_eq!(events, count);
                    });
                });
            }
            group.finish();
        }
    }
}

/// Messages that reads cut.
fn cut(c: &mut Criterion) {
    for (name, role) in ROLES {
        for read in [1460, 16 << 10] {
            let mut group = c.benchmark_group(format!("receive cut every {read}/{name}"));
            for size in SIZES.into_iter().filter(|size| *size >= 1 << 10) {
                let (wire, count) = wire(role, Kind::Binary, size);
                let mut buffer = wire.clone();
                let mut connection = connection(role);
                group.throughput(Throughput::Bytes((count * size) as u64));
                group.bench_function(BenchmarkId::new("receive", size), |b| {
                    b.iter(|| {
                        buffer.copy_from_slice(&wire);
                        let (reader, _) = connection.split();
                        for mut input in buffer.chunks_mut(read) {
                            while let Some(event) = reader.receive(&mut input).expect("valid") {
                                black_box(matches!(event, Event::Binary(_)));
                            }
                        }
                    });
                });
                group.bench_function(BenchmarkId::new("receive_chunk", size), |b| {
                    b.iter(|| {
                        buffer.copy_from_slice(&wire);
                        let (reader, _) = connection.split();
                        for mut input in buffer.chunks_mut(read) {
                            while let Some(chunk) = reader.receive_chunk(&mut input).expect("valid") {
                                black_box(matches!(chunk, Chunk::Data { .. }));
                            }
                        }
                    });
                });
            }
            group.finish();
        }
    }
}

/// What the copy costs that is part of the others.
fn copy(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive/copy only");
    for size in SIZES {
        let (wire, count) = wire(Role::Server, Kind::Binary, size);
        let mut buffer = wire.clone();
        group.throughput(Throughput::Bytes((count * size) as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| black_box(&mut buffer[..]).copy_from_slice(&wire));
        });
    }
    group.finish();
}

criterion_group!(benches, whole, cut, copy);
criterion_main!(benches);
