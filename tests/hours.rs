//! Hours of two connections in milliseconds, over a wire in memory: rows TM.
#![cfg(feature = "alloc")]

use core::time::Duration;
use std::collections::VecDeque;

use ws_proto::handshake::{Client, ClientRequest, Incoming, OriginPolicy, Server};
use ws_proto::timers::{Due, Timers};
use ws_proto::{CloseCode, Closed, Config, Connection, Event, Seed, Side, Transport};

const LATENCY: Duration = Duration::from_millis(150);

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Both ends, open since 0 s.
struct Pair {
    now: Duration,
    client: End,
    server: End,
    /// Nothing arrives any more, and nobody is told.
    cut: bool,
}

/// A driver as anyone would write it.
struct End {
    connection: Connection,
    timers: Timers,
    /// What is on its way here, and when it arrives; no bytes are the end of the stream.
    wire: VecDeque<(Duration, Vec<u8>)>,
    transport: bool,
    /// The program does nothing any more.
    hung: bool,
    /// The program does not close its transport.
    lingers: bool,
    log: Vec<(Duration, Due)>,
    codes: Vec<CloseCode>,
}

impl Pair {
    fn new(client: &Config, server: &Config) -> Self {
        Self {
            now: at(0),
            client: End::new(Connection::client(client, Seed::predictable_for_tests(1)), client),
            server: End::new(Connection::server(server), server),
            cut: false,
        }
    }

    /// Lets both drivers wait and act until `end`.
    fn run(&mut self, end: Duration) {
        loop {
            let (to_server, to_client) = (self.client.turn(self.now), self.server.turn(self.now));
            if !self.cut {
                self.server.on_its_way(to_server, self.now + LATENCY);
                self.client.on_its_way(to_client, self.now + LATENCY);
            }
            let wakes = [self.client.wakes(), self.server.wakes()];
            match wakes.into_iter().flatten().min() {
                Some(next) if next <= end => {
                    assert!(next > self.now, "what was due is done");
                    self.now = next;
                }
                _ => break,
            }
        }
        self.now = end;
    }
}

impl End {
    fn new(connection: Connection, config: &Config) -> Self {
        let mut timers = Timers::new(config, at(0));
        timers.opened(at(0));
        let (wire, log, codes) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { connection, timers, wire, transport: true, hung: false, lingers: false, log, codes }
    }

    fn on_its_way(&mut self, sent: Vec<Vec<u8>>, arrives: Duration) {
        self.wire.extend(sent.into_iter().map(|bytes| (arrives, bytes)));
    }

    /// When there is something to do.
    fn wakes(&self) -> Option<Duration> {
        let arrives = self.wire.front().filter(|_| self.transport).map(|(time, _)| *time);
        [self.timers.next(), arrives].into_iter().flatten().min().filter(|_| !self.hung)
    }

    /// Reads, does what is due, and returns what to send.
    fn turn(&mut self, now: Duration) -> Vec<Vec<u8>> {
        if self.hung || !self.transport {
            return Vec::new();
        }
        while self.wire.front().is_some_and(|(time, _)| *time <= now) {
            let (_, mut bytes) = self.wire.pop_front().unwrap();
            self.read(&mut bytes, now);
        }
        let mut drops = self.act(now);
        let sent = self.connection.outgoing().to_vec();
        self.connection.consume(sent.len());
        drops |= self.connection.transport() == Transport::Close && !self.lingers;
        let mut sent = Vec::from_iter((!sent.is_empty()).then_some(sent));
        if drops {
            let _ = self.connection.split().0.receive_eof();
            self.transport = false;
            self.timers.closed();
            sent.push(Vec::new());
        }
        sent
    }

    fn read(&mut self, bytes: &mut [u8], now: Duration) {
        let (reader, _) = self.connection.split();
        if bytes.is_empty() {
            let _ = reader.receive_eof();
            return;
        }
        self.timers.received(now);
        let mut input = bytes;
        while let Ok(Some(event)) = reader.receive(&mut input) {
            match event {
                Event::Pong(payload) => drop(self.timers.pong(payload, now)),
                Event::Close(Some(close)) => self.codes.push(close.code),
                _ => {}
            }
        }
    }

    /// Whether to drop the transport behind what is outgoing.
    fn act(&mut self, now: Duration) -> bool {
        let mut drops = false;
        loop {
            let (reader, writer) = self.connection.split();
            if reader.is_closed() || writer.is_closed() {
                self.timers.closing(now);
            }
            let Some(due) = self.timers.due(now) else { return drops };
            self.log.push((now, due));
            match due {
                Due::Ping(payload) => drop(writer.ping(&payload)),
                Due::Pong => {
                    writer.close(CloseCode::INTERNAL, "").unwrap();
                    drops = true;
                }
                Due::Idle => writer.close(CloseCode::GOING_AWAY, "").unwrap(),
                _ => drops = true,
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.connection.split().1.text(text).unwrap();
    }

    fn close(&mut self, code: CloseCode) {
        self.connection.split().1.close(code, "").unwrap();
    }

    fn closed(&self) -> Closed<'_> {
        self.connection.closed().expect("the connection is closed")
    }
}

fn is_ping((_, due): &(Duration, Due)) -> bool {
    matches!(due, Due::Ping(_))
}

fn keepalive() -> Config {
    Config::new().keepalive(Some(at(30))).pong_timeout(at(20))
}

/// Without keepalive.
fn quiet() -> Config {
    Config::new().keepalive(None)
}

#[test]
fn tm_02_a_slow_request_is_cut_off_at_the_deadline() {
    let config = Config::new();
    let mut server = Server::new(OriginPolicy::Any, &config);
    let mut timers = Timers::new(&config, at(100));
    let mut now = at(100);
    for byte in *b"GET / HTTP/1.1\r\nHost: server.example.com\r\n" {
        assert!(matches!(server.receive(&mut &mut [byte][..]), Ok(None::<Incoming>)));
        timers.received(now);
        if let Some(due) = timers.due(now) {
            assert_eq!((due, now), (Due::Opening, at(110)));
            assert_eq!(timers.next(), Some(at(115))); // for the response with status 408
            timers.opened(now); // too late
            assert_eq!(timers.due(at(115)), Some(Due::Closing));
            return;
        }
        now += at(1);
    }
    panic!("no deadline");
}

#[test]
fn tm_03_a_slow_response_is_cut_off_at_the_deadline() {
    let config = Config::new().opening_timeout(Some(at(3)));
    let request = ClientRequest::new("ws://server.example.com/").unwrap();
    let mut client = Client::new(request, &config, Seed::predictable_for_tests(1)).unwrap();
    let mut timers = Timers::new(&config, at(0));
    for (second, byte) in (0..).zip(*b"HTT") {
        assert_eq!(timers.due(at(second)), None);
        assert!(matches!(client.receive(&mut &mut [byte][..]), Ok(None)));
        timers.received(at(second));
    }
    assert_eq!(timers.due(at(3)), Some(Due::Opening));
}

#[test]
fn tm_03_an_open_connection_has_no_deadline() {
    let mut pair = Pair::new(&quiet(), &quiet());
    pair.run(at(3600));
    assert!(pair.client.transport && pair.client.log.is_empty() && pair.server.log.is_empty());
}

#[test]
fn tm_04_half_a_day_of_keepalive() {
    let mut pair = Pair::new(&quiet(), &keepalive());
    let end = at(12 * 3600);
    pair.run(end);
    assert!(pair.client.transport && pair.server.transport);
    assert!(pair.server.log.iter().all(is_ping) && pair.client.log.is_empty());
    // The next ping counts from when the last pong arrived.
    let pings = (end.as_millis() + 300) / (30_000 + 300);
    assert_eq!(pair.server.log.len() as u128, pings);
    assert_eq!(pair.server.timers.round_trip(), Some(2 * LATENCY));
}

#[test]
fn tm_04_a_busy_hour_needs_no_ping() {
    let mut pair = Pair::new(&keepalive(), &keepalive());
    for second in (0..3600).step_by(20) {
        pair.run(at(second));
        pair.client.text("still here");
        pair.server.text("so am I");
        pair.run(at(second));
    }
    assert!(pair.server.log.is_empty() && pair.client.log.is_empty());

    let mut pair = Pair::new(&quiet(), &keepalive().require_pong(true));
    for second in (0..3600).step_by(20) {
        pair.run(at(second));
        pair.client.text("still here");
    }
    assert_eq!(pair.server.log.len(), 3580 / 30);
}

#[test]
fn tm_05_one_pong_answers_two_pings() {
    let mut pair = Pair::new(&quiet(), &keepalive());
    pair.client.text("only this");
    pair.run(at(25));
    pair.client.text("and this, before it hangs");
    pair.run(at(26));
    pair.client.hung = true;
    // The first ping at 55.15 s, and a message that was long on its way confirms it.
    pair.run(at(60));
    let mut late = Connection::client(&Config::new(), Seed::predictable_for_tests(2));
    late.split().1.text("late").unwrap();
    pair.server.wire.push_back((at(70), late.outgoing().to_vec()));
    pair.run(at(101));
    assert_eq!(pair.server.log.len(), 2);
    // Both are read at once, the newest is answered.
    pair.client.hung = false;
    pair.run(at(102));
    assert_eq!(pair.server.timers.round_trip(), Some(at(1) + LATENCY));
    pair.run(at(130));
    assert!(pair.server.transport && pair.server.log.iter().all(is_ping));
}

#[test]
fn tm_06_a_cut_wire_is_noticed() {
    let mut pair = Pair::new(&quiet(), &keepalive());
    pair.run(at(3600));
    pair.cut = true;
    pair.run(at(3600 + 30 + 20));
    assert_eq!(pair.server.log.pop().unwrap().1, Due::Pong);
    assert!(!pair.server.transport);
    let Closed { code, clean, by, .. } = pair.server.closed();
    assert_eq!((code, clean, by), (CloseCode::ABNORMAL, false, Side::Local));
    assert_eq!(pair.server.timers.next(), None);
}

#[test]
fn tm_06_a_program_that_hangs_is_told_1011() {
    let mut pair = Pair::new(&quiet(), &keepalive());
    pair.client.hung = true;
    pair.run(at(60));
    assert_eq!(pair.server.log.last(), Some(&(at(50), Due::Pong)));
    pair.client.hung = false;
    pair.run(at(61));
    assert_eq!(pair.client.codes, [CloseCode::INTERNAL]);
    assert!(!pair.client.transport);
}

#[test]
fn tm_07_a_close_that_nobody_answers_ends() {
    for cut in [true, false] {
        let mut pair = Pair::new(&keepalive(), &keepalive());
        pair.run(at(29));
        (pair.cut, pair.client.hung) = (cut, true);
        pair.server.close(CloseCode::NORMAL);
        pair.run(at(60));
        assert_eq!(pair.server.log, [(at(34), Due::Closing)]);
        let Closed { code, clean, .. } = pair.server.closed();
        assert_eq!((code, clean), (CloseCode::ABNORMAL, false));
        assert!(!pair.server.transport);
    }
}

#[test]
fn tm_08_a_client_waits_a_little_for_the_end_and_stays_clean() {
    for client_closes in [true, false] {
        let mut pair = Pair::new(&keepalive(), &keepalive());
        pair.server.lingers = true;
        let closer = if client_closes { &mut pair.client } else { &mut pair.server };
        closer.close(CloseCode::NORMAL);
        pair.run(at(60));
        let (time, due) = pair.client.log[0];
        assert_eq!((due, pair.client.log.len()), (Due::Closing, 1));
        assert!((at(5)..at(6)).contains(&time), "{time:?}");
        let Closed { code, clean, .. } = pair.client.closed();
        assert_eq!((code, clean), (CloseCode::NORMAL, true));
        assert!(!pair.client.transport);
    }
}

#[test]
fn tm_10_closing_in_order_leaves_no_timer() {
    let config = keepalive().idle_timeout(Some(at(50)));
    let mut pair = Pair::new(&config, &config);
    pair.run(at(3600));
    assert!(pair.client.transport); // the pongs keep it from being idle
    pair.client.close(CloseCode::NORMAL);
    pair.run(at(7200));
    for end in [&pair.client, &pair.server] {
        assert!(end.closed().clean && !end.transport);
        assert!(end.log.iter().all(is_ping));
        assert_eq!(end.timers.next(), None);
    }
}

#[test]
fn an_idle_connection_is_closed_in_order() {
    let mut pair = Pair::new(&quiet(), &quiet().idle_timeout(Some(at(600))));
    pair.run(at(300));
    pair.client.text("the last");
    pair.run(at(7200));
    assert_eq!(pair.server.log, [(at(900) + LATENCY, Due::Idle)]);
    assert!(pair.server.closed().clean && pair.client.closed().clean);
    assert_eq!(pair.client.codes, [CloseCode::GOING_AWAY]);
}
