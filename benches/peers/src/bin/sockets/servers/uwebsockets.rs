//! uWebSockets, which is C++ (g++, -O3), as in its `EchoServer` example, without compression and with room for large
//! messages: see `uwebsockets/src/echo.cpp`. It reads at most 512 KiB at once, gathers the answers to a read in 16 KiB,
//! and sets `TCP_NODELAY` by itself. Its event loop on epoll is its own, so that it is compared with mio.

use std::io::{self, Read};
use std::net::TcpListener;
use std::{process, thread};

use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    // Its loop has no place for other files. The thread sleeps.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]); // nothing is ever written to it
        process::exit(0);
    });
    Ok(uwebsockets::echo(listener)?)
}
