//! Values of properties: read from columns and JSON, and compared with the values of definitions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use crate::event::{Event, Schema};
use crate::json::{Json, Step};
use crate::line::{Odd, time_ms};

const VALUE_CHARS_MAX: usize = 4_096;
const INTEGER_DIGITS_MAX: usize = 19;

/// The value of a property: a scalar, nothing, or something that cannot be used.
#[derive(Debug)]
pub enum Value<'a> {
    Null,
    Rejected,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

pub enum ColumnType {
    Text,
    Int,
    Double,
    Bool,
    Timestamp,
    Json,
}

/// Where a value is read; `Odd` is what the table cannot say.
pub enum Property {
    Odd,
    Column(usize, ColumnType),
    Unstruct(Schema, Vec<Step>),
    Entity(Schema, usize, Vec<Step>),
}

impl Property {
    pub fn read<'a>(&self, event: &mut Event<'a>) -> Result<Value<'a>, Odd> {
        match self {
            Property::Odd => Err(Odd),
            Property::Column(index, of) => column_value(event.line.column(*index), of),
            Property::Unstruct(schema, path) => event.unstruct_value(schema, path).map(bounded),
            Property::Entity(schema, index, path) => {
                event.entity_value(schema, *index, path).map(bounded)
            }
        }
    }
}

fn bounded(value: Json<'_>) -> Value<'_> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Int(value) => Value::Int(value),
        Json::Float(value) => Value::Float(value),
        Json::Text(text) if is_short(&text) => Value::Text(text),
        Json::Text(_) | Json::Container => Value::Rejected,
    }
}

fn is_short(text: &str) -> bool {
    text.len() <= VALUE_CHARS_MAX || text.chars().count() <= VALUE_CHARS_MAX
}

fn column_value<'a>(text: &'a str, of: &ColumnType) -> Result<Value<'a>, Odd> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    Ok(match of {
        ColumnType::Text if is_short(text) => Value::Text(Cow::Borrowed(text)),
        ColumnType::Int => int_value(text),
        ColumnType::Double => double_value(text),
        ColumnType::Bool => match text {
            "1" => Value::Bool(true),
            "0" => Value::Bool(false),
            _ => Value::Rejected,
        },
        ColumnType::Timestamp => {
            time_ms(text)?;
            Value::Text(Cow::Owned(text.replace(' ', "T") + "Z"))
        }
        ColumnType::Text | ColumnType::Json => Value::Rejected,
    })
}

fn int_value(text: &str) -> Value<'_> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let of_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(value) if of_digits && digits.len() <= INTEGER_DIGITS_MAX => Value::Int(value),
        _ => Value::Rejected,
    }
}

/// Reads a decimal number; the texts of infinity and NaN are none.
fn double_value(text: &str) -> Value<'_> {
    let of_decimals = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(value) if of_decimals && text.len() <= VALUE_CHARS_MAX && value.is_finite() => {
            Value::Float(value)
        }
        _ => Value::Rejected,
    }
}

/// A value in a definition.
pub enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Literal {
    fn equals(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Literal::Bool(wanted), Value::Bool(value)) => wanted == value,
            _ => self.order_of(value) == Some(Ordering::Equal),
        }
    }

    /// How a number or text compares with this one; None for values of different kinds.
    fn order_of(&self, value: &Value<'_>) -> Option<Ordering> {
        match (value, self) {
            (Value::Text(value), Literal::Text(wanted)) => Some(value.as_ref().cmp(wanted)),
            (Value::Int(value), Literal::Int(wanted)) => Some(value.cmp(wanted)),
            (Value::Float(value), Literal::Float(wanted)) => value.partial_cmp(wanted),
            (Value::Int(value), Literal::Float(wanted)) => order(*value, *wanted),
            (Value::Float(value), Literal::Int(wanted)) => {
                order(*wanted, *value).map(Ordering::reverse)
            }
            _ => None,
        }
    }
}

/// Compares exactly: a large integer is not rounded to a double.
fn order(integer: i64, number: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number.is_nan() {
        None
    } else if number >= BEYOND {
        Some(Ordering::Less)
    } else if number < -BEYOND {
        Some(Ordering::Greater)
    } else {
        let whole = number.trunc();
        let of_whole = integer.cmp(&(whole as i64));
        Some(of_whole.then(whole.partial_cmp(&number)?))
    }
}

/// A comparison of a criterion.
pub enum Test {
    Equal(Literal),
    NotEqual(Literal),
    Less(Literal),
    Greater(Literal),
    AtMost(Literal),
    AtLeast(Literal),
    /// One of these texts, or one of the others.
    Among(HashSet<String>, Vec<Literal>),
    /// A text with `%` at the start, at the end, at both, or at neither.
    Like {
        starts_open: bool,
        text: String,
        ends_open: bool,
    },
    Missing,
    Present,
}

impl Test {
    fn met(&self, value: &Value<'_>) -> bool {
        let missing = matches!(value, Value::Null | Value::Rejected);
        match self {
            Test::Equal(wanted) => wanted.equals(value),
            Test::NotEqual(wanted) => !missing && !wanted.equals(value),
            Test::Less(wanted) => wanted.order_of(value) == Some(Ordering::Less),
            Test::Greater(wanted) => wanted.order_of(value) == Some(Ordering::Greater),
            Test::AtMost(wanted) => wanted.order_of(value).is_some_and(Ordering::is_le),
            Test::AtLeast(wanted) => wanted.order_of(value).is_some_and(Ordering::is_ge),
            Test::Among(texts, others) => match value {
                Value::Text(text) => texts.contains(text.as_ref()),
                _ => others.iter().any(|one| one.equals(value)),
            },
            Test::Like {
                starts_open,
                text,
                ends_open,
            } => match value {
                Value::Text(value) => is_like(value, *starts_open, text, *ends_open),
                _ => false,
            },
            Test::Missing => missing,
            Test::Present => !missing,
        }
    }
}

fn is_like(value: &str, starts_open: bool, text: &str, ends_open: bool) -> bool {
    match (starts_open, ends_open) {
        (true, true) => value.contains(text),
        (true, false) => value.ends_with(text),
        (false, true) => value.starts_with(text),
        (false, false) => value == text,
    }
}

/// One criterion; `test` is None if the table cannot say it.
pub struct Criterion {
    pub property: Property,
    pub test: Option<Test>,
}

impl Criterion {
    pub fn met(&self, event: &mut Event<'_>) -> Result<bool, Odd> {
        let test = self.test.as_ref().ok_or(Odd)?;
        Ok(test.met(&self.property.read(event)?))
    }
}
