//! Peers that flood a server, and one that does not and is timed.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use ws_proto::Config;

/// What the peers send that flood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flood {
    Nothing,
    /// Binary messages of a byte.
    Tiny,
    /// Empty pings, each of which is owed a pong.
    Pings,
    /// Texts of a byte, each of which is echoed.
    Texts,
    /// Compressed messages that inflate to 1,000 times their size: 16 MB, or 4 MB in a build that is not optimized.
    #[cfg(feature = "deflate")]
    Bombs,
}

/// What the peer that does not flood saw.
pub(crate) struct Served {
    /// From the shortest to the longest.
    times: Vec<Duration>,
    /// How many blocks of the flood were handled.
    pub(crate) blocks: usize,
}

impl Flood {
    pub(crate) const ALL: &[Self] = &[
        Self::Nothing,
        Self::Tiny,
        Self::Pings,
        Self::Texts,
        #[cfg(feature = "deflate")]
        Self::Bombs,
    ];

    /// What is sent at once: so many frames and, to learn that they are handled, a text that is echoed.
    fn block(self) -> Vec<u8> {
        let mut block = match self {
            Self::Nothing => Vec::new(),
            Self::Tiny => b"\x82\x81\0\0\0\0x".repeat(BLOCK / 7),
            Self::Pings => b"\x89\x80\0\0\0\0".repeat(BLOCK / 6),
            Self::Texts => b"\x81\x81\0\0\0\0x".repeat(BLOCK / 7),
            #[cfg(feature = "deflate")]
            Self::Bombs => bomb(),
        };
        block.extend_from_slice(HANDLED);
        block
    }

    /// How many blocks a peer has on their way, so that the server always has some to read.
    fn under_way(self) -> usize {
        match self {
            #[cfg(feature = "deflate")]
            Self::Bombs => 1, // each is work for many turns
            _ => 3,
        }
    }
}

impl Served {
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)]
    }
}

/// For servers that let such a flood go on.
pub(crate) fn config() -> Config {
    let config = Config::new();
    #[cfg(feature = "deflate")]
    let config =
        config.compression(ws_proto::deflate::Compression::new()).max_expansion(Config::UNLIMITED, Config::UNLIMITED);
    config
}

/// Floods the server from [`PEERS`] connections, and times the echo of another one meanwhile.
pub(crate) fn measure(address: SocketAddr, flood: Flood, time: Duration) -> Result<Served, Box<dyn Error>> {
    let mut honest = connect(address)?;
    let handled = Arc::new(AtomicUsize::new(0));
    let peers = if flood == Flood::Nothing { 0 } else { PEERS };
    // All connect before any floods.
    let streams: Vec<TcpStream> = (0..peers).map(|_| connect(address)).collect::<io::Result<_>>()?;
    let block: Arc<[u8]> = flood.block().into();
    let start = |stream: TcpStream| Ok((stream.try_clone()?, start(stream, flood.under_way(), &block, &handled)));
    let flooding: Vec<(TcpStream, JoinHandle<()>)> = streams.into_iter().map(start).collect::<io::Result<_>>()?;
    sleep(time / 10); // until all have begun
    let (mut times, before, end) = (Vec::new(), handled.load(Ordering::Relaxed), Instant::now() + time);
    while Instant::now() < end || times.len() < LEAST {
        sleep(Duration::from_millis(1));
        times.push(echo(&mut honest)?);
    }
    let blocks = handled.load(Ordering::Relaxed) - before;
    for (stream, thread) in flooding {
        stream.shutdown(Shutdown::Both)?;
        thread.join().map_err(|_| "a flooding peer panicked")?;
    }
    // What is left of this flood must not disturb the next one.
    echo(&mut honest)?;
    times.sort_unstable();
    Ok(Served { times, blocks })
}

/// Connects, with an offer of compression, and performs the handshake.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(REQUEST)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
    Ok(stream)
}

/// How long the echo of a short text takes.
pub(crate) fn echo(stream: &mut TcpStream) -> io::Result<Duration> {
    let start = Instant::now();
    stream.write_all(b"\x81\x85\0\0\0\0Hello")?;
    // Uncompressed, or compressed.
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    stream.read_exact(&mut [0; 125][..usize::from(answer[1])])?;
    Ok(start.elapsed())
}

/// A peer that always has so many blocks under way. It ends when its stream is shut down.
fn start(mut stream: TcpStream, under_way: usize, block: &Arc<[u8]>, handled: &Arc<AtomicUsize>) -> JoinHandle<()> {
    let (block, handled) = (Arc::clone(block), Arc::clone(handled));
    thread::spawn(move || {
        let mut blocks = under_way;
        let mut answers = Answers::default();
        while (0..blocks).all(|_| stream.write_all(&block).is_ok()) {
            let Ok(n) = answers.read(&mut stream) else { break };
            handled.fetch_add(n, Ordering::Relaxed);
            blocks = n;
        }
    })
}

/// What the server answers: short frames, cut anywhere.
#[derive(Default)]
struct Answers(Vec<u8>);

impl Answers {
    /// Reads, and counts the blocks that are handled.
    fn read(&mut self, stream: &mut TcpStream) -> io::Result<usize> {
        let mut buffer = [0; 16 << 10];
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.extend_from_slice(&buffer[..n]);
        let (mut blocks, mut at) = (0, 0);
        while let Some(&[_, len]) = self.0.get(at..at + 2)
            && let Some(payload) = self.0.get(at + 2..at + 2 + usize::from(len))
        {
            blocks += usize::from(len >= MARK);
            at += 2 + payload.len();
        }
        self.0.drain(..at);
        Ok(blocks)
    }
}

/// Zeros, compressed.
#[cfg(feature = "deflate")]
fn bomb() -> Vec<u8> {
    use ws_proto::{Connection, Seed, deflate::Agreement};
    let config = config();
    let connection = Connection::client(&config, Seed::predictable_for_tests(0));
    let mut connection = connection.with_deflate(Agreement::default(), &config);
    connection
        .split()
        .1
        .binary(&vec![0; if cfg!(debug_assertions) { 4_000_000 } else { 16_000_000 }])
        .expect("it is a message");
    connection.outgoing().to_vec()
}

const PEERS: usize = 8;
/// The fewest echoes that are timed.
const LEAST: usize = 3;
const BLOCK: usize = 16 << 10;
/// Its echo is the only answer of so many bytes, compressed or not.
const HANDLED: &[u8] = b"\x81\x9a\0\0\0\0abcdefghijklmnopqrstuvwxyz";
const MARK: u8 = 20;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
