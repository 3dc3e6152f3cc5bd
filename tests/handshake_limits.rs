//! Limits of the handshake, and what keeps it safe: rows RL and SE, T13 to T21 and T32.
#![cfg(feature = "std")]

#[path = "common/handshake.rs"]
mod common;

use std::time::{Duration, Instant};

use allocation_counter::measure;
use common::{
    Answered, END, MASKED_HELLO, Parsed, REQUEST, RESPONSE, Served, answer, answer_pieces, answer_with, asks,
    assert_refused, change, client, request, response, serve, serve_pieces, serve_with, with_accept,
};
use proptest::prelude::*;
use ws_proto::handshake::{
    Answer, AnswerError, Client, ClientRequest, HandshakeError, OriginPolicy, RequestError, Server,
};
use ws_proto::{Config, Seed};

const TOO_LONG: HandshakeError = HandshakeError::HeadTooLong;
const TOO_MANY: HandshakeError = HandshakeError::TooManyHeaders;
const TARGET: HandshakeError = HandshakeError::TargetTooLong;
const OFFERS: HandshakeError = HandshakeError::TooManyOffers;
const PROTOCOL: HandshakeError = HandshakeError::BadProtocol;
const EXTENSIONS: HandshakeError = HandshakeError::BadExtensions;

fn serve_under(config: &Config, bytes: &[u8]) -> Served {
    serve_with(&OriginPolicy::Any, config, bytes).0
}

fn answer_under(config: &Config, bytes: &[u8]) -> Answered {
    answer_with(&asks(), config, bytes).0
}

#[test]
fn rl_07_target_above_the_limit() {
    let target = |len: usize| request("/chat", format!("/{}", "a".repeat(len - 1)).as_bytes());
    assert_eq!(serve(&target(8 << 10)).upgrade().target().len(), 8 << 10);
    assert_refused("V-15", &serve(&target((8 << 10) + 1)), 414, TARGET);
    for max in [1, 5, 100] {
        let config = Config::new().max_target(max);
        assert!(matches!(serve_under(&config, &target(max)), Served::Upgrade(_)), "{max}");
        assert_refused("N + 1", &serve_under(&config, &target(max + 1)), 414, TARGET);
        // As soon as it is known.
        let line = format!("GET /{}", "a".repeat(max));
        assert_refused("at once", &serve_under(&config, line.as_bytes()), 414, TARGET);
        assert!(matches!(serve_under(&config, &line.as_bytes()[..line.len() - 1]), Served::More), "{max}");
    }
}

#[test]
fn rl_08_head_above_the_limit() {
    let head = |len: usize| request(END, format!("\r\nX: {}\r\n\r\n", "a".repeat(len - REQUEST.len() - 5)).as_bytes());
    assert_eq!(head(16 << 10).len(), 16 << 10);
    assert!(matches!(serve(&head(16 << 10)), Served::Upgrade(_)));
    assert_refused("V-15", &serve(&head((16 << 10) + 1)), 431, TOO_LONG);
    for max in [REQUEST.len() + 6, 500, 1000] {
        let config = Config::new().max_head(max);
        let (served, rest) = serve_with(&OriginPolicy::Any, &config, &[&head(max)[..], &MASKED_HELLO].concat());
        assert_eq!((served.error(), rest), (None, MASKED_HELLO.to_vec()), "{max}: frames do not count");
        assert_refused("N + 1", &serve_under(&config, &head(max + 1)), 431, TOO_LONG);
        // As soon as the limit is reached without an end.
        assert_refused("at once", &serve_under(&config, &head(max + 1)[..max]), 431, TOO_LONG);
        assert!(matches!(serve_under(&config, &head(max + 1)[..max - 1]), Served::More), "{max}");
    }
    // Empty lines before the request count, and a limit of nothing lets nothing pass.
    let shifted = [b"\r\n", REQUEST.as_bytes()].concat();
    assert_refused("empty line", &serve_under(&Config::new().max_head(REQUEST.len()), &shifted), 431, TOO_LONG);
    assert_refused("nothing", &serve_under(&Config::new().max_head(0), b"GET"), 431, TOO_LONG);
}

#[test]
fn rl_09_too_many_headers() {
    let head = |lines: usize| request(END, format!("{}{END}", "\r\nX: a".repeat(lines - 7)).as_bytes());
    assert_eq!(serve(&head(100)).upgrade().headers().count(), 100);
    assert_refused("N + 1", &serve(&head(101)), 431, TOO_MANY);
    assert_refused("V-15", &serve(&head(1000)), 431, TOO_MANY);
    assert!(matches!(serve_under(&Config::new().max_headers(7), REQUEST.as_bytes()), Served::Upgrade(_)));
    assert_refused("6", &serve_under(&Config::new().max_headers(6), REQUEST.as_bytes()), 431, TOO_MANY);
    assert_refused("0", &serve_under(&Config::new().max_headers(0), b"GET / HTTP/1.1\r\nX: a\r\n"), 431, TOO_MANY);
}

#[test]
fn rl_10_limits_of_a_client() {
    let good = with_accept(RESPONSE.as_bytes());
    let (fits, short) = (Config::new().max_head(good.len()), Config::new().max_head(good.len() - 1));
    assert_eq!(answer_under(&fits, &good).error(), None);
    assert_eq!(answer_under(&short, &good).error(), Some(TOO_LONG));
    assert_eq!(answer_under(&short, &good[..good.len() - 1]).error(), Some(TOO_LONG), "at once");
    let reason = response("101 Switching Protocols", format!("101 {}", "a".repeat(17_000)).as_bytes());
    assert_eq!(answer(&reason).error(), Some(TOO_LONG), "an endless reason phrase");

    assert_eq!(answer_under(&Config::new().max_headers(4), &good).error(), None);
    assert_eq!(answer_under(&Config::new().max_headers(3), &good).error(), Some(TOO_MANY));
    let folds = response(END, format!("\r\nX: a{}{END}", "\r\n b".repeat(100)).as_bytes());
    assert_eq!(answer(&folds).error(), Some(TOO_MANY), "folded lines count");

    let interim = |times: usize| [b"HTTP/1.1 100 \r\n\r\n".repeat(times), good.clone()].concat();
    for max in [0, 1, 3] {
        let config = Config::new().max_interim(max);
        assert_eq!(answer_under(&config, &interim(max)).error(), None, "{max}");
        let error = answer_under(&config, &interim(max + 1)).error();
        assert_eq!(error, Some(HandshakeError::TooManyInterim), "{max}");
    }
    let target = Config::new().max_target(1);
    assert_eq!(answer_under(&target, &good).error(), None, "a client's own target is not limited");
}

#[test]
fn rl_11_too_many_extensions_in_a_response() {
    let list = names;
    let params = |len: usize| format!("foo;{}", list(len).join(";"));
    let accepted = |value: &str| response(END, format!("\r\nSec-WebSocket-Extensions: {value}{END}").as_bytes());
    for max in [32, 3] {
        let config = Config::new().max_offers(max);
        for (value, error) in [
            (list(max).join(","), HandshakeError::UnofferedExtension),
            (list(max + 1).join(","), OFFERS),
            (params(max), HandshakeError::UnofferedExtension),
            (params(max + 1), OFFERS),
        ] {
            assert_eq!(answer_under(&config, &accepted(&value)).error(), Some(error), "{value}");
        }
    }
}

/// A list of `p0`, `p1` and so on.
fn names(len: usize) -> Vec<String> {
    (0..len).map(|i| format!("p{i}")).collect()
}

#[test]
fn k_28_offers_behind_the_limit_are_ignored() {
    let protocols = |value: &str| request("chat, superchat", value.as_bytes());
    for max in [32, 3, 1, 0] {
        let config = Config::new().max_offers(max);
        let offered = |bytes: &[u8]| {
            let request = serve_under(&config, bytes).upgrade();
            let answer = format!("p{max}");
            let error = request.accept(&Answer::new().protocol(&answer), &config).unwrap_err();
            assert_eq!(error, AnswerError::ProtocolNotOffered, "the one behind the limit");
            assert_eq!(request.choose(&[&answer]), None);
            request.protocols().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(offered(&protocols(&names(max + 5).join(", "))), names(max), "{max}");
        let lines = names(max + 5).join("\r\nSec-WebSocket-Protocol: ");
        assert_eq!(offered(&protocols(&lines)), names(max), "{max} in lines");
        // What is behind the limit is not looked at: a repetition, or what is no token.
        let behind = format!("{},p{max},p{max},a b", names(max).join(","));
        assert_eq!(offered(&protocols(&behind)), names(max), "{max}");
        if max > 1 {
            let within = format!("p0,{}", names(max).join(","));
            assert_refused("a repetition within", &serve_under(&config, &protocols(&within)), 400, PROTOCOL);
        }
    }
}

#[test]
fn k_28_extensions_behind_the_limit_are_ignored() {
    let extensions = |value: &str| request(END, format!("\r\nSec-WebSocket-Extensions: {value}{END}").as_bytes());
    for max in [32, 3, 1, 0] {
        let config = Config::new().max_offers(max);
        let offered = |value: &str| {
            let request = serve_under(&config, &extensions(value)).upgrade();
            request.extensions().map(|extension| extension.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(offered(&names(max + 32).join(", ")), names(max), "{max}");
        let lines = names(max + 5).join("\r\nSec-WebSocket-Extensions: ");
        assert_eq!(offered(&lines), names(max), "{max} in lines");
        assert_eq!(offered(&format!("{},a;;", names(max).join(","))), names(max), "{max}: not looked at");
        if max > 1 {
            let within = format!("p0,a;;,{}", names(max).join(","));
            assert_refused("malformed within", &serve_under(&config, &extensions(&within)), 400, EXTENSIONS);
            // An offer of too many parameters is none; the others are.
            let params = |len: usize| format!("big;{}", names(len).join(";"));
            assert_eq!(offered(&format!("a, {}", params(max))), ["a", "big"], "{max}");
            assert_eq!(offered(&format!("{}, a", params(max + 1))), ["a"], "{max}");
        }
    }
}

/// What is ignored is not agreed on either.
#[cfg(feature = "deflate")]
#[test]
fn k_28_compression_behind_the_limit_is_not_agreed_on() {
    use ws_proto::deflate::Compression;
    let accepted = |value: &str, max: usize| {
        let config = Config::new().max_offers(max).compression(Compression::new());
        let bytes = request(END, format!("\r\nSec-WebSocket-Extensions: {value}{END}").as_bytes());
        let request = serve_under(&config, &bytes).upgrade();
        // Accepted with another limit than it was read with: the one that it was read with holds.
        let config = Config::new().max_offers(100).compression(Compression::new());
        let mut connection = request.accept(&Answer::new(), &config).unwrap();
        let agreed = Parsed::new(connection.outgoing()).has("Sec-WebSocket-Extensions");
        assert_eq!(request.agreement(&config).is_some(), agreed);
        agreed
    };
    assert!(accepted("a, b, permessage-deflate", 3));
    assert!(!accepted("a, b, permessage-deflate", 2));
    let params = "; client_no_context_takeover; server_no_context_takeover";
    assert!(accepted(&format!("permessage-deflate{params}"), 2));
    assert!(!accepted(&format!("permessage-deflate{params}"), 1));
}

#[test]
fn k_23_an_entry_that_would_never_match_is_refused() {
    for entry in [
        "https://example.com/",
        "https://example.com/chat",
        "https://example.com?a",
        "https://example.com#a",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://example.com ",
        " https://example.com",
        "https://example.com:x",
        "https://example.com:99999",
        "https://b\u{fc}cher.example",
        "https://",
        "https:example.com",
        "https:/example.com",
        "://example.com",
        "1https://example.com",
        "ht tps://example.com",
        "example.com",
        "example.com:443",
        "*",
        "*.example.com",
        "NULL",
        "",
    ] {
        for list in [vec![entry], vec!["https://example.com", entry, "null"]] {
            let error = OriginPolicy::list(list).unwrap_err();
            assert_eq!(error.entry(), entry);
            assert!(error.to_string().starts_with(&format!("{entry:?} is no origin")), "{error}");
        }
    }
    for entry in ["https://example.com", "HTTPS://EXAMPLE.COM:443", "http://[::1]:80", "app://x", "null", "a+b-c.d://x"]
    {
        let policy = OriginPolicy::list([entry]).unwrap();
        assert!(policy.allows(Some(entry), "h"), "{entry}");
        let OriginPolicy::List(origins) = policy else { panic!("a list") };
        assert_eq!(origins.iter().collect::<Vec<_>>(), [entry]);
    }
}

#[test]
fn k_27_the_scheme_is_compared_where_it_is_known() {
    use OriginPolicy::{Any, SameHttpsOrigin, SameOrigin};
    let list = OriginPolicy::list(["http://h"]).unwrap();
    // By the policy, by the target, and unknown; with an http page and an https page.
    let rows: [(&OriginPolicy, &str, bool, bool); 12] = [
        (&SameOrigin, "/", true, true),
        (&SameOrigin, "http://h/", true, false),
        (&SameOrigin, "ws://h/", true, false),
        (&SameOrigin, "https://h/", false, true),
        (&SameOrigin, "WSS://h/", false, true),
        (&SameHttpsOrigin, "/", false, true),
        (&SameHttpsOrigin, "http://h/", false, true),
        (&SameHttpsOrigin, "wss://h/", false, true),
        (&Any, "wss://h/", true, true),
        (&Any, "/", true, true),
        (&list, "wss://h/", true, false),
        (&list, "/", true, false),
    ];
    for (policy, target, http, https) in rows {
        for (origin, allowed) in
            [("http://h", http), ("https://h", https), ("https://h:443", https), ("ftp://h", false)]
        {
            let bytes = request("/chat", target.as_bytes());
            let bytes = String::from_utf8(bytes).unwrap().replace("server.example.com", "h");
            let bytes = bytes.replace("http://example.com", origin);
            let served = serve_with(policy, &Config::new(), bytes.as_bytes()).0;
            let allowed = allowed || matches!(policy, Any);
            assert_eq!(served.error().is_none(), allowed, "{policy:?}, {target}, {origin}");
        }
    }
    assert!(SameHttpsOrigin.allows(Some("https://h"), "h") && !SameHttpsOrigin.allows(Some("http://h"), "h"));
    assert!(SameHttpsOrigin.allows(None, "h"));
}

#[test]
fn rl_15_nothing_behind_the_head_is_kept() {
    // The cursor stops right behind the head, however much follows: what is kept is the caller's own buffer.
    let follows = vec![0x81; 1 << 20];
    let mut bytes = [REQUEST.as_bytes(), &follows].concat();
    let mut input = &mut bytes[..];
    assert!(matches!(Server::new(OriginPolicy::Any, &Config::new()).receive(&mut input), Ok(Some(_))));
    assert_eq!(input.len(), follows.len());

    let mut bytes = [with_accept(RESPONSE.as_bytes()), follows.clone()].concat();
    let mut input = &mut bytes[..];
    assert!(matches!(client(&asks(), &Config::new()).receive(&mut input), Ok(Some(_))));
    assert_eq!(input.len(), follows.len());
}

#[test]
fn se_01_origin_list_is_exact() {
    let list = ["https://example.com", "http://localhost:8080"];
    let allows = |origin: &str| {
        let line = format!("Origin: {origin}\r\n");
        let bytes = request("Origin: http://example.com\r\n", line.as_bytes());
        let served = serve_with(&OriginPolicy::list(list).unwrap(), &Config::new(), &bytes).0;
        if served.error().is_some() {
            assert_refused(origin, &served, 403, HandshakeError::ForbiddenOrigin);
        }
        matches!(served, Served::Upgrade(_))
    };
    for origin in list {
        assert!(allows(origin), "{origin}");
    }
    for origin in [
        "http://example.com",
        "https://example.com.evil.org",
        "https://evilexample.com",
        "https://www.example.com",
        "https://example.com:444",
        "https://example.co",
        "https://example.com@evil.org",
        "https://example.com/",
        "null",
        "https://",
        "example.com",
        "",
        "https://example.com, https://example.com",
        "http://localhost",
    ] {
        assert!(!allows(origin), "{origin}");
    }
}

#[test]
fn t32_origins_are_compared_by_scheme_host_and_port() {
    let example =
        OriginPolicy::list(["HTTPS://Example.COM.", "https://xn--bcher-kva.example:8443", "app://x", "http://[::1]"])
            .unwrap();
    for (origin, allowed) in [
        ("https://example.com", true),
        ("https://EXAMPLE.com:443", true),
        ("https://example.com.", true),
        ("http://example.com:443", false),
        ("https://example.com..", false),
        ("https://xn--bcher-kva.example:8443", true),
        ("https://xn--bcher-kva.example", false),
        ("https://b\u{fc}cher.example:8443", false),
        ("app://x", true),
        ("app://x:80", false),
        ("app://x:443", false),
        ("http://[::1]:80", true),
        ("null", false),
    ] {
        assert_eq!(example.allows(Some(origin), "h"), allowed, "{origin}");
    }
    assert!(OriginPolicy::list(["null"]).unwrap().allows(Some("null"), "h"), "asked for by name");
    assert!(!OriginPolicy::list(["https://null"]).unwrap().allows(Some("null"), "h"));
    assert!(!OriginPolicy::list([]).unwrap().allows(Some("https://example.com"), "example.com"));

    for (origin, host, allowed) in [
        ("http://example.com", "example.com", true),
        ("https://example.com", "example.com", true),
        ("https://Example.com.", "eXample.com", true),
        ("https://example.com", "example.com:443", true),
        ("http://example.com", "example.com:80", true),
        ("http://example.com", "example.com:443", false),
        ("https://example.com:8443", "example.com:8443", true),
        ("https://example.com:8443", "example.com", false),
        ("https://example.com", "example.com:8443", false),
        ("https://www.example.com", "example.com", false),
        ("https://example.com", "www.example.com", false),
        ("ftp://example.com", "example.com", false),
        ("http://[::1]:9000", "[::1]:9000", true),
        ("null", "null", false),
        ("null", "", false),
        ("", "", false),
    ] {
        assert_eq!(OriginPolicy::SameOrigin.allows(Some(origin), host), allowed, "{origin} at {host}");
        assert!(OriginPolicy::Any.allows(Some(origin), host));
    }
    for policy in [OriginPolicy::Any, OriginPolicy::SameOrigin, OriginPolicy::list([]).unwrap()] {
        assert!(policy.allows(None, "example.com"), "not a browser: {policy:?}");
    }
}

#[test]
fn se_02_t18_no_frame_before_the_handshake_is_judged() {
    // A refused request and a rejected response leave no connection, and no byte behind them.
    for (from, to) in [("Version: 13", &b"Version: 12"[..]), ("Host:", b"H:"), ("GET", b"PUT")] {
        let bytes = [&request(from, to)[..], &MASKED_HELLO].concat();
        let (served, rest) = serve_with(&OriginPolicy::Any, &Config::new(), &bytes);
        assert!(matches!(served, Served::Refused(_)) && rest.is_empty());
    }
    for (from, to) in [("<accept>", &b"x"[..]), ("101", b"200"), ("websocket", b"x")] {
        let bytes = [&response(from, to)[..], b"\x81\x05Hello"].concat();
        let (answered, rest) = answer_with(&asks(), &Config::new(), &bytes);
        assert!(matches!(answered, Answered::Rejected(_)) && rest.is_empty());
    }
}

/// What quadratic work would exceed by far, in any build.
fn assert_fast(name: &str, work: impl FnOnce()) {
    let begin = Instant::now();
    work();
    assert!(begin.elapsed() < Duration::from_secs(20), "{name} took {:?}", begin.elapsed());
}

#[test]
fn se_05_t13_head_in_single_bytes_is_linear_work() {
    let config = Config::new().max_head(usize::MAX).max_headers(usize::MAX).max_target(usize::MAX);
    let len = 1 << 20;
    let machine = || Server::new(OriginPolicy::Any, &config);
    for (name, from, to) in [
        ("one long value", END, format!("\r\nX: {}{END}", "a".repeat(len))),
        ("tabs", END, format!("\r\nX: {}{END}", "\t".repeat(len))),
        ("many lines", END, format!("{}{END}", "\r\nX: a".repeat(len / 6))),
        ("one long name", END, format!("\r\n{}: a{END}", "X".repeat(len))),
        ("long target", "/chat", format!("/{}", "a".repeat(len))),
    ] {
        let bytes = request(from, to.as_bytes());
        assert_fast(name, || {
            let (served, _) = serve_pieces(machine(), bytes.chunks(1));
            assert!(matches!(served, Served::Upgrade(_)), "{name}");
        });
    }
    for (name, from, to) in [
        ("reason", "101 Switching Protocols", format!("101 {}", "a".repeat(len))),
        ("folds", END, format!("\r\nX: a{}{END}", "\r\n b".repeat(len / 4))),
    ] {
        let bytes = response(from, to.as_bytes());
        assert_fast(name, || {
            let (answered, _) = answer_pieces(client(&asks(), &config), bytes.chunks(1));
            assert_eq!(answered.error(), None, "{name}");
        });
    }
}

/// Security, T13: a head of 64 KiB, byte by byte, takes about the time of sixteen of 4 KiB.
#[test]
fn t13_a_head_in_single_bytes_is_linear_work() {
    /// A name, where to put what, and what it is made of.
    type Shape = (&'static str, &'static str, fn(String) -> String, &'static str);
    const KIB_64: usize = 64 << 10;
    let config = Config::new().max_head(usize::MAX).max_headers(usize::MAX).max_target(usize::MAX);
    let fill = |part: &str, len: usize| part.repeat(len / part.len());
    let requests: [Shape; 4] = [
        ("value", END, |fill| format!("\r\nX: {fill}{END}"), "a"),
        ("lines", END, |fill| format!("{fill}{END}"), "\r\nX: a"),
        ("name", END, |fill| format!("\r\n{fill}: a{END}"), "X"),
        ("target", "/chat", |fill| format!("/{fill}"), "a"),
    ];
    for (name, from, to, part) in requests {
        assert_linear(name, KIB_64, |len| {
            let mut bytes = request(from, to(fill(part, len)).as_bytes());
            let mut server = Server::new(OriginPolicy::Any, &config);
            move || {
                let upgrade = bytes.chunks_mut(1).find_map(|mut byte| server.receive(&mut byte).expect("a good head"));
                assert!(upgrade.is_some(), "{name}");
            }
        });
    }
    let responses: [Shape; 3] = [
        ("value of a response", END, |fill| format!("\r\nX: {fill}{END}"), "a"),
        ("lines of a response", END, |fill| format!("{fill}{END}"), "\r\nX: a"),
        ("folds of a response", END, |fill| format!("\r\nX: a{fill}{END}"), "\r\n b"),
    ];
    for (name, from, to, part) in responses {
        assert_linear(name, KIB_64, |len| {
            let mut bytes = response(from, to(fill(part, len)).as_bytes());
            let mut client = client(&asks(), &config);
            move || {
                let response = bytes.chunks_mut(1).find_map(|mut byte| client.receive(&mut byte).expect("a good head"));
                assert!(response.is_some(), "{name}");
            }
        });
    }
}

/// Holds that one piece of work is about as much as sixteen of a sixteenth of its bytes. Both take as long, so that what
/// runs beside them slows both down; and what is allocated over all is counted.
fn assert_linear<W: FnOnce()>(name: &str, len: usize, work: impl Fn(usize) -> W) {
    let took = |works: Vec<W>| {
        let begin = Instant::now();
        for work in works {
            work();
        }
        begin.elapsed()
    };
    let (mut one, mut sixteen) = (Duration::MAX, Duration::MAX);
    // Work for each byte that is there already would be sixteen times as much.
    let is_linear = (0..40).any(|_| {
        sixteen = took((0..16).map(|_| work(len / 16)).collect()).min(sixteen);
        one = took(vec![work(len)]).min(one);
        one < 5 * sixteen
    });
    assert!(is_linear, "{name}: {one:?}, and {sixteen:?} for the same bytes in sixteen heads");
    let [small, large] = [len / 16, len].map(|len| measure(work(len)).bytes_total);
    assert!(large <= 48 * small, "{name}: {small} bytes allocated, and {large} for sixteen times as much");
}

/// Security, T14: at each limit the head is taken, and one above it is refused, in both roles. A line has no limit of
/// its own: that of the head is the longest that it can be.
#[test]
fn t14_limits_hold_at_their_borders() {
    type Limit = fn(Config, usize) -> Config;
    let long = request(END, format!("\r\nX: {}{END}", "a".repeat(500)).as_bytes());
    let rows: [(&str, Limit, usize, &[u8], u16); 4] = [
        ("bytes", Config::max_head, REQUEST.len(), REQUEST.as_bytes(), 431),
        ("one line", Config::max_head, long.len(), &long, 431),
        ("lines", Config::max_headers, 7, REQUEST.as_bytes(), 431),
        ("target", Config::max_target, "/chat".len(), REQUEST.as_bytes(), 414),
    ];
    for (name, set, n, bytes, status) in rows {
        assert!(matches!(serve_under(&set(Config::new(), n), bytes), Served::Upgrade(_)), "{name}");
        let (refused, rest) =
            serve_with(&OriginPolicy::Any, &set(Config::new(), n - 1), &[bytes, &MASKED_HELLO].concat());
        assert!(rest.is_empty(), "{name}: what follows is not looked at");
        let refused = refused.response();
        let response = Parsed::new(&refused);
        assert_eq!((response.status, response.one("Connection")), (status, "close"), "{name}");
    }
    let good = with_accept(RESPONSE.as_bytes());
    let long = response(END, format!("\r\nX: {}{END}", "a".repeat(500)).as_bytes());
    let rows: [(&str, Limit, usize, &[u8], HandshakeError); 3] = [
        ("bytes", Config::max_head, good.len(), &good, TOO_LONG),
        ("one line", Config::max_head, long.len(), &long, TOO_LONG),
        ("lines", Config::max_headers, 4, &good, TOO_MANY),
    ];
    for (name, set, n, bytes, error) in rows {
        assert_eq!(answer_under(&set(Config::new(), n), bytes).error(), None, "{name}");
        assert_eq!(answer_under(&set(Config::new(), n - 1), bytes).error(), Some(error), "{name}");
    }
}

#[test]
fn t14_limits_have_their_status() {
    for (name, config, status) in [
        ("bytes", Config::new().max_head(50), 431),
        ("lines", Config::new().max_headers(2), 431),
        ("target", Config::new().max_target(2), 414),
    ] {
        let refused = serve_under(&config, REQUEST.as_bytes()).response();
        let response = Parsed::new(&refused);
        assert_eq!((response.status, response.one("Connection")), (status, "close"), "{name}");
    }
}

#[test]
fn t15_pathological_lists_are_linear_work() {
    let config = Config::new().max_head(usize::MAX).max_offers(usize::MAX);
    let len = 1 << 19;
    for field in
        ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Upgrade", "Connection", "Content-Length", "Expect"]
    {
        for part in [" ", ",", ";", "\"", "\\", " ,", "a,", "a;", "a ", "\"\\", "=\"", "a;b=\"c\","] {
            assert_fast(&format!("{field}: {part}"), || {
                let line = format!("\r\n{field}: a;b=\"{}{END}", part.repeat(len / part.len()));
                let mut bytes = request(END, line.as_bytes());
                let _ = Server::new(OriginPolicy::Any, &config).receive(&mut &mut bytes[..]);
            });
        }
    }
}

/// Security, T15: the lists that a client reads.
#[test]
fn t15_pathological_answers_are_linear_work() {
    let config = Config::new().max_head(usize::MAX).max_offers(usize::MAX);
    let len = 1 << 19;
    for field in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Upgrade", "Connection", "Content-Length"] {
        for part in [" ", ",", ";", "\"", "\\", " ,", "a,", "a;", "a ", "\"\\", "=\"", "a;b=\"c\","] {
            assert_fast(&format!("{field}: {part}"), || {
                let line = format!("\r\n{field}: a;b=\"{}{END}", part.repeat(len / part.len()));
                let mut bytes = response(END, line.as_bytes());
                let _ = client(&asks(), &config).receive(&mut &mut bytes[..]);
            });
        }
    }
}

/// Security, T19: each of the three bytes at every place of what a caller says, before there is any output.
#[test]
fn t19_no_byte_of_a_caller_splits_a_head() {
    let served = serve(REQUEST.as_bytes()).upgrade();
    let new = |asked: ClientRequest| Client::new(asked, &Config::new(), Seed::predictable_for_tests(1)).err();
    for byte in ['\r', '\n', '\0'] {
        let bad = |good: &str| -> Vec<String> {
            let places = 0..=good.len();
            places.map(|at| format!("{}{byte}{}", &good[..at], &good[at..])).collect()
        };
        for value in bad("value") {
            assert_eq!(new(asks().header("X", &value)), Some(RequestError::BadHeader), "{value:?}");
            assert_eq!(new(asks().header(&value, "x")), Some(RequestError::BadHeader), "{value:?}");
            assert_eq!(new(asks().protocol(&value)), Some(RequestError::BadProtocol), "{value:?}");
            for answer in [Answer::new().header("X", &value), Answer::new().header(&value, "x")] {
                let error = served.accept(&answer, &Config::new()).err();
                assert_eq!(error, Some(AnswerError::BadHeader), "{value:?}");
            }
            for header in [("X", &value[..]), (&value, "x")] {
                assert_eq!(served.reject(403, &[header], b"").err(), Some(AnswerError::BadHeader), "{value:?}");
            }
        }
        for protocol in bad("chat") {
            let error = served.accept(&Answer::new().protocol(&protocol), &Config::new()).err();
            assert_eq!(error, Some(AnswerError::ProtocolNotOffered), "{protocol:?}");
        }
        for origin in bad("https://example.com") {
            assert_eq!(new(asks().origin(&origin)), Some(RequestError::BadHeader), "{origin:?}");
        }
        for uri in bad("ws://h.example:80/p?q") {
            assert!(ClientRequest::new(&uri).is_err(), "{uri:?}");
        }
    }
}

#[test]
fn se_06_t19_no_value_can_end_its_line() {
    let request = serve(REQUEST.as_bytes()).upgrade();
    let new = |asked: ClientRequest| Client::new(asked, &Config::new(), Seed::predictable_for_tests(1)).err();
    for evil in ["\r\nX: y", "a\r\nX: y", "a\n", "\r", "a\0b", "\n\r\n"] {
        let answer = Answer::new().header("X", evil);
        assert_eq!(request.accept(&answer, &Config::new()).err(), Some(AnswerError::BadHeader), "{evil:?}");
        let answer = Answer::new().header(evil, "X");
        assert_eq!(request.accept(&answer, &Config::new()).err(), Some(AnswerError::BadHeader), "{evil:?}");
        let answer = Answer::new().protocol(evil);
        assert_eq!(request.accept(&answer, &Config::new()).err(), Some(AnswerError::ProtocolNotOffered), "{evil:?}");
        assert_eq!(request.reject(302, &[("Location", evil)], b"").err(), Some(AnswerError::BadHeader), "{evil:?}");
        assert_eq!(request.reject(302, &[(evil, "a")], b"").err(), Some(AnswerError::BadHeader), "{evil:?}");

        assert_eq!(new(asks().header("X", evil)), Some(RequestError::BadHeader), "{evil:?}");
        assert_eq!(new(asks().header(evil, "a")), Some(RequestError::BadHeader), "{evil:?}");
        assert_eq!(new(asks().origin(evil)), Some(RequestError::BadHeader), "{evil:?}");
        assert_eq!(new(asks().protocol(evil)), Some(RequestError::BadProtocol), "{evil:?}");
        for uri in
            [format!("ws://{evil}/"), format!("ws://h/{evil}"), format!("ws://h/?{evil}"), format!("ws://h:{evil}/")]
        {
            assert!(ClientRequest::new(&uri).is_err(), "{uri:?}");
        }
    }
}

#[test]
fn se_07_t17_request_for_an_upgrade_ends_with_its_head() {
    for line in [
        "Content-Length: 5",
        "Content-Length: 0, 5",
        "Content-Length: 0\r\nContent-Length: 5",
        "Content-Length: 0x0",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: x\r\nContent-Length: 0",
        "Transfer-Encoding : chunked",
        "Content-Length: +0",
        "Content-Length: 0 0",
    ] {
        let bytes = [&request(END, format!("\r\n{line}{END}").as_bytes())[..], b"GET / HTTP/1.1\r\n"].concat();
        let (served, rest) = serve_with(&OriginPolicy::Any, &Config::new(), &bytes);
        assert_eq!(Parsed::new(&served.response()).status, 400, "{line}");
        assert!(rest.is_empty(), "{line}: what follows is not looked at");
    }
}

#[test]
fn t20_fields_of_the_handshake_are_there_once() {
    for (name, value) in [
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("Host", "server.example.com"),
        ("Origin", "http://example.com"),
    ] {
        for line in [format!("{name}: {value}"), format!("{}:x", name.to_uppercase()), format!("{name}:")] {
            let served = serve(&request(END, format!("\r\n{line}{END}").as_bytes()));
            assert_eq!(Parsed::new(&served.response()).status, 400, "{line}");
        }
    }
    for line in [
        "Sec-WebSocket-Accept: <accept>",
        "Sec-WebSocket-Accept:",
        "Upgrade: websocket",
        "Sec-WebSocket-Protocol: chat",
    ] {
        assert!(answer(&response(END, format!("\r\n{line}{END}").as_bytes())).error().is_some(), "{line}");
    }
}

#[test]
fn t21_head_has_no_second_reading() {
    for (from, to) in [
        (END, &b"\r\nX: a\r\n b\r\n\r\n"[..]),
        (END, b"\nX: a\r\n\r\n"),
        (END, b"\r\nX: a\n\r\n"),
        (END, b"\n\n"),
        ("Host:", b"Host :"),
        ("Host:", b" Host:"),
        ("\r\nHost:", b"\nHost:"),
        ("\r\nHost:", b"\rHost:"),
    ] {
        assert_eq!(Parsed::new(&serve(&request(from, to)).response()).status, 400, "{}", to.escape_ascii());
    }
}

/// Security, T21, for a client: what RFC 9112 has it take, a folded line, is part of the value before and no field.
#[test]
fn t21_a_response_has_no_second_reading() {
    for (from, to) in [
        (END, &b"\nX: a\r\n\r\n"[..]),
        (END, b"\r\nX: a\n\r\n"),
        (END, b"\n\n"),
        (END, b"\r\nX : a\r\n\r\n"),
        (END, b"\r\nX\t: a\r\n\r\n"),
        ("\r\nUpgrade:", b"\nUpgrade:"),
        ("\r\nUpgrade:", b"\rUpgrade:"),
        ("\r\nUpgrade:", b"\r\n Upgrade:"),
        ("Upgrade:", b"Upgrade :"),
        ("Sec-WebSocket-Accept:", b"X: a\r\n Sec-WebSocket-Accept:"),
        ("Sec-WebSocket-Accept:", b"X: a\r\n\tSec-WebSocket-Accept:"),
    ] {
        assert!(answer(&response(from, to)).error().is_some(), "{}", to.escape_ascii());
    }
    let folded = answer(&response(END, b"\r\nX: a\r\n Sec-WebSocket-Accept: b\r\n\r\n"));
    assert!(matches!(folded, Answered::Open(_)), "no second accept value");
}

/// Security, T22: over HTTP/2 a WebSocket needs neither Upgrade nor a key (RFC 8441), so its rules are others. There are
/// none here, and what looks like it is not judged by those of HTTP/1.1.
#[test]
fn t22_no_handshake_of_http_2_is_taken_for_one_of_http_1_1() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert!(matches!(serve(preface), Served::Refused(_)));
    for (from, to) in [
        ("HTTP/1.1", &b"HTTP/2.0"[..]),
        ("HTTP/1.1", b"HTTP/2"),
        ("HTTP/1.1", b"HTTP/3.0"),
        ("GET /chat", b"CONNECT /chat"),
        ("Host:", b":protocol: websocket\r\nHost:"),
        ("Host:", b":authority:"),
    ] {
        assert!(matches!(serve(&request(from, to)), Served::Refused(_)), "{}", to.escape_ascii());
    }
    assert!(answer(&response("HTTP/1.1", b"HTTP/2.0")).error().is_some());
    assert!(answer(&change("HTTP/1.1 200 \r\n\r\n", "HTTP/1.1", b"HTTP/2")).error().is_some());
}

#[test]
fn se_11_credentials_go_nowhere_by_themselves() {
    let asked = asks().header("Authorization", "Basic secret").header("Cookie", "secret");
    let mut machine = client(&asked, &Config::new());
    let len = machine.outgoing().len();
    machine.consume(len);
    let mut bytes = b"HTTP/1.1 302 \r\nLocation: ws://other.example/\r\n\r\n".to_vec();
    assert!(machine.receive(&mut &mut bytes[..]).is_err());
    assert!(machine.outgoing().is_empty(), "another attempt is another client");
}

#[test]
fn se_12_debug_output_has_no_secrets_and_escapes() {
    let secrets = b"\r\nAuthorization: secret\r\ncookie: secret\r\nPROXY-AUTHORIZATION: secret\r\nX: a\x80\tb\r\n\r\n";
    let served = serve(&request(END, secrets)).upgrade();
    let plain = serve(&change("GET / HTTP/1.1\r\nHost: h\r\n\r\n", END, secrets)).plain();
    let set = response(END, b"\r\nSet-Cookie: secret\r\nX: a\x80\tb\r\n\r\n");
    let rejected = answer(&change("HTTP/1.1 403 \r\n\r\n", END, b"\r\nSet-Cookie: secret\r\nX: a\x80\tb\r\n\r\n\x1b"));
    for text in [
        format!("{served:?}"),
        format!("{plain:?}"),
        format!("{:?}", answer(&set).open()),
        format!("{rejected:?}"),
        format!("{served:#?}"),
    ] {
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains(r"a\x80\tb"), "{text}");
        assert!(text.is_ascii(), "{text}");
    }
    assert!(!format!("{served:?}").contains("dGhlIHNhbXBsZSBub25jZQ"), "the key");
    assert!(format!("{served:?}").contains("Key(..)"), "{served:?}");
    let asked = asks().header("Authorization", "secret").header("Cookie", "secret").header("X", "shown");
    let machine = client(&asked, &Config::new());
    let key = Parsed::request(machine.outgoing()).1.one("Sec-WebSocket-Key").to_owned();
    for text in
        [format!("{asked:?}"), format!("{machine:?}"), format!("{:?}", Answer::new().header("Set-Cookie", "secret"))]
    {
        assert!(!text.contains("secret") && !text.contains(&key), "{text}");
    }
    assert!(format!("{asked:?}").contains("shown"));
    assert_eq!(format!("{machine:?}"), "Client { .. }");
    let mut half = Server::new(OriginPolicy::Any, &Config::new());
    assert!(matches!(half.receive(&mut &mut b"GET / HTTP/1.1\r\nCookie: secret"[..].to_vec()[..]), Ok(None)));
    assert_eq!(format!("{half:?}"), "Server { origins: Any, .. }");
    for error in [HandshakeError::BadHeader.to_string(), serve(b"\x1b").refusal().to_string()] {
        assert!(error.is_ascii() && !error.contains('\x1b'), "{error}");
    }
}

#[test]
fn fa_13_cause_of_a_failed_handshake_is_there_for_a_log() {
    let refusal = serve(b"\x1b").refusal();
    assert_eq!(refusal.to_string(), "malformed request line");
    assert!(format!("{refusal:?}").starts_with("Refusal { error: BadRequestLine, response_len: "));
    let rejected = answer(b"HTTP/1.1 403 \r\n\r\n").rejected();
    let text = format!("{rejected:?}");
    assert!(text.starts_with(r#"Rejected { error: NotSwitching(403), status: Some(403), head: "HTTP/1.1 403" {}, "#));
}

/// A good head with some of its bytes replaced, or any bytes.
fn nearly(base: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b' '), Just(b'\r'), Just(b'\n'), Just(b','), Just(b'"'), any::<u8>()];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), byte, 0..3), 0..4);
    let edited = edits.prop_map(move |edits| {
        let mut bytes = base.to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    });
    prop_oneof![4 => edited, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..60, 0..8)
}

/// Pieces of these lengths, and the rest.
fn pieces<'b>(mut bytes: &'b [u8], lens: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    for len in lens {
        let (piece, rest) = bytes.split_at((*len).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn t16_any_request_in_any_cut(bytes in nearly(REQUEST.as_bytes()), lens in cuts()) {
        let config = Config::new().version_8(true).max_headers(8).max_offers(2);
        let server = || Server::new(OriginPolicy::SameOrigin, &config);
        let (whole, rest) = serve_pieces(server(), [&bytes[..]].into_iter());
        let (cut, left) = serve_pieces(server(), pieces(&bytes, &lens).into_iter());
        prop_assert_eq!((whole.error(), whole.response(), rest), (cut.error(), cut.response(), left));
        if let Served::Refused(refusal) = whole {
            prop_assert_eq!(Some(Parsed::new(refusal.response()).status), refusal.error().status());
        }
    }

    #[test]
    fn t16_any_response_in_any_cut(bytes in nearly(RESPONSE.as_bytes()), lens in cuts()) {
        let (config, bytes) = (Config::new(), with_accept(&bytes));
        let (whole, rest) = answer_pieces(client(&asks(), &config), [&bytes[..]].into_iter());
        let (cut, left) = answer_pieces(client(&asks(), &config), pieces(&bytes, &lens).into_iter());
        prop_assert_eq!((whole.error(), rest), (cut.error(), left));
    }

    #[test]
    fn t16_any_host_target_and_origin(
        host in "[a-z0-9.:@%\\[\\]/? \u{e4}-]{0,12}",
        target in "(http://)?[a-z0-9.:@%\\[\\]/?#*-]{0,12}",
        origin in "([a-z]{0,6}://)?[a-z0-9.:@%\\[\\]/?-]{0,12}",
    ) {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n\r\n");
        let list = OriginPolicy::list([&origin[..]]);
        for policy in [Some(OriginPolicy::Any), Some(OriginPolicy::SameOrigin), list.ok()].into_iter().flatten() {
            let (served, _) = serve_pieces(Server::new(policy, &Config::new()), [bytes.as_bytes()].into_iter());
            if let Served::Upgrade(request) = served {
                prop_assert!(request.path().starts_with('/'));
                prop_assert!(request.host().is_ascii());
            }
        }
        let _ = ClientRequest::new(&format!("ws://{host}{target}"));
    }
}
