//! The table of a plan: what it says of measures and attribute keys.

use std::collections::HashSet;

use crate::value::{Criterion, Property};

/// Which events a measure is computed from; all of them if both are empty.
pub struct Selectors {
    pub schemas: Vec<[Option<String>; 3]>,
    pub specifications: HashSet<String>,
}

impl Selectors {
    pub fn matches(&self, schema: [&str; 3], carried: &[String]) -> bool {
        if self.schemas.is_empty() && self.specifications.is_empty() {
            return true;
        }
        let by_schema = self.schemas.iter().any(|wanted| {
            wanted
                .iter()
                .zip(schema)
                .all(|(part, found)| part.as_ref().is_none_or(|part| part == found))
        });
        by_schema || carried.iter().any(|one| self.specifications.contains(one))
    }
}

/// A property and the text that it must equal; equal numbers are equal properties.
pub struct Equal {
    pub number: usize,
    pub property: Property,
    pub text: String,
}

#[derive(Clone, Copy)]
pub enum Domain {
    Text,
    Bool,
    Int,
    Number,
    Scalar,
}

/// Series that differ only in their attribute key.
pub struct Measure {
    pub selectors: Selectors,
    pub equal: Option<Equal>,
    pub every: Vec<Criterion>,
    pub some: Option<Vec<Criterion>>,
    /// None if no value is read.
    pub read: Option<(Property, Domain)>,
    /// By the position of their key, the ids.
    pub series: Vec<(usize, i64)>,
    /// Whether a joint rule reads one of the series.
    pub asks: bool,
}

/// An attribute key.
pub struct Key {
    pub name: String,
    pub property: Property,
    pub folds: bool,
    pub uuids_only: bool,
    pub nobody: HashSet<String>,
}
