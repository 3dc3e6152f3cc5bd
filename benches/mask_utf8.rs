//! The two loops over payloads: masking, and checking text in pieces.

mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::mask;
use ws_proto::utf8::Utf8;

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
    let mut client = connection(ws_proto::Role::Client);
    c.bench_function("a frame with its key", |b| {
        b.iter(|| black_box(client.split().1.binary_in_place(black_box(&mut [])).expect("open")));
    });
}

fn checking(c: &mut Criterion) {
    for (name, sample) in
        [("ascii", "just letters and 1 number "), ("mixed", "\u{20ac} and \u{e9} "), ("cjk", "\u{65e5}\u{672c}")]
    {
        let mut group = c.benchmark_group(format!("utf8/{name}"));
        for size in SIZES {
            let text = sample.repeat((size / sample.len()).max(1));
            let text = text.as_bytes();
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new("whole", size), |b| {
                b.iter(|| Utf8::new().push(black_box(text)).expect("valid"));
            });
            group.bench_function(BenchmarkId::new("cut every 1460", size), |b| {
                b.iter(|| {
                    let mut utf8 = Utf8::new();
                    for piece in black_box(text).chunks(1460) {
                        utf8.push(piece).expect("valid");
                    }
                    assert!(utf8.is_complete());
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, masking, keys, checking);
criterion_main!(benches);
