//! Self-describing JSON of an event: the event of its own schema, and its entities.

use std::borrow::Cow;

use crate::json::{Json, Reader, Step};
use crate::line::{Line, Odd};

const CONTEXTS: usize = 52;
const UNSTRUCT_EVENT: usize = 58;
const DERIVED_CONTEXTS: usize = 122;

/// Events with more entities are left to Python, which finds them by their schema.
const ENTITIES_MAX: usize = 64;
/// Larger data is left to Python, which decodes it once for all properties.
const DATA_BYTES_MAX: usize = 16 * 1024;
/// Longer schema URIs are left to Python.
const URI_BYTES_MAX: usize = 1_000;

/// A schema that a definition names: vendor, name and major version.
pub struct Schema {
    /// `iglu:vendor/name/`
    start: String,
    major: String,
}

impl Schema {
    /// Takes `vendor/name/major`; None for any other text.
    pub fn new(key: &str) -> Option<Schema> {
        let parts: Vec<&str> = key.split('/').collect();
        let [vendor, name, major] = parts[..] else {
            return None;
        };
        (!vendor.is_empty() && !name.is_empty()).then(|| Schema {
            start: format!("iglu:{vendor}/{name}/"),
            major: major.to_owned(),
        })
    }

    /// Whether an Iglu URI has this vendor, name and major version.
    fn is_of(&self, uri: &str) -> bool {
        let Some((format, version)) = uri
            .strip_prefix(self.start.as_str())
            .and_then(|rest| rest.split_once('/'))
        else {
            return false;
        };
        let Some((revision, addition)) = version
            .strip_prefix(self.major.as_str())
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.split_once('-'))
        else {
            return false;
        };
        !format.is_empty() && is_number(revision) && is_number(addition)
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

struct SelfDescribing<'a> {
    uri: Cow<'a, str>,
    data: &'a str,
}

/// A line, and what has been decoded of its JSON.
pub struct Event<'a> {
    pub line: Line<'a>,
    unstruct: Option<SelfDescribing<'a>>,
    entities: Option<Vec<SelfDescribing<'a>>>,
}

impl<'a> Event<'a> {
    pub fn new(line: Line<'a>) -> Self {
        Event {
            line,
            unstruct: None,
            entities: None,
        }
    }

    /// Reads a value in the data of the event's own schema; null unless it is the wanted one.
    pub fn unstruct_value(&mut self, schema: &Schema, path: &[Step]) -> Result<Json<'a>, Odd> {
        let column = self.line.column(UNSTRUCT_EVENT);
        if column.is_empty() {
            return Ok(Json::Null);
        }
        if self.unstruct.is_none() {
            self.unstruct = Some(whole(column, self_describing)?);
        }
        match &self.unstruct {
            Some(found) if schema.is_of(&found.uri) => Reader::new(found.data).follow(path),
            _ => Ok(Json::Null),
        }
    }

    /// Reads a value in the data of the index-th entity of a schema; null if there is none.
    pub fn entity_value(
        &mut self,
        schema: &Schema,
        index: usize,
        path: &[Step],
    ) -> Result<Json<'a>, Odd> {
        let mut found = self
            .entities()?
            .iter()
            .filter(|entity| schema.is_of(&entity.uri));
        match found.nth(index) {
            Some(entity) => Reader::new(entity.data).follow(path),
            None => Ok(Json::Null),
        }
    }

    /// Calls `each` with the value at a path in every entity of a schema.
    pub fn each_entity_value(
        &mut self,
        schema: &Schema,
        path: &[Step],
        mut each: impl FnMut(Json<'a>),
    ) -> Result<(), Odd> {
        for entity in self.entities()? {
            if schema.is_of(&entity.uri) {
                each(Reader::new(entity.data).follow(path)?);
            }
        }
        Ok(())
    }

    fn entities(&mut self) -> Result<&[SelfDescribing<'a>], Odd> {
        if self.entities.is_none() {
            let mut found = Vec::new();
            for index in [CONTEXTS, DERIVED_CONTEXTS] {
                let column = self.line.column(index);
                if !column.is_empty() {
                    whole(column, |reader| {
                        reader.array(|reader, _| {
                            found.push(self_describing(reader)?);
                            if found.len() > ENTITIES_MAX {
                                return Err(Odd);
                            }
                            Ok(())
                        })
                    })?;
                }
            }
            self.entities = Some(found);
        }
        self.entities.as_deref().ok_or(Odd)
    }
}

/// Reads the data of a column, which is an object, and checks the whole column.
fn whole<'a, T>(
    column: &'a str,
    read: impl FnMut(&mut Reader<'a>) -> Result<T, Odd>,
) -> Result<T, Odd> {
    let mut read = read;
    let mut reader = Reader::new(column);
    let mut data = None;
    reader.object(|reader, key| {
        if key == "data" {
            only_once(&mut data, read(reader)?)
        } else {
            reader.skip().map(drop)
        }
    })?;
    reader.end()?;
    data.ok_or(Odd)
}

fn self_describing<'a>(reader: &mut Reader<'a>) -> Result<SelfDescribing<'a>, Odd> {
    let mut uri = None;
    let mut data = None;
    reader.object(|reader, key| match key {
        "schema" => only_once(&mut uri, reader.string()?),
        "data" => only_once(&mut data, reader.skip()?),
        _ => reader.skip().map(drop),
    })?;
    match (uri, data) {
        (Some(uri), Some(data)) if uri.len() <= URI_BYTES_MAX && data.len() <= DATA_BYTES_MAX => {
            Ok(SelfDescribing { uri, data })
        }
        _ => Err(Odd),
    }
}

fn only_once<T>(place: &mut Option<T>, value: T) -> Result<(), Odd> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Odd),
    }
}
