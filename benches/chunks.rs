//! Messages that reads cut, by their size and by what a read brings: put together, and handed on piece by piece.
//!
//! A round is one read of a stream without end, copied as a read would: it is small, however large the messages are.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use core::hint::black_box;
use core::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Kind, Role};

use crate::common::{SIZES, connection, wire};

/// What a read brings, in bytes.
const READS: [usize; 6] = [1, 16, 125, 1460, 64 << 10, 1 << 20];

/// Messages of one size over and over.
struct Stream<'a> {
    wire: &'a [u8],
    at: usize,
}

impl Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) {
        let mut filled = 0;
        while filled < buffer.len() {
            let n = (self.wire.len() - self.at).min(buffer.len() - filled);
            buffer[filled..filled + n].copy_from_slice(&self.wire[self.at..self.at + n]);
            filled += n;
            self.at = (self.at + n) % self.wire.len();
        }
    }
}

fn chunks(c: &mut Criterion) {
    for (name, role, kind) in [
        ("masked binary", Role::Server, Kind::Binary),
        ("masked text", Role::Server, Kind::Text),
        ("unmasked binary", Role::Client, Kind::Binary),
    ] {
        for size in SIZES {
            let (wire, _) = wire(role, kind, size);
            let mut group = c.benchmark_group(format!("chunks/{name} of {size}"));
            group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
            for read in READS {
                let mut buffer = vec![0; read];
                group.throughput(Throughput::Bytes(read as u64));
                let (mut stream, mut end) = (Stream { wire: &wire, at: 0 }, connection(role));
                group.bench_function(BenchmarkId::new("receive", read), |b| {
                    b.iter(|| {
                        stream.read(&mut buffer);
                        let (mut input, (reader, _)) = (&mut buffer[..], end.split());
                        while let Some(event) = reader.receive(&mut input).expect("valid") {
                            black_box(event);
                        }
                    });
                });
                let (mut stream, mut end) = (Stream { wire: &wire, at: 0 }, connection(role));
                group.bench_function(BenchmarkId::new("receive_chunk", read), |b| {
                    b.iter(|| {
                        stream.read(&mut buffer);
                        let (mut input, (reader, _)) = (&mut buffer[..], end.split());
                        while let Some(chunk) = reader.receive_chunk(&mut input).expect("valid") {
                            black_box(chunk);
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
    let (wire, _) = wire(Role::Server, Kind::Binary, 16 << 20);
    let mut group = c.benchmark_group("chunks/copy only");
    for read in READS {
        let (mut stream, mut buffer) = (Stream { wire: &wire, at: 0 }, vec![0; read]);
        group.throughput(Throughput::Bytes(read as u64));
        group.bench_function(BenchmarkId::from_parameter(read), |b| {
            b.iter(|| stream.read(black_box(&mut buffer)));
        });
    }
    group.finish();
}

criterion_group!(benches, chunks, copy);
criterion_main!(benches);
