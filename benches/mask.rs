//! The loop over payloads that masks them, and the keys of a client.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Role, mask};

use crate::common::{SIZES, connection, payload};

fn masking(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for size in SIZES {
        let mut bytes = payload(size).into_bytes();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| mask::apply(black_box(&mut bytes), black_box([0x37, 0xfa, 0x21, 0x3d])));
        });
    }
    group.finish();
}

/// A key for each frame of a client.
fn keys(c: &mut Criterion) {
    let mut client = connection(Role::Client);
    c.bench_function("a frame with its key", |b| {
        b.iter(|| black_box(client.split().1.binary_in_place(black_box(&mut [])).expect("open")));
    });
}

criterion_group!(benches, masking, keys);
criterion_main!(benches);
