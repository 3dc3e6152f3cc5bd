//! A server that sends back what it receives, as an event loop would: one read, its events, one write.

#[allow(dead_code, reason = "each bench uses its part")]
mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::{Event, Kind, Role};

use crate::common::{SIZES, connection, flush, wire};

fn echo(c: &mut Criterion) {
    for kind in [Kind::Binary, Kind::Text] {
        let mut group = c.benchmark_group(format!("echo/{kind:?}"));
        for size in SIZES {
            let (wire, count) = wire(Role::Server, kind, size);
            let mut buffer = wire.clone();
            let mut server = connection(Role::Server);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| {
                    buffer.copy_from_slice(&wire);
                    let mut input = &mut buffer[..];
                    let (reader, writer) = server.split();
                    while let Some(event) = reader.receive(&mut input).expect("valid") {
                        match event {
                            Event::Text(text) => writer.text(text).expect("room"),
                            Event::Binary(bytes) => writer.binary(bytes).expect("room"),
                            _ => unreachable!("only messages are sent"),
                        }
                    }
                    assert!(flush(&mut server) > count * size);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, echo);
criterion_main!(benches);
