//! Reads the rows that processor/engine/stage_table.py makes.

use std::collections::HashSet;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple};

use crate::event::Schema;
use crate::json::Step;
use crate::table::{Domain, Equal, Key, Measure, Selectors};
use crate::value::{ColumnType, Criterion, Literal, Property, Test};

type Object<'py> = Bound<'py, PyAny>;
type KeyRow<'py> = (String, Object<'py>, bool, bool, HashSet<String>);
type CriterionRow<'py> = (Object<'py>, String, Object<'py>);
type MeasureRow<'py> = (
    Vec<[Option<String>; 3]>,
    HashSet<String>,
    Option<(usize, Object<'py>, String)>,
    Vec<CriterionRow<'py>>,
    Option<Vec<CriterionRow<'py>>>,
    Option<(Object<'py>, String)>,
    Vec<(usize, i64)>,
    bool,
);

pub fn key(row: &Object<'_>) -> PyResult<Key> {
    let (name, where_, folds, uuids_only, nobody): KeyRow<'_> = row.extract()?;
    Ok(Key {
        name,
        property: property(&where_)?,
        folds,
        uuids_only,
        nobody,
    })
}

pub fn measure(row: &Object<'_>) -> PyResult<Measure> {
    let (schemas, specifications, equal, every, some, read, series, asks): MeasureRow<'_> =
        row.extract()?;
    Ok(Measure {
        selectors: Selectors {
            schemas,
            specifications,
        },
        equal: match equal {
            None => None,
            Some((number, where_, text)) => Some(Equal {
                number,
                property: property(&where_)?,
                text,
            }),
        },
        every: criteria(every)?,
        some: some.map(criteria).transpose()?,
        read: match read {
            None => None,
            Some((where_, name)) => Some((property(&where_)?, domain(&name)?)),
        },
        series,
        asks,
    })
}

/// None if Python reads the property.
fn property(row: &Object<'_>) -> PyResult<Property> {
    if row.is_none() {
        return Ok(Property::Odd);
    }
    let row = row.cast::<PyTuple>()?;
    let kind: String = row.get_item(0)?.extract()?;
    match kind.as_str() {
        "column" => {
            let (_, index, of): (String, usize, String) = row.extract()?;
            Ok(Property::Column(index, column_type(&of)?))
        }
        "event" => {
            let (_, schema, path): (String, String, Vec<Object<'_>>) = row.extract()?;
            let steps = steps(&path)?;
            Ok(Schema::new(&schema).map_or(Property::Odd, |of| Property::Unstruct(of, steps)))
        }
        "entity" => {
            let (_, schema, index, path): (String, String, usize, Vec<Object<'_>>) =
                row.extract()?;
            let steps = steps(&path)?;
            Ok(Schema::new(&schema).map_or(Property::Odd, |of| Property::Entity(of, index, steps)))
        }
        _ => Err(unknown("property", &kind)),
    }
}

fn steps(path: &[Object<'_>]) -> PyResult<Vec<Step>> {
    path.iter()
        .map(|step| match step.cast::<PyString>() {
            Ok(name) => Ok(Step::Name(name.extract()?)),
            Err(_) => Ok(Step::Index(step.extract()?)),
        })
        .collect()
}

fn criteria(rows: Vec<CriterionRow<'_>>) -> PyResult<Vec<Criterion>> {
    rows.into_iter()
        .map(|(where_, operator, operand)| {
            Ok(Criterion {
                property: property(&where_)?,
                test: test(&operator, &operand)?,
            })
        })
        .collect()
}

/// None if Python makes the comparison.
fn test(operator: &str, operand: &Object<'_>) -> PyResult<Option<Test>> {
    Ok(Some(match operator {
        "odd" => return Ok(None),
        "=" => Test::Equal(literal(operand)?),
        "!=" => Test::NotEqual(literal(operand)?),
        "<" => Test::Less(literal(operand)?),
        ">" => Test::Greater(literal(operand)?),
        "<=" => Test::AtMost(literal(operand)?),
        ">=" => Test::AtLeast(literal(operand)?),
        "in" => {
            let (texts, others): (HashSet<String>, Vec<Object<'_>>) = operand.extract()?;
            Test::Among(texts, others.iter().map(literal).collect::<PyResult<_>>()?)
        }
        "like" => {
            let (starts_open, text, ends_open) = operand.extract()?;
            Test::Like {
                starts_open,
                text,
                ends_open,
            }
        }
        "is null" => Test::Missing,
        "is not null" => Test::Present,
        _ => return Err(unknown("operator", operator)),
    }))
}

fn literal(value: &Object<'_>) -> PyResult<Literal> {
    if let Ok(value) = value.cast::<PyBool>() {
        Ok(Literal::Bool(value.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        Ok(Literal::Int(value.extract()?))
    } else if value.is_instance_of::<PyFloat>() {
        Ok(Literal::Float(value.extract()?))
    } else {
        Ok(Literal::Text(value.extract()?))
    }
}

fn column_type(name: &str) -> PyResult<ColumnType> {
    Ok(match name {
        "string" => ColumnType::Text,
        "int" => ColumnType::Int,
        "double" => ColumnType::Double,
        "bool" => ColumnType::Bool,
        "timestamp" => ColumnType::Timestamp,
        "json" => ColumnType::Json,
        _ => return Err(unknown("column type", name)),
    })
}

fn domain(name: &str) -> PyResult<Domain> {
    Ok(match name {
        "string" => Domain::Text,
        "boolean" => Domain::Bool,
        "integer" => Domain::Int,
        "number" => Domain::Number,
        "scalar" => Domain::Scalar,
        _ => return Err(unknown("domain", name)),
    })
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("unknown {what} {name:?}"))
}
