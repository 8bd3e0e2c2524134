//! An event out of a journal's line. What `#[serde(flatten)]` would read takes two
//! copies of every field, because the kind could stand anywhere; here the fields of
//! the kind are handed on as they come.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};

use crate::event::{Event, EventKind};

/// What every event has.
#[derive(Default)]
struct Stamp {
    seq: Option<u64>,
    bench_ns: Option<u64>,
    wall: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Line)
    }
}

struct Line;

impl<'de> Visitor<'de> for Line {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Event, A::Error> {
        let mut stamp = Stamp::default();
        let kind = EventKind::deserialize(MapAccessDeserializer::new(Rest { map, stamp: &mut stamp }))?;
        let Stamp { seq, bench_ns, wall } = stamp;
        let missing = A::Error::missing_field;
        Ok(Event {
            seq: seq.ok_or_else(|| missing("seq"))?,
            bench_ns: bench_ns.ok_or_else(|| missing("bench-ns"))?,
            wall: wall.ok_or_else(|| missing("wall"))?,
            kind,
        })
    }
}

/// A line without the stamp, which it keeps for itself.
struct Rest<'s, A> {
    map: A,
    stamp: &'s mut Stamp,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<Key<'de>>()? {
            match key.text() {
                "seq" => once(&mut self.stamp.seq, "seq", &mut self.map)?,
                "bench-ns" => once(&mut self.stamp.bench_ns, "bench-ns", &mut self.map)?,
                "wall" => once(&mut self.stamp.wall, "wall", &mut self.map)?,
                _ => return key.give(seed).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(place: &mut Option<T>, name: &'static str, map: &mut A) -> Result<(), A::Error> {
    if place.replace(map.next_value()?).is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    Ok(())
}

/// A key, borrowed where it can be.
enum Key<'de> {
    Borrowed(&'de str),
    Owned(String),
}

impl<'de> Key<'de> {
    fn text(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }

    fn give<K: DeserializeSeed<'de>, E: Error>(self, seed: K) -> Result<K::Value, E> {
        match self {
            Self::Borrowed(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Self::Owned(text) => seed.deserialize(text.into_deserializer()),
        }
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

struct Name;

impl<'de> Visitor<'de> for Name {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Event, String> {
        serde_json::from_str(line).map_err(|e| e.to_string())
    }

    #[test]
    fn the_stamp_may_stand_anywhere() {
        let kind = EventKind::PhaseStarted { phase: "setup".into() };
        let event = Event { seq: 3, bench_ns: 7, wall: "w".into(), kind };
        assert_eq!(read(&serde_json::to_string(&event).unwrap()), Ok(event.clone()));
        let lines = [
            r#"{"bench-ns":7,"kind":"phase-started","phase":"setup","seq":3,"wall":"w","prev":"00"}"#,
            r#"{"phase":"\u0073etup","k\u0069nd":"phase-started","wall":"w","seq":3,"bench-ns":7}"#,
        ];
        for line in lines {
            assert_eq!(read(line), Ok(event.clone()), "{line}");
        }
        assert_eq!(serde_json::from_value::<Event>(serde_json::to_value(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn what_lacks_or_repeats_something_is_no_event() {
        for (line, why) in [
            (r#"{"seq":3,"bench-ns":7,"kind":"phase-started","phase":"setup"}"#, "missing field `wall`"),
            (r#"{"seq":3,"seq":3,"bench-ns":7,"wall":"w","kind":"phase-started","phase":"setup"}"#, "duplicate field `seq`"),
            (r#"{"seq":3,"bench-ns":7,"wall":"w","phase":"setup"}"#, "missing field `kind`"),
            (r#"{"seq":3,"bench-ns":7,"wall":"w","kind":"party"}"#, "unknown variant `party`"),
            (r#"{"seq":3,"bench-ns":7,"wall":"w","kind":"phase-started"}"#, "missing field `phase`"),
            (r#"{"seq":-3,"bench-ns":7,"wall":"w","kind":"phase-started","phase":"setup"}"#, "invalid value"),
            ("[]", "expected an event"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
