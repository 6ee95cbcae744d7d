//! Contributions: when and where they belong, and their bytes.

use crate::event::Event;
use crate::msgpack;
use crate::murmur2;
use crate::value::Value;

/// Where a record was read, and when it arrived.
#[derive(Clone, Copy)]
pub struct Place {
    pub offset: i64,
    pub arrival_ms: i64,
}

/// When an event happened: the earliest of what its tracker, the collector and the arrival say.
pub struct Times {
    pub time_ms: i64,
    pub future: bool,
    pub ahead: bool,
}

impl Times {
    pub fn of(collector_ms: i64, derived_ms: i64, arrival_ms: i64) -> Times {
        let sent_ms = collector_ms.min(derived_ms);
        Times {
            time_ms: sent_ms.min(arrival_ms),
            future: derived_ms > collector_ms,
            ahead: sent_ms > arrival_ms,
        }
    }
}

/// Encoded contributions to one target.
#[derive(Default)]
pub struct Chunk {
    pub count: usize,
    pub bytes: Vec<u8>,
}

/// Encoded contributions, by target; `order` is that of the first to each target.
pub struct Chunks {
    pub of: Vec<Chunk>,
    pub order: Vec<u32>,
}

impl Chunks {
    pub fn new(partitions: u32) -> Chunks {
        Chunks {
            of: (0..partitions).map(|_| Chunk::default()).collect(),
            order: Vec::new(),
        }
    }

    /// Counts a contribution to a target, and returns where it is written.
    pub fn to(&mut self, target: u32) -> &mut Vec<u8> {
        let chunk = &mut self.of[target as usize];
        if chunk.count == 0 {
            self.order.push(target);
        }
        chunk.count += 1;
        &mut chunk.bytes
    }
}

/// The partition of a profile.
pub fn target(key: &str, id: &str, partitions: u32) -> u32 {
    let mut profile = Vec::with_capacity(key.len() + 1 + id.len());
    profile.extend(key.as_bytes());
    profile.push(0);
    profile.extend(id.as_bytes());
    murmur2::partition(&profile, partitions)
}

/// Writes a contribution as processor/streaming/messages/frames.py has it at format level 2.
pub fn write<'v, 'a: 'v>(
    out: &mut Vec<u8>,
    (key, id): (&str, &str),
    event: &Event<'_>,
    place: Place,
    time_ms: i64,
    (count, values): (usize, impl Iterator<Item = (i64, &'v Value<'a>)>),
) {
    msgpack::array(out, 10);
    msgpack::int(out, place.offset);
    msgpack::text(out, key);
    msgpack::text(out, id);
    msgpack::int(out, time_ms);
    msgpack::text(out, event.line.event_id());
    msgpack::text(out, event.line.name());
    msgpack::text(out, event.line.derived_tstamp());
    msgpack::array(out, count);
    for (series, value) in values {
        msgpack::array(out, 2);
        msgpack::int(out, series);
        match value {
            Value::Null | Value::Rejected => msgpack::nil(out),
            Value::Bool(value) => msgpack::boolean(out, *value),
            Value::Int(value) => msgpack::int(out, *value),
            Value::Float(value) => msgpack::float(out, *value),
            Value::Text(text) => msgpack::text(out, text),
        }
    }
    msgpack::nil(out);
    msgpack::int(out, place.arrival_ms);
}
