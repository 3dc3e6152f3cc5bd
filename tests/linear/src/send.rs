//! Sending: one message by its size and by its fragments; many messages; what is written byte by byte.

use ws_proto::{Config, Connection, Kind, Seed};

use crate::measured;
use crate::wire::{SAMPLE, client, config, flush, server, text};

pub fn binary(n: usize) {
    let (message, mut end) = (vec![7; n], client());
    measured(|| {
        end.split().1.binary(&message).expect("open");
        assert!(flush(&mut end) > n);
    });
}

pub fn messages(n: usize) {
    let mut end = client();
    measured(|| {
        for _ in 0..n {
            end.split().1.text(SAMPLE).expect("open");
        }
        flush(&mut end);
    });
}

/// Behind `n` messages that wait, a message is queued for each that is written, byte by byte.
pub fn written_in_bytes(n: usize) {
    let mut end = server();
    measured(|| {
        for step in 0..2 * n {
            end.split().1.text(SAMPLE).expect("open");
            if step >= n {
                for _ in 0..2 + SAMPLE.len() {
                    end.consume(1);
                }
            }
        }
        assert_eq!(flush(&mut end), n * (2 + SAMPLE.len()));
    });
}

pub fn fragments(n: usize) {
    let mut end = client();
    measured(|| {
        for fragment in 1..=n {
            let (_, writer) = end.split();
            writer.fragment(Kind::Text, SAMPLE.as_bytes(), fragment == n).expect("open");
            writer.ping(b"between").expect("open");
        }
        flush(&mut end);
    });
}

/// A message of `n` fragments, which the writer makes.
pub fn cut(n: usize) {
    cut_by(&config().fragment_size(SAMPLE.len()), n);
}

fn cut_by(config: &Config, n: usize) {
    let message = text(n * SAMPLE.len());
    let mut end = Connection::client(config, Seed::predictable_for_tests(1));
    measured(|| {
        end.split().1.binary(&message).expect("open");
        assert!(flush(&mut end) > message.len());
    });
}
