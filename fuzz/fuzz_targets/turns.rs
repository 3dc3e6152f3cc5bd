//! See `ws_proto_fuzz::turns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ws_proto_fuzz::turns(data));
