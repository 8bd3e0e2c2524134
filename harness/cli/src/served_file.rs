//! The bench file by which a served bench is used: the served one with addresses
//! and a socket instead of the twin's names.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hil_client::Address;
use hil_client::prologix::GatewayAddress;
use hil_socket::SYNCHRONY;
use toml::Value;

use crate::load::digest;

/// The text of it. `speed` is bench time a real time; `watchdog` is real time.
///
/// # Errors
/// The words of what cannot be written as TOML.
pub fn served_file(
    text: &str,
    (addresses, board): (&BTreeMap<String, Address>, Option<&GatewayAddress>),
    socket: &Path,
    speed: f64,
    watchdog: Duration,
) -> Result<String, String> {
    let mut file: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let socket = socket.to_str().ok_or_else(|| format!("socket `{}`: not a text", socket.display()))?;
    if let Some(bench) = file.get_mut("bench").and_then(Value::as_table_mut) {
        if let Some(id) = bench.get("id").and_then(Value::as_str) {
            let id = own_id(id, socket);
            bench.insert("id".into(), id.into());
        }
        bench.insert("kind".into(), "real".into());
    }
    if let Some(fixture) = file.get_mut("fixture").and_then(Value::as_table_mut) {
        fixture.insert("socket".into(), socket.into());
        fixture.insert("line-accuracy".into(), line_accuracy(speed).into());
        if fixture.contains_key("inhibit") {
            fixture.insert("watchdog".into(), format!("{} ms", watchdog.as_millis()).into());
        }
    }
    for instrument in file.get_mut("instrument").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_table_mut) {
        let address = instrument.get("name").and_then(Value::as_str).and_then(|name| addresses.get(name));
        if let Some(address) = address {
            instrument.insert("address".into(), address.to_string().into());
        }
        instrument.remove("terminals");
    }
    if let Some(gateway) = board {
        file.insert("gpib".into(), toml::Table::from_iter([("GPIB0".to_owned(), gateway.to_string().into())]).into());
    }
    let body = toml::to_string(&file).map_err(|e| e.to_string())?;
    Ok(format!("# Written by `hil virtual serve`: a served virtual bench at {speed} times real time.\n\n{body}"))
}

/// Two benches that are served from one file have a name each, and with it a lock,
/// a mark if one is broken, and records that tell them apart. The same socket makes
/// the same name.
fn own_id(id: &str, socket: &str) -> String {
    let digest = digest(socket);
    format!("{id}-{}", digest.get(..8).unwrap_or(&digest))
}

/// An edge's own uncertainty, and how far both clocks may be apart.
fn line_accuracy(speed: f64) -> String {
    let apart = SYNCHRONY.mul_f64(speed) + Duration::from_micros(20);
    format!("{} us", apart.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_socket_is_a_bench_of_its_own() {
        assert_eq!(own_id("v", "/run/x"), own_id("v", "/run/x"));
        assert_ne!(own_id("v", "/run/x"), own_id("v", "/run/y"));
    }

    #[test]
    fn only_addresses_and_fixture_change() {
        let text = "[bench]\nid = \"v\"\nkind = \"virtual\"\n[fixture]\nserial = \"F\"\nline-accuracy = \"20 us\"\ninhibit = [\"battery\"]\n\
                    [[instrument]]\nname = \"battery\"\naddress = \"virtual\"\nterminals = \"battery\"\n\
                    [[signal]]\nname = \"fuse\"\nswitch = \"fuse\"\n";
        let address = Address::Socket { host: "127.0.0.1".into(), port: 5025 };
        let written = served_file(
            text,
            (&BTreeMap::from([("battery".to_owned(), address)]), None),
            Path::new("/run/x"),
            10.0,
            Duration::from_secs(2),
        )
        .unwrap();
        let file: toml::Table = written.parse().unwrap();
        let expected = "[bench]\nid = \"v-d2cd8dfa\"\nkind = \"real\"\n[fixture]\nserial = \"F\"\nsocket = \"/run/x\"\nline-accuracy = \"2020 us\"\n\
                        inhibit = [\"battery\"]\nwatchdog = \"2000 ms\"\n\
                        [[instrument]]\nname = \"battery\"\naddress = \"TCPIP::127.0.0.1::5025::SOCKET\"\n\
                        [[signal]]\nname = \"fuse\"\nswitch = \"fuse\"\n";
        assert_eq!(file, expected.parse::<toml::Table>().unwrap());
    }
}
