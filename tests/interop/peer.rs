//! One of the peers of the interoperability tests: an echo server, or a client that sends messages and compares what
//! comes back. See README.md.

use core::error::Error;
use core::time::Duration;
use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use ws_proto::blocking::{self, Sender, Socket, Stream};
use ws_proto::deflate::Compression;
use ws_proto::handshake::{Answer, Client, ClientRequest, OriginPolicy};
use ws_proto::{CloseCode, Config, Event, Kind, Role, Seed};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let options = Options::parse(env::args().skip(1))?;
    match &options.url {
        Some(url) => client(url, &options),
        None => server(&options),
    }
}

/// Echoes for one connection after the other.
fn server(options: &Options) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let mut random = Random(options.seed);
    loop {
        let stream = Counted { stream: listener.accept()?.0, read: 0, written: 0 };
        if let Err(error) = echo(stream, options, &mut random) {
            println!("{error}");
        }
    }
}

fn echo(stream: Counted, options: &Options, random: &mut Random) -> Outcome {
    stream.stream.set_nodelay(true)?;
    let config = options.config(Role::Server, random);
    let blocking::Incoming::Upgrade(upgrade) = blocking::receive_request(stream, OriginPolicy::Any, &config)? else {
        return Err("a plain request".into());
    };
    let mut tally = Tally { extensions: agreement_to_text(upgrade.request().agreement(&config)), ..Tally::default() };
    let mut socket = upgrade.accept(&Answer::new())?;
    let (mut receiver, mut sender) = socket.split();
    while let Some(event) = receiver.next()? {
        let (kind, bytes) = match event {
            Event::Text(text) => (Kind::Text, text.as_bytes()),
            Event::Binary(bytes) => (Kind::Binary, bytes),
            _ => continue,
        };
        tally.received += bytes.len();
        tally.pings += send(&mut sender, kind, bytes, random)?;
        tally.sent += bytes.len();
    }
    tally.print(&mut socket);
    Ok(())
}

/// Sends messages, in batches while they are small, and checks that they come back as they were.
fn client(url: &str, options: &Options) -> Outcome {
    let mut random = Random(options.seed);
    let (mut socket, extensions) = connect(url, &options.config(Role::Client, &mut random))?;
    let mut tally = Tally { extensions, ..Tally::default() };
    for sizes in SIZES {
        let messages: Vec<_> = sizes.iter().flat_map(|size| random.messages(*size)).collect();
        let (mut receiver, mut sender) = socket.split();
        for (kind, bytes) in &messages {
            tally.pings += send(&mut sender, *kind, bytes, &mut random)?;
            tally.sent += bytes.len();
        }
        let mut missing = messages.iter();
        while missing.len() > 0 {
            let (kind, bytes) = match receiver.next()?.ok_or("the server closed early")? {
                Event::Text(text) => (Kind::Text, text.as_bytes()),
                Event::Binary(bytes) => (Kind::Binary, bytes),
                Event::Pong(_) => {
                    tally.pongs += 1;
                    continue;
                }
                _ => continue,
            };
            if missing.next().is_none_or(|message| message.0 != kind || message.1 != bytes) {
                return Err(format!("a {kind:?} of {} bytes came back wrong", bytes.len()).into());
            }
            tally.received += bytes.len();
            tally.messages += 1;
        }
    }
    close(&mut socket, &mut tally)
}

fn close(socket: &mut Socket<Counted>, tally: &mut Tally) -> Outcome {
    socket.close(CloseCode::NORMAL, "done")?;
    while let Some(event) = socket.next()? {
        tally.pongs += usize::from(matches!(event, Event::Pong(_)));
    }
    let closed = socket.closed().ok_or("not closed")?;
    if !closed.clean || closed.code != CloseCode::NORMAL {
        return Err(format!("{closed:?}").into());
    }
    tally.print(socket);
    Ok(())
}

/// The handshake by hand, for the header in the response.
fn connect(url: &str, config: &Config) -> Outcome<(Socket<Counted>, String)> {
    let request = ClientRequest::new(url)?;
    let stream = TcpStream::connect((request.uri().host(), request.uri().port()))?;
    stream.set_nodelay(true)?;
    let mut stream = Counted { stream, read: 0, written: 0 };
    let mut client = Client::new(request, config, Seed::from_os()?)?;
    stream.write_all(client.outgoing())?;
    let mut buffer = [0; 4096];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            client.receive_eof()?;
        }
        let mut input = &mut buffer[..len];
        if let Some(response) = client.receive(&mut input)? {
            let extensions = response.header("sec-websocket-extensions").unwrap_or_default();
            let extensions = String::from_utf8(extensions.to_vec())?;
            if extensions.is_empty() == response.agreement().is_some() {
                return Err("an agreement without a header, or a header without one".into());
            }
            return Ok((Socket::new(stream, response.into_connection(), input, config), extensions));
        }
    }
}

/// Whole, as the longest are, so that it is compressed and cut by [`Config::fragment_size`]; or in fragments of any
/// size, with pings between. Returns how many of those.
fn send(sender: &mut Sender<'_, Counted>, kind: Kind, bytes: &[u8], random: &mut Random) -> Outcome<usize> {
    if bytes.len() > 100_000 || random.below(3) > 0 {
        match kind {
            Kind::Text => sender.text(str::from_utf8(bytes)?)?,
            Kind::Binary => sender.binary(bytes)?,
        }
        return Ok(0);
    }
    let mut pings = 0;
    let mut rest = bytes;
    for _ in 0..random.below(5) {
        let (fragment, behind) = rest.split_at(random.below(rest.len() + 1));
        sender.fragment(kind, fragment, false)?;
        sender.ping(b"between fragments")?;
        pings += 1;
        rest = behind;
    }
    sender.fragment(kind, rest, true)?;
    Ok(pings)
}

fn agreement_to_text(agreement: Option<ws_proto::deflate::Agreement>) -> String {
    agreement.map(|agreement| agreement.to_string()).unwrap_or_default()
}

/// What was agreed, and what went over the wire: printed as JSON.
#[derive(Default)]
struct Tally {
    extensions: String,
    messages: usize,
    sent: usize,
    received: usize,
    pings: usize,
    pongs: usize,
}

impl Tally {
    fn print(&self, socket: &mut Socket<Counted>) {
        let Self { extensions, messages, sent, received, pings, pongs } = self;
        let Counted { read, written, .. } = socket.stream();
        println!(
            "{{\"extensions\": \"{extensions}\", \"messages\": {messages}, \"pings\": {pings}, \"pongs\": {pongs}, \
             \"sent\": {sent}, \"written\": {written}, \"received\": {received}, \"read\": {read}}}"
        );
    }
}

/// A stream that counts its bytes.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    read: usize,
    written: usize,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        self.read += n;
        Ok(n)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.stream.write(bytes)?;
        self.written += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Stream for Counted {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.stream.read_timeout()
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.stream.write_timeout()
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(limit)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown_write()
    }
}

/// A small generator: good enough to cut messages with, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end.max(1)
    }

    /// One that shrinks and one that does not, as text and as binary.
    fn messages(&mut self, size: usize) -> [(Kind, Vec<u8>); 4] {
        let mut row = String::new();
        while row.len() < size {
            row += "{\"name\": \"größer\", \"id\": ";
            row += &self.below(1000).to_string();
        }
        let mut noise: String =
            (0..size).filter_map(|_| char::from_u32(32 + u32::try_from(self.below(3000)).ok()?)).collect();
        for text in [&mut row, &mut noise] {
            while text.len() > size {
                text.pop();
            }
        }
        let bytes = (0..size).map(|_| self.below(256).to_le_bytes()[0]).collect();
        let zeros = vec![0; size];
        [(Kind::Text, row.into_bytes()), (Kind::Text, noise.into_bytes()), (Kind::Binary, bytes), (Kind::Binary, zeros)]
    }
}

/// What is asked for, in the terms of RFC 7692.
#[derive(Default)]
struct Options {
    url: Option<String>,
    seed: u64,
    server_window: Option<u8>,
    client_window: Option<u8>,
    server_alone: bool,
    client_alone: bool,
    /// Leaves everything as it comes.
    defaults: bool,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--connect" => options.url = Some(value()?),
                "--seed" => options.seed = value()?.parse()?,
                "--server-window" => options.server_window = Some(value()?.parse()?),
                "--client-window" => options.client_window = Some(value()?.parse()?),
                "--server-alone" => options.server_alone = true,
                "--client-alone" => options.client_alone = true,
                "--defaults" => options.defaults = true,
                _ => return Err(format!("unknown option {word}").into()),
            }
        }
        Ok(options)
    }

    fn config(&self, role: Role, random: &mut Random) -> Config {
        let fragment = [100, 1000, 4096, 65_536, Config::UNLIMITED][random.below(5)];
        let config = Config::new().fragment_size(fragment);
        if self.defaults {
            return config.compression(Compression::new());
        }
        let server = (self.server_window.unwrap_or(15), !self.server_alone);
        let client = (self.client_window.unwrap_or(15), !self.client_alone);
        let (outbound, inbound) = if role == Role::Server { (server, client) } else { (client, server) };
        config.compression(
            Compression::new()
                .outbound_window(outbound.0)
                .outbound_takeover(outbound.1)
                .inbound_window(inbound.0)
                .inbound_takeover(inbound.1)
                .min_size(32, 32),
        )
    }
}

/// Of messages, in batches.
const SIZES: &[&[usize]] =
    &[&[0, 1, 2, 5], &[125, 126, 127, 300], &[1000, 1500], &[16_384], &[65_535], &[65_536], &[200_000]];
