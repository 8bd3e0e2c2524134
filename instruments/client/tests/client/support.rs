//! What peers of several protocols do alike.

use std::time::Duration;

use hil_client::{ErrorKind, Link, LinkSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// Of a link whose messages have an end.
pub fn settings() -> LinkSettings {
    LinkSettings {
        // Of no meaning there.
        read_end: b'\r',
        reply_within: Duration::from_millis(500),
        max_reply: 256,
        ..LinkSettings::default()
    }
}

/// These bytes come, and are the next.
pub async fn expect(stream: &mut DuplexStream, expected: &[u8]) {
    let mut found = vec![0; expected.len()];
    stream.read_exact(&mut found).await.expect("bytes");
    assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

pub async fn say(stream: &mut DuplexStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("heard");
}

/// What a question without a good reply ends in; a link that is lost stays lost.
pub async fn what_is_wrong(link: &Link) -> String {
    let error = link.ask("VOLT?").await.expect_err("no reply");
    let text = error.to_string();
    if matches!(error.kind, ErrorKind::LinkLost { .. }) {
        assert_eq!(link.ask("OUTP?").await.expect_err("lost").to_string(), text, "it stays so");
    }
    text.strip_prefix("instrument `supply`: ").expect("an instrument").to_owned()
}
