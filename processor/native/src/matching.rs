//! What one event contributes: the counterpart of processor/engine/matching.py.

use std::collections::HashMap;
use std::sync::Arc;

use crate::contributions::{Chunks, Place, target, write};
use crate::event::{Event, Schema};
use crate::json::{Json, Step};
use crate::line::Odd;
use crate::table::{Domain, Key, Measure};
use crate::value::Value;

/// Remembered kinds of events, as in Python.
const MATCHERS_MAX: usize = 10_000;
/// Longer ids, and events with more values, are left to Python, which may have to leave some out.
const IDENTIFIER_BYTES_MAX: usize = 256;
const VALUES_MAX: usize = 192;

const UUID_BYTES: usize = 36;
const SPECIFICATION: &str = "com.snowplowanalytics.snowplow/event_specification/1";

/// The measures of one kind of event, by their positions.
struct Matcher {
    keys: Vec<usize>,
    always: Vec<usize>,
    /// The measure with the property to read, and the measures by its value.
    by_value: Vec<(usize, HashMap<String, Vec<usize>>)>,
    asks: bool,
}

/// All measures of a plan.
pub struct Matching {
    app_ids: Vec<String>,
    keys: Vec<Key>,
    measures: Vec<Measure>,
    specification: Option<(Schema, Vec<Step>)>,
    matchers: HashMap<Vec<u8>, Option<Arc<Matcher>>>,
}

impl Matching {
    pub fn new(app_ids: Vec<String>, keys: Vec<Key>, measures: Vec<Measure>) -> Matching {
        let any = measures
            .iter()
            .any(|one| !one.selectors.specifications.is_empty());
        Matching {
            app_ids,
            keys,
            measures,
            specification: if any {
                Schema::new(SPECIFICATION).map(|of| (of, vec![Step::Name("id".to_owned())]))
            } else {
                None
            },
            matchers: HashMap::new(),
        }
    }

    /// Adds what an event contributes; returns whether it contributes anything.
    ///
    /// If the event is odd, nothing is added.
    pub fn add(
        &mut self,
        event: &mut Event<'_>,
        place: Place,
        time_ms: i64,
        chunks: &mut Chunks,
    ) -> Result<bool, Odd> {
        if !self.app_ids.is_empty() && !self.app_ids.iter().any(|one| one == event.line.app_id()) {
            return Ok(false);
        }
        let Some(matcher) = self.matcher(event)? else {
            return Ok(false);
        };
        let targets = self.targets(&matcher, event)?;
        if targets.is_empty() {
            return Ok(false);
        }
        let found = self.values(&matcher, event)?;
        if found.len() * targets.len() > VALUES_MAX || (matcher.asks && !found.is_empty()) {
            return Err(Odd);
        }
        let mut any = false;
        for (key, id) in &targets {
            let values = found.iter().filter_map(|(measure, value)| {
                let series = &self.measures[*measure].series;
                let (_, id) = series.iter().find(|(of, _)| of == key)?;
                Some((*id, value))
            });
            let count = values.clone().count();
            if count > 0 {
                any = true;
                let name = &self.keys[*key].name;
                let out = chunks.to(target(name, id, chunks.of.len() as u32));
                let values = (count, values);
                write(out, (name.as_str(), id), event, place, time_ms, values);
            }
        }
        Ok(any)
    }

    /// The matcher of an event's kind, and of the specifications that it carries.
    fn matcher(&mut self, event: &mut Event<'_>) -> Result<Option<Arc<Matcher>>, Odd> {
        if self.specification.is_none()
            && let Some(known) = self.matchers.get(event.line.kind())
        {
            return Ok(known.clone());
        }
        let carried = self.carried(event)?;
        let mut kind = event.line.kind().to_vec();
        for one in &carried {
            kind.extend((one.len() as u64).to_be_bytes());
            kind.extend(one.as_bytes());
        }
        if let Some(known) = self.matchers.get(&kind) {
            return Ok(known.clone());
        }
        let matcher = self.learn(event, &carried).map(Arc::new);
        if self.matchers.len() >= MATCHERS_MAX {
            self.matchers.clear();
        }
        self.matchers.insert(kind, matcher.clone());
        Ok(matcher)
    }

    /// The specifications that an event carries and a selector asks for, sorted.
    fn carried(&self, event: &mut Event<'_>) -> Result<Vec<String>, Odd> {
        let mut carried = Vec::new();
        if let Some((schema, path)) = &self.specification {
            event.each_entity_value(schema, path, |value| {
                if let Json::Text(id) = value {
                    carried.push(id.into_owned());
                }
            })?;
        }
        carried.retain(|id| {
            self.measures
                .iter()
                .any(|one| one.selectors.specifications.contains(id))
        });
        carried.sort();
        carried.dedup();
        Ok(carried)
    }

    fn learn(&self, event: &Event<'_>, carried: &[String]) -> Option<Matcher> {
        let line = &event.line;
        let schema = [line.vendor(), line.name(), line.version()];
        let mut matcher = Matcher {
            keys: Vec::new(),
            always: Vec::new(),
            by_value: Vec::new(),
            asks: false,
        };
        let mut numbers = Vec::new();
        let mut any = false;
        for (position, measure) in self.measures.iter().enumerate() {
            if !measure.selectors.matches(schema, carried) {
                continue;
            }
            any = true;
            matcher.asks |= measure.asks;
            matcher
                .keys
                .extend(measure.series.iter().map(|(key, _)| *key));
            let Some(equal) = &measure.equal else {
                matcher.always.push(position);
                continue;
            };
            let at = numbers.iter().position(|one| *one == equal.number);
            let at = at.unwrap_or_else(|| {
                numbers.push(equal.number);
                matcher.by_value.push((position, HashMap::new()));
                numbers.len() - 1
            });
            let table = &mut matcher.by_value[at].1;
            table.entry(equal.text.clone()).or_default().push(position);
        }
        matcher.keys.sort_unstable();
        matcher.keys.dedup();
        any.then_some(matcher)
    }

    /// The ids that an event has, by the position of their key.
    fn targets(
        &self,
        matcher: &Matcher,
        event: &mut Event<'_>,
    ) -> Result<Vec<(usize, String)>, Odd> {
        let mut targets = Vec::with_capacity(matcher.keys.len());
        for key in &matcher.keys {
            if let Some(id) = identifier(&self.keys[*key], event)? {
                targets.push((*key, id));
            }
        }
        Ok(targets)
    }

    /// The values of the measures whose criteria an event meets; Null where no value is read.
    fn values<'a>(
        &self,
        matcher: &Matcher,
        event: &mut Event<'a>,
    ) -> Result<Vec<(usize, Value<'a>)>, Odd> {
        let mut found = Vec::new();
        for position in &matcher.always {
            self.measure(*position, event, &mut found)?;
        }
        for (first, table) in &matcher.by_value {
            let Some(equal) = &self.measures[*first].equal else {
                continue;
            };
            if let Value::Text(text) = equal.property.read(event)? {
                for position in table.get(text.as_ref()).into_iter().flatten() {
                    self.measure(*position, event, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    fn measure<'a>(
        &self,
        position: usize,
        event: &mut Event<'a>,
        found: &mut Vec<(usize, Value<'a>)>,
    ) -> Result<(), Odd> {
        let measure = &self.measures[position];
        for criterion in &measure.every {
            if !criterion.met(event)? {
                return Ok(());
            }
        }
        if let Some(some) = &measure.some {
            let mut any = false;
            for criterion in some {
                if criterion.met(event)? {
                    any = true;
                    break;
                }
            }
            if !any {
                return Ok(());
            }
        }
        let value = match &measure.read {
            None => Value::Null,
            Some((property, domain)) => match property.read(event)? {
                Value::Null => return Ok(()),
                value => in_domain(value, *domain)?,
            },
        };
        found.push((position, value));
        Ok(())
    }
}

/// The value as its domain takes it. A value that would be counted as unusable is odd.
fn in_domain(value: Value<'_>, domain: Domain) -> Result<Value<'_>, Odd> {
    match (domain, value) {
        (_, Value::Null | Value::Rejected) => Err(Odd),
        (Domain::Int, Value::Float(number)) => whole(number).map(Value::Int).ok_or(Odd),
        (Domain::Scalar, value)
        | (Domain::Text, value @ Value::Text(_))
        | (Domain::Bool, value @ Value::Bool(_))
        | (Domain::Int, value @ Value::Int(_))
        | (Domain::Number, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
        _ => Err(Odd),
    }
}

/// The integer of 64 bits that a double equals, if any.
fn whole(number: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let fits = number.fract() == 0.0 && (-BEYOND..BEYOND).contains(&number);
    fits.then_some(number as i64)
}

/// The id that an event has for a key. An id that would be counted as unusable is odd.
fn identifier(key: &Key, event: &mut Event<'_>) -> Result<Option<String>, Odd> {
    let value = key.property.read(event)?;
    let is_text = matches!(value, Value::Text(_));
    let mut id = match value {
        Value::Null => return Ok(None),
        Value::Rejected => return Err(Odd),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => whole(value).ok_or(Odd)?.to_string(),
        Value::Text(text) if text.is_empty() => return Ok(None),
        Value::Text(text) => text.into_owned(),
    };
    if (key.uuids_only || key.folds) && is_uuid(&id) {
        if key.folds {
            id.make_ascii_lowercase();
        }
    } else if key.uuids_only {
        return Err(Odd);
    }
    if key.uuids_only && !is_text || id.len() > IDENTIFIER_BYTES_MAX || key.nobody.contains(&id) {
        return Err(Odd);
    }
    Ok(Some(id))
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID_BYTES
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
