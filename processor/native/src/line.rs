//! One line of the enriched TSV: its columns, its times, and what every event must have.
//!
//! A line that is not in the usual form is odd. The caller leaves it to Python, which determines
//! whether it is refused and why.

pub const COLUMNS: usize = 131;
const APP_ID: usize = 0;
const COLLECTOR_TSTAMP: usize = 3;
const EVENT_ID: usize = 6;
const DERIVED_TSTAMP: usize = 124;
const EVENT_VENDOR: usize = 125;
const EVENT_NAME: usize = 126;
const EVENT_VERSION: usize = 128;

// At most what Python accepts (processor/limits.py): bytes are at least as many as characters.
const EVENT_BYTES_MAX: usize = 1_000_000;
const EVENT_ID_BYTES_MAX: usize = 1_000;
const KIND_BYTES_MAX: usize = 1_000;

/// What native code does not decide: Python reads the event.
#[derive(Debug)]
pub struct Odd;

/// The positions at which the columns of a line end.
pub type Ends = [usize; COLUMNS];

/// An event whose columns are split and whose times are known.
pub struct Line<'a> {
    text: &'a str,
    ends: &'a Ends,
    pub collector_ms: i64,
    pub derived_ms: i64,
}

impl<'a> Line<'a> {
    /// Splits the value of a record; `ends` is overwritten.
    pub fn split(value: &'a [u8], ends: &'a mut Ends) -> Result<Line<'a>, Odd> {
        if value.is_empty() || value.len() > EVENT_BYTES_MAX {
            return Err(Odd);
        }
        find_ends(value, ends)?;
        let text = std::str::from_utf8(value).map_err(|_| Odd)?;
        let mut line = Line {
            text,
            ends,
            collector_ms: 0,
            derived_ms: 0,
        };
        let event_id = line.event_id();
        if event_id.is_empty() || event_id.len() > EVENT_ID_BYTES_MAX {
            return Err(Odd);
        }
        if line.vendor().len() + line.name().len() + line.version().len() > KIND_BYTES_MAX {
            return Err(Odd);
        }
        line.collector_ms = time_ms(line.column(COLLECTOR_TSTAMP))?;
        let derived = line.derived_tstamp();
        line.derived_ms = if derived.is_empty() {
            line.collector_ms
        } else {
            time_ms(derived)?
        };
        Ok(line)
    }

    /// The text of a column, by its position in the line.
    pub fn column(&self, index: usize) -> &'a str {
        &self.text[self.start(index)..self.ends[index]]
    }

    /// The bytes that determine the schema of the event, and a column between them.
    pub fn kind(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.start(EVENT_VENDOR)..self.ends[EVENT_VERSION]]
    }

    pub fn app_id(&self) -> &'a str {
        self.column(APP_ID)
    }

    pub fn event_id(&self) -> &'a str {
        self.column(EVENT_ID)
    }

    pub fn derived_tstamp(&self) -> &'a str {
        self.column(DERIVED_TSTAMP)
    }

    pub fn vendor(&self) -> &'a str {
        self.column(EVENT_VENDOR)
    }

    pub fn name(&self) -> &'a str {
        self.column(EVENT_NAME)
    }

    pub fn version(&self) -> &'a str {
        self.column(EVENT_VERSION)
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 {
            0
        } else {
            self.ends[index - 1] + 1
        }
    }
}

const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const TABS: u64 = 0x0909_0909_0909_0909;
const WORD: usize = 8;

/// Finds the ends of exactly `COLUMNS` columns; line ends after the last one are not part of it.
fn find_ends(value: &[u8], ends: &mut Ends) -> Result<(), Odd> {
    let (words, rest) = value.as_chunks::<WORD>();
    let mut found = 0;
    for (index, word) in words.iter().enumerate() {
        // A byte of `differs` is zero, and so its highest bit stays clear, where there is a tab.
        let differs = u64::from_le_bytes(*word) ^ TABS;
        let mut marks = !(((differs & LOW_BITS) + LOW_BITS) | differs) & !LOW_BITS;
        while marks != 0 {
            if found == COLUMNS - 1 {
                return Err(Odd);
            }
            ends[found] = index * WORD + marks.trailing_zeros() as usize / WORD;
            found += 1;
            marks &= marks - 1;
        }
    }
    for (index, byte) in rest.iter().enumerate() {
        if *byte == b'\t' {
            if found == COLUMNS - 1 {
                return Err(Odd);
            }
            ends[found] = words.len() * WORD + index;
            found += 1;
        }
    }
    if found != COLUMNS - 1 {
        return Err(Odd);
    }
    let last_start = ends[found - 1] + 1;
    let ending = value[last_start..]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    ends[found] = value.len() - ending;
    Ok(())
}

/// Milliseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.f[f[f]]]` in UTC; any other form is odd.
pub fn time_ms(text: &str) -> Result<i64, Odd> {
    let bytes = text.as_bytes();
    let (second, fraction) = bytes.split_first_chunk::<19>().ok_or(Odd)?;
    if [second[4], second[7], second[10], second[13], second[16]] != *b"-- ::" {
        return Err(Odd);
    }
    let year = digits(&second[..4])?;
    let month = digits(&second[5..7])?;
    let day = digits(&second[8..10])?;
    let hour = digits(&second[11..13])?;
    let minute = digits(&second[14..16])?;
    let seconds = digits(&second[17..])?;
    let valid = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && seconds < 60;
    if !valid {
        return Err(Odd);
    }
    let milliseconds = match fraction {
        [] => 0,
        [b'.', decimals @ ..] => match decimals.len() {
            1 => digits(decimals)? * 100,
            2 => digits(decimals)? * 10,
            3 => digits(decimals)?,
            _ => return Err(Odd),
        },
        _ => return Err(Odd),
    };
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute;
    Ok((minutes * 60 + seconds) * 1_000 + milliseconds)
}

fn digits(text: &[u8]) -> Result<i64, Odd> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
            .ok_or(Odd)
    })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, by years that begin in March, so that a leap day is the last day.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    const DAYS_TO_1970: i64 = 719_468;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970
}
