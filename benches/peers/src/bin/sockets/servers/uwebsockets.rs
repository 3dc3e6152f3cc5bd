//! uWebSockets, which is C++ (g++, -O3), as in its `EchoServer` example, without TLS and compression, and with room for
//! large messages: see `uwebsockets/src/echo.cpp`. It reads up to 512 KiB at once, answers what a read brought in one
//! write of up to 16 KiB, and sets `TCP_NODELAY` by itself. Its event loop is its own, on epoll, so that it is compared
//! with mio.

use std::io::{self, Read};
use std::net::TcpListener;
use std::{process, thread};

use crate::Result;

pub(super) fn run(listener: TcpListener) -> Result<()> {
    // Its loop has no place for another's file: this thread sleeps.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]); // nothing is ever written to it
        process::exit(0);
    });
    Err(uwebsockets::echo(&listener).into())
}
