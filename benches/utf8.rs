//! Checking text, whole and in the pieces that reads leave of it.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::utf8::Utf8;

use crate::common::SIZES;

const SAMPLES: [(&str, &str); 3] =
    [("ascii", "just letters and 1 number "), ("mixed", "\u{20ac} and \u{e9} "), ("cjk", "\u{65e5}\u{672c}")];

fn checking(c: &mut Criterion) {
    for (name, sample) in SAMPLES {
        let mut group = c.benchmark_group(format!("utf8/{name}"));
        for size in SIZES {
            let text = sample.repeat((size / sample.len()).max(1));
            let text = text.as_bytes();
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new("whole", size), |b| {
                b.iter(|| Utf8::new().push(black_box(text)).expect("valid"));
            });
            for cut in [16, 1460] {
                group.bench_function(BenchmarkId::new(format!("cut every {cut}"), size), |b| {
                    b.iter(|| {
                        let mut utf8 = Utf8::new();
                        for piece in black_box(text).chunks(cut) {
                            utf8.push(piece).expect("valid");
                        }
                        assert!(utf8.is_complete());
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, checking);
criterion_main!(benches);
