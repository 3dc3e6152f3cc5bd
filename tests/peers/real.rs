//! In real time, over TCP, on tokio and on smol.
