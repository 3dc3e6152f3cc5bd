//! Memory of an idle connection: of the value alone, on the heap and a million times; and resident memory of a server for
//! each, beside plain TCP on the same runtime.
//!
//! ```text
//! cargo bench --all-features --bench idle                 # 10,000 connections over loopback
//! cargo bench --all-features --bench idle -- --count 1000
//! ```
//!
//! Each server, and who holds the million, is a process of its own. Every connection echoes a message before it is idle,
//! the servers' behind a handshake; the kernel's buffers are not in the figures.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use futures_util::{AsyncReadExt, AsyncWriteExt};
use ws_proto::handshake::{Answer, Incoming, OriginPolicy, Server};
use ws_proto::{Config, Connection, Event, Reader, Writer};

/// Connections without a stream.
const ALONE: usize = 1_000_000;

const SERVERS: &[&str] =
    &["tcp-mio", "ws-mio", "tcp-tokio", "ws-tokio", "tcp-smol", "ws-smol", "tcp-threads", "ws-threads"];

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    if let Some(server) = value("--serve") {
        return serve(server);
    }
    if let Some(count) = value("--hold") {
        return hold(count.parse()?);
    }
    let smoke = words.iter().any(|word| word == "--test");
    alone(if smoke { 1000 } else { ALONE })?;
    let count = value("--count").map_or(Ok(if smoke { 20 } else { 10_000 }), |count| count.parse())?;
    println!("resident bytes per idle connection, {count} connections");
    let mut plain = 0;
    for server in SERVERS {
        let count = if server.ends_with("threads") { count.min(1000) } else { count };
        let bytes = measure(server, count)?;
        if server.starts_with("tcp") {
            plain = bytes;
            println!("{server:12} {bytes:8}");
        } else {
            println!("{server:12} {bytes:8}   {:+} over TCP", bytes - plain);
        }
    }
    Ok(())
}

/// The value alone, what it has on the heap, and so many in one process.
fn alone(count: usize) -> Result<(), Box<dyn Error>> {
    println!(
        "bytes: Connection {}, of these Reader {} and Writer {}",
        size_of::<Connection>(),
        size_of::<Reader>(),
        size_of::<Writer>()
    );
    let mut connection = None;
    let heap = allocation_counter::measure(|| connection = Some(idle(&Config::new())));
    println!("on the heap of an idle one: {} bytes; {} while it was at work", heap.bytes_current, heap.bytes_max);
    let holder = Command::new(env::current_exe()?).args(["--hold", &count.to_string()]).output()?;
    let bytes: i64 = String::from_utf8(holder.stdout)?.trim().parse()?;
    println!(
        "{count} idle ones in one process: {} resident bytes each, {bytes} in all\n",
        bytes / i64::try_from(count)?
    );
    Ok(())
}

/// Prints how much more memory so many of them take.
fn hold(count: usize) -> Result<(), Box<dyn Error>> {
    let config = Config::new();
    let before = resident(std::process::id())?;
    let held: Vec<Connection> = (0..count).map(|_| idle(&config)).collect();
    let after = resident(std::process::id())?;
    drop(held);
    println!("{}", after - before);
    Ok(())
}

/// A server's end that has sent one message back.
fn idle(config: &Config) -> Connection {
    let mut connection = Connection::server(config);
    let mut input = *b"\x82\x85\0\0\0\0Hello";
    assert_eq!(echo_back(&mut connection, &mut input), b"\x82\x05Hello");
    connection
}

/// Gives the connection's memory back, too.
fn echo_back(connection: &mut Connection, mut input: &mut [u8]) -> Vec<u8> {
    let (reader, writer) = connection.split();
    while let Ok(Some(Event::Binary(bytes))) = reader.receive(&mut input) {
        let _ = writer.binary(bytes);
    }
    let outgoing = connection.outgoing().to_vec();
    connection.consume(outgoing.len());
    connection.release();
    outgoing
}

fn measure(server: &str, count: usize) -> Result<i64, Box<dyn Error>> {
    let mut child = Ended(Command::new(env::current_exe()?).args(["--serve", server]).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    // What the first connections bring with them is not theirs.
    let warm: Vec<TcpStream> = (0..8).map(|_| connect(address, server)).collect::<Result<_, _>>()?;
    let before = resident(child.0.id())?;
    let idle: Vec<TcpStream> = (0..count).map(|_| connect(address, server)).collect::<Result<_, _>>()?;
    sleep(Duration::from_millis(500));
    let after = resident(child.0.id())?;
    drop((warm, idle));
    Ok((after - before) / i64::try_from(count)?)
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(address: SocketAddr, server: &str) -> Result<TcpStream, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = [0; 1024];
    if server.starts_with("ws") {
        stream.write_all(REQUEST)?;
        let n = stream.read(&mut buffer)?;
        assert!(buffer[..n].starts_with(b"HTTP/1.1 101 "));
        stream.write_all(b"\x82\x85\0\0\0\0Hello")?;
    } else {
        stream.write_all(b"Hello")?;
    }
    let n = stream.read(&mut buffer)?;
    assert!(buffer[..n].ends_with(b"Hello"));
    Ok(stream)
}

/// Bytes of a process in memory.
fn resident(process: u32) -> Result<i64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<i64>()? * 1024)
}

fn serve(server: &str) -> Result<(), Box<dyn Error>> {
    let config = Config::new();
    match server {
        "tcp-mio" => mio_server(|_| Ok(()), |(), input| input.to_vec()),
        "ws-mio" => mio_server(
            |stream: &mut mio::net::TcpStream| {
                let _ = stream.set_nodelay(true);
                Ok(Peer::Asking(Box::new(Server::new(OriginPolicy::Any, &Config::new()))))
            },
            Peer::receive,
        ),
        "tcp-tokio" | "ws-tokio" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(tokio_server(server == "ws-tokio", config))
        }
        "tcp-smol" | "ws-smol" => smol::block_on(smol_server(server == "ws-smol", config)),
        _ => thread_server(server == "ws-threads", &config),
    }
}

/// A WebSocket without timers: what mio has to keep of one.
#[expect(clippy::large_enum_variant, reason = "nearly all are open")]
enum Peer {
    Asking(Box<Server>),
    Open(Connection),
}

impl Peer {
    fn receive(&mut self, mut input: &mut [u8]) -> Vec<u8> {
        if let Self::Asking(server) = self
            && let Ok(Some(Incoming::Upgrade(request))) = server.receive(&mut input)
            && let Ok(connection) = request.accept(&Answer::new(), &Config::new())
        {
            *self = Self::Open(connection);
        }
        let Self::Open(connection) = self else { return Vec::new() };
        echo_back(connection, input)
    }
}

fn mio_server<P>(
    open: impl Fn(&mut mio::net::TcpStream) -> std::io::Result<P>,
    receive: impl Fn(&mut P, &mut [u8]) -> Vec<u8>,
) -> Result<(), Box<dyn Error>> {
    use mio::{Events, Interest, Poll, Token};
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut listener = mio::net::TcpListener::bind(ANY.parse()?)?;
    poll.registry().register(&mut listener, Token(usize::MAX), Interest::READABLE)?;
    println!("{}", listener.local_addr()?);
    let (mut peers, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if let Some((stream, peer)) = peers.get_mut(event.token().0) {
                while let Ok(n @ 1..) = mio::net::TcpStream::read(stream, &mut buffer) {
                    stream.write_all(&receive(peer, &mut buffer[..n]))?;
                }
            }
            while event.token() == Token(usize::MAX)
                && let Ok((mut stream, _)) = listener.accept()
            {
                poll.registry().register(&mut stream, Token(peers.len()), Interest::READABLE)?;
                let peer = open(&mut stream)?;
                peers.push((stream, peer));
            }
        }
    }
}

async fn tokio_server(is_ws: bool, config: Config) -> Result<(), Box<dyn Error>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(ANY).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        let config = config.clone();
        if is_ws {
            tokio::spawn(async move {
                let socket = ws_proto::tokio::accept(stream, OriginPolicy::Any, &config).await?;
                echo(socket).await
            });
        } else {
            tokio::spawn(async move {
                loop {
                    // Waits without a buffer, as the other does.
                    stream.readable().await?;
                    let mut buffer = [0; 1024];
                    let n = stream.read(&mut buffer).await?;
                    stream.write_all(&buffer[..n]).await?;
                    if n == 0 {
                        return Ok::<_, std::io::Error>(());
                    }
                }
            });
        }
    }
}

async fn smol_server(is_ws: bool, config: Config) -> Result<(), Box<dyn Error>> {
    let listener = smol::net::TcpListener::bind(ANY).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        let config = config.clone();
        if is_ws {
            let connection = async move {
                let io = ws_proto::futures::Futures::new(stream);
                echo(ws_proto::futures::accept(io, OriginPolicy::Any, &config).await?).await
            };
            smol::spawn(connection).detach();
        } else {
            let connection = async move {
                let mut buffer = [0; 64];
                while let n @ 1.. = stream.read(&mut buffer).await? {
                    stream.write_all(&buffer[..n]).await?;
                }
                Ok::<_, std::io::Error>(())
            };
            smol::spawn(connection).detach();
        }
    }
}

async fn echo<T: ws_proto::poll::Io>(socket: ws_proto::poll::Socket<T>) -> Result<(), ws_proto::poll::Error> {
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next().await? {
        if let Event::Binary(bytes) = event {
            sender.queue(|writer| writer.binary(bytes))?;
        }
    }
    Ok(())
}

fn thread_server(is_ws: bool, config: &Config) -> Result<(), Box<dyn Error>> {
    let listener = std::net::TcpListener::bind(ANY)?;
    println!("{}", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept()?;
        let config = config.clone();
        let builder = std::thread::Builder::new().stack_size(128 << 10);
        if is_ws {
            builder.spawn(move || {
                let mut socket = ws_proto::blocking::accept(stream, OriginPolicy::Any, &config)?;
                let (mut receiver, mut sender) = socket.split();
                while let Some(event) = receiver.next()? {
                    if let Event::Binary(bytes) = event {
                        sender.binary(bytes)?;
                    }
                }
                Ok::<_, ws_proto::blocking::Error>(())
            })?;
        } else {
            builder.spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(n @ 1..) = stream.read(&mut buffer) {
                    stream.write_all(&buffer[..n])?;
                }
                Ok::<_, std::io::Error>(())
            })?;
        }
    }
}

const ANY: &str = "127.0.0.1:0";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
