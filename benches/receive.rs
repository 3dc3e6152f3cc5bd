//! Receiving messages that are whole in what a read brings, by size, role (a server unmasks) and kind.
//!
//! Each round copies the input first, as a read would: what is received is unmasked where it lies.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Kind, Role};

use crate::common::{RECEIVERS, SIZES, connection, wire};

fn whole(c: &mut Criterion) {
    for (name, role) in RECEIVERS {
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

criterion_group!(benches, whole, copy);
criterion_main!(benches);
