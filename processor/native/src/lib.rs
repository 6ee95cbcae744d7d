//! The source stage in native code: a run of records and the table of a plan in, encoded
//! contributions by target out. processor/decisions/native.md says what it leaves to Python.

mod contributions;
mod event;
mod json;
mod line;
mod matching;
mod msgpack;
mod murmur2;
mod rows;
mod table;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::contributions::{Chunks, Place, Times};
use crate::event::Event;
use crate::line::{COLUMNS, Ends, Line, Odd};
use crate::matching::Matching;

/// Changes with the table, with what `collect` takes or returns, and with the encoding.
const FORMAT: u32 = 1;

/// Targets of one call; more cannot be a number of partitions.
const PARTITIONS_MAX: u32 = 100_000;

/// (target, contributions, their bytes)
type Encoded<'py> = (u32, usize, Bound<'py, PyBytes>);
/// What records contribute, and the range of odd records after them.
type Stretch<'py> = (Vec<Encoded<'py>>, usize, usize);

#[derive(Default)]
struct Counts {
    matched: usize,
    future: usize,
    ahead: usize,
}

/// Records that are not odd, and the range of odd records after them.
struct NativeStretch {
    chunks: Chunks,
    odd: (usize, usize),
}

/// The compiled definitions of one plan.
#[pyclass(frozen)]
struct Table {
    matching: Mutex<Matching>,
}

#[pymethods]
impl Table {
    #[new]
    fn new(
        app_ids: Vec<String>,
        keys: Vec<Bound<'_, PyAny>>,
        measures: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let keys = keys.iter().map(rows::key).collect::<PyResult<_>>()?;
        let measures = measures
            .iter()
            .map(rows::measure)
            .collect::<PyResult<_>>()?;
        Ok(Table {
            matching: Mutex::new(Matching::new(app_ids, keys, measures)),
        })
    }

    /// Collects what records contribute to profiles in `partitions` partitions.
    ///
    /// Returns how many events contribute, are in the future, and are ahead; and stretches: for
    /// the records before each range of odd records, (target, number of contributions, bytes), then
    /// the start and the end of that range. The last range may be empty.
    #[allow(clippy::type_complexity)] // a tuple of Python
    fn collect<'py>(
        &self,
        py: Python<'py>,
        values: Vec<Option<PyBackedBytes>>,
        offsets: Vec<i64>,
        arrivals_ms: Vec<i64>,
        partitions: u32,
    ) -> PyResult<(usize, usize, usize, Vec<Stretch<'py>>)> {
        if offsets.len() != values.len() || arrivals_ms.len() != values.len() {
            return Err(PyValueError::new_err("the lists differ in length"));
        }
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            return Err(PyValueError::new_err("not a number of partitions"));
        }
        let (counts, stretches) = py.detach(|| {
            let places: Vec<Place> = offsets
                .iter()
                .zip(&arrivals_ms)
                .map(|(&offset, &arrival_ms)| Place { offset, arrival_ms })
                .collect();
            let mut matching = self.matching.lock().unwrap_or_else(PoisonError::into_inner);
            collect(&mut matching, &values, &places, partitions)
        });
        let stretches = stretches
            .into_iter()
            .map(|stretch| {
                let NativeStretch { chunks, odd } = stretch;
                let encoded = chunks.order.iter().map(|target| {
                    let chunk = &chunks.of[*target as usize];
                    (*target, chunk.count, PyBytes::new(py, &chunk.bytes))
                });
                (encoded.collect(), odd.0, odd.1)
            })
            .collect();
        Ok((counts.matched, counts.future, counts.ahead, stretches))
    }
}

fn collect(
    matching: &mut Matching,
    values: &[Option<PyBackedBytes>],
    places: &[Place],
    partitions: u32,
) -> (Counts, Vec<NativeStretch>) {
    let mut counts = Counts::default();
    let mut stretches: Vec<NativeStretch> = Vec::new();
    let mut chunks = Chunks::new(partitions);
    let mut ends = [0; COLUMNS];
    let mut usual_from = 0;
    for (index, (value, place)) in values.iter().zip(places).enumerate() {
        let value = value.as_deref().unwrap_or_default();
        // An event that triggers an error in this code must not stop its partition for ever.
        let read = catch_unwind(AssertUnwindSafe(|| {
            one(matching, value, *place, &mut ends, &mut chunks, &mut counts)
        }));
        if matches!(read, Ok(Ok(()))) {
            continue;
        }
        match stretches.last_mut() {
            Some(last) if usual_from == index => last.odd.1 = index + 1,
            _ => stretches.push(NativeStretch {
                chunks: std::mem::replace(&mut chunks, Chunks::new(partitions)),
                odd: (index, index + 1),
            }),
        }
        usual_from = index + 1;
    }
    if usual_from < values.len() {
        let odd = (values.len(), values.len());
        stretches.push(NativeStretch { chunks, odd });
    }
    (counts, stretches)
}

fn one(
    matching: &mut Matching,
    value: &[u8],
    place: Place,
    ends: &mut Ends,
    chunks: &mut Chunks,
    counts: &mut Counts,
) -> Result<(), Odd> {
    let mut event = Event::new(Line::split(value, ends)?);
    let line = &event.line;
    let times = Times::of(line.collector_ms, line.derived_ms, place.arrival_ms);
    let any = matching.add(&mut event, place, times.time_ms, chunks)?;
    counts.matched += usize::from(any);
    counts.future += usize::from(times.future);
    counts.ahead += usize::from(times.ahead);
    Ok(())
}

/// Native code of the source stage.
#[pymodule]
fn processor_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("FORMAT", FORMAT)?;
    module.add_class::<Table>()
}
