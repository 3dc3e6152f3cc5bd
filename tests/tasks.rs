//! Two tasks on split halves, both directions saturated: no deadlock, no lost wake-up, few that were for nothing.
#![cfg(all(feature = "futures-io", feature = "tokio"))]

mod driver;

use core::time::Duration;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use driver::{Pipe, Scripted, complete, connection, counted, letters, owned, pattern, run};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use ws_proto::poll::{Error, Io, Receiver, Sender, Socket};
use ws_proto::{CloseCode, Config, Event, Kind, Message, Role, SendError, futures, tokio as ws};

// --- both ways at once ---

/// What each end sends.
#[derive(Clone, Copy, Debug)]
struct Load {
    messages: usize,
    /// The longest.
    size: usize,
    /// A ping before every so many.
    pings: usize,
    max_pending: usize,
}

impl Load {
    fn config(self) -> Config {
        Config::new().max_pending(self.max_pending)
    }

    fn message(self, i: usize) -> Message {
        let size = (i * 7919) % (self.size + 1);
        match i % 3 {
            0 => Message::Text(letters(i, size)),
            _ => Message::Binary(pattern(i, size)),
        }
    }
}

/// What is counted.
#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicUsize,
    polls: Arc<AtomicUsize>,
    pings: AtomicUsize,
    pongs: AtomicUsize,
    done: AtomicBool,
}

impl Counts {
    fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    fn delivered(&self) -> usize {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Ends the test once nothing has been delivered for a while.
    fn watch(self: &Arc<Self>, name: &str) {
        let (counts, name) = (Arc::clone(self), name.to_owned());
        thread::spawn(move || {
            let (mut seen, mut since) = (usize::MAX, Instant::now());
            while !counts.done.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
                let now = counts.delivered();
                if now != seen {
                    (seen, since) = (now, Instant::now());
                } else if since.elapsed() > STUCK {
                    eprintln!("{name}: stuck after {now} messages: {counts:?}");
                    std::process::abort();
                }
            }
        });
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The four tasks of a connection that is saturated both ways, to its close.
fn saturate<T: Io + Send + 'static>(near: Socket<T>, far: Socket<T>, load: Load, counts: &Arc<Counts>) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for socket in [near, far] {
        let (sending, receiving) = both_tasks(socket, load, counts);
        tasks.push(Box::pin(counted(sending, Arc::clone(&counts.polls))));
        tasks.push(Box::pin(counted(receiving, Arc::clone(&counts.polls))));
    }
    tasks
}

fn both_tasks<T: Io + Send + 'static>(socket: Socket<T>, load: Load, counts: &Arc<Counts>) -> (Task, Task) {
    let (receiver, sender) = socket.split();
    let (all, done) = oneshot::channel();
    (Box::pin(send(sender, load, done, Arc::clone(counts))), Box::pin(receive(receiver, load, all, Arc::clone(counts))))
}

/// Sends all, and closes once the other end's have come.
async fn send<T: Io>(mut sender: Sender<T>, load: Load, received: oneshot::Receiver<()>, counts: Arc<Counts>) {
    for i in 0..load.messages {
        if i % load.pings == 0 {
            counts.pings.fetch_add(1, Ordering::Relaxed);
            sender.ping(&i.to_be_bytes()).await.expect("a ping");
        }
        match load.message(i) {
            Message::Text(text) => sender.text(&text).await.expect("text"),
            Message::Binary(bytes) if i % 3 == 1 => sender.binary(&bytes).await.expect("binary"),
            Message::Binary(bytes) => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                sender.fragment(Kind::Binary, first, false).await.expect("a fragment");
                sender.fragment(Kind::Binary, second, true).await.expect("the last fragment");
            }
            _ => unreachable!(),
        }
    }
    received.await.expect("the other half is there");
    // The answer to the other's may be out already.
    match sender.close(CloseCode::NORMAL, "").await {
        Ok(()) | Err(Error::Send(SendError::Closed)) => {}
        Err(error) => panic!("{error:?}"),
    }
}

async fn receive<T: Io>(mut receiver: Receiver<T>, load: Load, all: oneshot::Sender<()>, counts: Arc<Counts>) {
    let (mut next, mut all) = (0, Some(all));
    loop {
        match owned(receiver.next().await.expect("a valid wire")) {
            Some(Message::Ping(_) | Message::Close(_)) => {}
            Some(Message::Pong(payload)) => {
                assert_eq!(payload.len(), 8);
                counts.pongs.fetch_add(1, Ordering::Relaxed);
            }
            Some(message) => {
                assert!(message == load.message(next), "message {next} is another");
                next += 1;
                counts.delivered.fetch_add(1, Ordering::Relaxed);
                if next == load.messages {
                    all.take().expect("once").send(()).expect("the other half is there");
                }
            }
            None => break,
        }
    }
    assert_eq!(next, load.messages, "all of them");
    assert!(receiver.closed().expect("it is over").clean);
}

fn check(name: &str, load: Load, counts: &Counts) {
    counts.done.store(true, Ordering::SeqCst);
    let polls = counts.polls();
    println!("{name}: {} messages, {polls} polls, {:?} pongs", counts.delivered(), counts.pongs);
    assert_eq!(counts.delivered(), 2 * load.messages, "{name}");
    assert!(counts.pongs.load(Ordering::Relaxed) > 0, "{name}: pongs came through");
}

/// Loads whose messages fit in the output, and that fill it each time.
const LOADS: [Load; 4] = [
    Load { messages: 300, size: 300, pings: 3, max_pending: 1 << 20 },
    Load { messages: 300, size: 300, pings: 3, max_pending: 1 },
    Load { messages: 300, size: 500, pings: 1, max_pending: 64 },
    Load { messages: 60, size: 20_000, pings: 2, max_pending: 4096 },
];

fn sockets<T: Io>((near, far): (T, T), load: Load) -> (Socket<T>, Socket<T>) {
    let config = load.config();
    let near = Socket::new(near, connection(Role::Client, &config), b"", &config);
    (near, Socket::new(far, connection(Role::Server, &config), b"", &config))
}

async fn join(tasks: Vec<Task>) {
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A pipe of few bytes that wakes no one for nothing: so every poll has a reason, and they can be counted.
#[test]
fn over_a_strict_pipe() {
    for runtime in [multi_thread(), current_thread()] {
        for load in LOADS {
            for capacity in [1, 16, 1000] {
                if capacity < load.size / 100 {
                    continue; // takes too long
                }
                let name = format!("pipe of {capacity}, {load:?}");
                let counts = Arc::new(Counts::default());
                counts.watch(&name);
                let pipes = Pipe::pair(capacity);
                let wakes = pipes.0.wakes();
                let (near, far) = sockets(pipes, load);
                runtime.block_on(join(saturate(near, far, load, &counts)));
                check(&name, load, &counts);
                // A wake of the stream is for both halves of that end.
                let (polls, calls) = (counts.polls(), 4 * (2 * load.messages + 10));
                println!("    {} wakes", wakes());
                assert!(polls <= 2 * wakes() + calls, "{name}: {polls} polls for {} wakes", wakes());
            }
        }
    }
}

#[test]
fn over_a_duplex_stream_of_tokio() {
    for runtime in [multi_thread(), current_thread()] {
        for load in LOADS {
            for capacity in [3, 4000] {
                if capacity < load.size / 1000 {
                    continue;
                }
                let name = format!("duplex of {capacity}, {load:?}");
                let counts = Arc::new(Counts::default());
                counts.watch(&name);
                runtime.block_on(async {
                    let (near, far) = tokio::io::duplex(capacity);
                    let (near, far) = sockets((ws::Tokio::new(near), ws::Tokio::new(far)), load);
                    join(saturate(near, far, load, &counts)).await;
                });
                check(&name, load, &counts);
            }
        }
    }
}

/// Two ends of a TCP connection with small buffers.
async fn tcp() -> io::Result<(TcpStream, TcpStream)> {
    let small = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_send_buffer_size(4096)?;
        socket.set_recv_buffer_size(4096)?;
        Ok::<_, io::Error>(socket)
    };
    let listening = small()?;
    listening.bind("127.0.0.1:0".parse().expect("an address"))?;
    let listener = listening.listen(1)?;
    let (near, far) = tokio::join!(small()?.connect(listener.local_addr()?), listener.accept());
    let (near, (far, _)) = (near?, far?);
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

/// More than the buffers of the system hold, in messages that fill the output.
const TCP_LOADS: [Load; 2] = [
    Load { messages: 400, size: 2000, pings: 2, max_pending: 1000 },
    Load { messages: 100, size: 100_000, pings: 3, max_pending: 4096 },
];

#[test]
fn over_tcp_with_tokio() {
    for (i, runtime) in [multi_thread(), current_thread()].into_iter().enumerate() {
        for load in TCP_LOADS {
            let name = format!("tokio {i}, {load:?}");
            let counts = Arc::new(Counts::default());
            counts.watch(&name);
            runtime.block_on(async {
                let (near, far) = tcp().await.unwrap();
                let (near, far) = sockets((ws::Tokio::new(near), ws::Tokio::new(far)), load);
                join(saturate(near, far, load, &counts)).await;
            });
            check(&name, load, &counts);
            bounded(&name, load, &counts);
        }
    }
}

#[test]
fn over_tcp_with_smol() {
    for load in TCP_LOADS {
        let name = format!("smol, {load:?}");
        let counts = Arc::new(Counts::default());
        counts.watch(&name);
        let (near, far) = current_thread().block_on(async {
            let (near, far) = tcp().await.unwrap();
            (near.into_std().unwrap(), far.into_std().unwrap())
        });
        let (near, far) = [near, far].map(|stream| smol::net::TcpStream::try_from(stream).unwrap()).into();
        let (near, far) = sockets((futures::Futures::new(near), futures::Futures::new(far)), load);
        let tasks: Vec<_> = saturate(near, far, load, &counts).into_iter().map(smol::spawn).collect();
        smol::block_on(async {
            for task in tasks {
                task.await;
            }
        });
        check(&name, load, &counts);
        bounded(&name, load, &counts);
    }
}

/// What a delivered message may cost over TCP, where nobody counts the wakes: some for each of its parts and pings, and
/// for each piece of a kilobyte.
fn bounded(name: &str, load: Load, counts: &Counts) {
    let (polls, pieces) = (counts.polls(), load.size / 1024 + 1);
    let most = 2 * load.messages * (10 + 8 * pieces);
    assert!(polls <= most, "{name}: {polls} polls for {} messages", 2 * load.messages);
}

// --- one wake-up at a time ---

/// A half that waits is woken when the other has done what it waits for. The stream need not do it: it let one half go
/// on, and knows of no other.
#[test]
fn written_by_the_other_half() {
    let config = Config::new().max_pending(10);
    let io = Scripted::new(b"", 100, 100, false);
    io.script().room = 8;
    let (mut receiver, mut sender) = Socket::new(io.clone(), connection(Role::Server, &config), b"", &config).split();
    let sending = Watched::new(async move {
        sender.text("twenty bytes of text").await.unwrap();
        sender.flush().await.unwrap();
    });
    let receiving = Watched::new(async move { assert!(receiver.next().await.is_err()) });
    assert!(!sending.poll());
    assert!(!receiving.poll());
    assert!(!sending.poll());
    io.script().room = 14; // and the receiver finds out first
    assert!(!sending.is_woken());
    assert!(!receiving.poll());
    assert!(sending.is_woken(), "all is written");
    assert!(sending.poll());
    assert!(!receiving.is_woken(), "but not for nothing");
}

/// Above the limit of what was queued, reading waits for the peer, until somebody waits in the sender.
#[test]
fn reading_while_the_sender_waits() {
    let config = Config::new().max_pending(10);
    let io = Scripted::new(b"", 100, 100, false);
    io.script().room = 8;
    let (mut receiver, mut sender) = Socket::new(io.clone(), connection(Role::Server, &config), b"", &config).split();
    sender.queue(|writer| writer.text("twenty bytes of text")).unwrap();
    let receiving = Watched::new(async move {
        assert_eq!(owned(receiver.next().await.unwrap()), Some("in".into()));
    });
    assert!(!receiving.poll());
    io.push(b"\x81\x82\0\0\0\0in");
    assert!(!receiving.poll(), "nobody reads from a peer that does not read");
    let sending = Watched::new(async move { sender.text("more").await.unwrap() });
    assert!(!sending.poll());
    assert!(receiving.is_woken(), "but somebody waits for it");
    assert!(receiving.poll());
}

/// The stream knows one task for each direction. While there is one, it knows that; a second one, whichever half it has,
/// takes no wake-up away from the first, and gets its own.
#[test]
fn a_second_task_begins() {
    const TEXT: &str = "more bytes than the pipe takes at a time";
    for receives_first in [true, false] {
        for was_one_task in [true, false] {
            let (near, mut far) = sockets(Pipe::pair(10), LOADS[0]);
            let (mut receiver, mut sender) = near.split();
            sender.queue(|writer| writer.text(TEXT)).unwrap();
            if was_one_task {
                assert!(run(sender.flush()).is_none() && run(receiver.next()).is_none(), "the pipe is full");
            }
            let receiving = Watched::new(async move {
                assert_eq!(owned(receiver.next().await.unwrap()), Some("in".into()));
            });
            let sending = Watched::new(async move { sender.flush().await.unwrap() });
            let far = Watched::new(async move {
                assert_eq!(owned(far.next().await.unwrap()), Some(TEXT.into()));
                far.text("in").await.unwrap();
            });
            let tasks = if receives_first { [&receiving, &sending, &far] } else { [&sending, &receiving, &far] };
            let mut pending: Vec<_> = tasks.into_iter().filter(|task| !task.poll()).collect();
            while let Some(woken) = pending.iter().position(|task| task.is_woken()) {
                if pending[woken].poll() {
                    pending.remove(woken);
                }
            }
            assert!(pending.is_empty(), "{receives_first} {was_one_task}: nobody is woken");
        }
    }
}

/// A future that is polled by hand.
struct Watched {
    future: std::sync::Mutex<Task>,
    wakes: Arc<driver::Wakes>,
    seen: AtomicUsize,
}

impl Watched {
    fn new(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { future: std::sync::Mutex::new(Box::pin(future)), wakes: Arc::default(), seen: AtomicUsize::new(0) }
    }

    /// Whether it is ready.
    fn poll(&self) -> bool {
        self.seen.store(self.wakes.count(), Ordering::SeqCst);
        let waker = Arc::clone(&self.wakes).into();
        driver::lock(&self.future).as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_ready()
    }

    /// Whether it was woken since it was polled.
    fn is_woken(&self) -> bool {
        self.wakes.count() > self.seen.load(Ordering::SeqCst)
    }
}

/// Both ends have asked more than the pipe holds, and now do nothing but answer.
#[test]
fn two_ends_that_only_answer() {
    const PINGS: usize = 2000;
    let load = Load { messages: 0, size: 0, pings: 1, max_pending: 64 };
    for runtime in [multi_thread(), current_thread()] {
        let counts = Arc::new(Counts::default());
        counts.watch("only answers");
        let (near, far) = sockets(Pipe::pair(100), load);
        let mut tasks: Vec<Task> = Vec::new();
        for socket in [near, far] {
            let (mut receiver, mut sender) = socket.split();
            let counts = Arc::clone(&counts);
            let (all, done) = oneshot::channel();
            tasks.push(Box::pin(async move {
                for i in 0..PINGS {
                    sender.ping(&i.to_be_bytes()).await.expect("a ping");
                }
                // Or the other end has all, and closes.
                let _ = done.await;
                let _ = sender.close(CloseCode::NORMAL, "").await;
            }));
            tasks.push(Box::pin(async move {
                let (mut asked, mut answered, mut all) = (0, 0, Some(all));
                while let Some(event) = receiver.next().await.expect("a valid wire") {
                    match event {
                        Event::Ping(payload) => assert_eq!(payload, usize::to_be_bytes(asked)),
                        Event::Pong(payload) => answered = usize::from_be_bytes(payload.try_into().unwrap()) + 1,
                        _ => continue,
                    }
                    asked += usize::from(matches!(event, Event::Ping(_)));
                    counts.delivered.fetch_add(1, Ordering::Relaxed);
                    if (asked, answered) == (PINGS, PINGS)
                        && let Some(all) = all.take()
                    {
                        all.send(()).expect("the other half is there");
                    }
                }
                assert_eq!(asked, PINGS, "all of them");
            }));
        }
        runtime.block_on(join(tasks));
        counts.done.store(true, Ordering::SeqCst);
    }
}

/// One task that answers each message with `queue`, under an output limit below a read: it reads no further than it
/// can answer, and no message is refused.
#[test]
fn an_echo_that_queues() {
    let load = Load { messages: 400, size: 150, pings: 5, max_pending: 100 };
    let counts = Arc::new(Counts::default());
    counts.watch("echo");
    let (near, far) = sockets(Pipe::pair(700), load);
    let (mut receiver, mut sender) = far.split();
    let echo: Task = Box::pin(async move {
        while let Some(event) = receiver.next().await.expect("a valid wire") {
            match event {
                Event::Text(text) => sender.queue(|writer| writer.text(text)).expect("room"),
                Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes)).expect("room"),
                _ => {}
            }
        }
    });
    let (sending, receiving) = both_tasks(near, load, &counts);
    multi_thread().block_on(join(vec![echo, sending, receiving]));
    counts.done.store(true, Ordering::SeqCst);
    assert_eq!(counts.delivered(), load.messages);
}

// --- one half alone ---

/// The sender goes on when the receiver is gone, and the other way round; the stream ends with both.
#[test]
fn half_a_socket() {
    let config = Config::new();
    let (near, far) = sockets(Pipe::pair(1000), LOADS[0]);
    let (near_receiver, mut near_sender) = near.split();
    let (mut far_receiver, far_sender) = far.split();
    drop((near_receiver, far_sender, config));
    complete(near_sender.text("alone")).unwrap();
    complete(near_sender.ping(b"there?")).unwrap();
    assert_eq!(owned(complete(far_receiver.next()).unwrap()), Some("alone".into()));
    assert_eq!(owned(complete(far_receiver.next()).unwrap()), Some(Message::Ping(b"there?".into())));
    assert!(run(far_receiver.next()).is_none(), "the stream goes on");
    drop(near_sender);
    let ended = complete(far_receiver.next()).map(owned);
    assert!(matches!(ended, Err(Error::Protocol(ws_proto::Error::UnexpectedEof))), "{ended:?}");
    assert_eq!(owned(complete(far_receiver.next()).unwrap()), None);
    assert_eq!(far_receiver.closed().unwrap().code, CloseCode::ABNORMAL);
}

/// How long nothing may be delivered.
const STUCK: Duration = Duration::from_secs(5);
