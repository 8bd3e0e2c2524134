#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hil_fuzz_checks::check("vxi11", bytes));
