//! Lines of the fixture's protocol, at both ends.

use hil_socket::checks;
use hil_timebase::Runtime;
use hil_twin::{Twin, TwinConfig};

/// Bench time is so much faster: a relay needs some milliseconds of it.
const SCALE: f64 = 100.0;

/// As the room itself promises: of each line, of a client that hears them, and of
/// a server that does.
pub fn check(bytes: &[u8]) {
    checks::lines(bytes);
    checks::a_server_says(bytes);
    if !bytes.starts_with(b"{\"id\"") {
        return;
    }
    let runtime = Runtime::scaled(SCALE).expect("a runtime");
    let clock = runtime.clock();
    let twin = Twin::new(clock.clone(), &TwinConfig::default());
    let served = async { checks::a_client_says(twin.fixture(), clock, bytes).await };
    runtime.block_on(served).unwrap_or_else(|halt| panic!("{halt}"));
}
