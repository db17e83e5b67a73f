//! The check `slack` on whatever libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| leverframe_fuzz::check("slack", data));
