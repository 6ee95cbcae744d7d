//! A strict reader of JSON that never builds a document: it skips values, or returns one.
//!
//! It accepts less than Python's decoders do. Whatever two readers could understand differently is
//! odd, also in a part that nothing reads: half of a surrogate pair, a number beyond 64 bits or
//! beyond the doubles, -0, deep nesting, text after the document, a key that is written twice or
//! with escapes in an object in which a key is looked up.

use std::borrow::Cow;

use crate::line::Odd;

/// Deeper documents are left to Python, which has a greater bound.
const DEPTH_MAX: usize = 128;
/// A number with more characters is left to Python; the longest shortest text of a double has 24.
const NUMBER_BYTES_MAX: usize = 32;

/// A scalar, or the mark of an object or array.
#[derive(Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Container,
}

/// One step of a path.
pub enum Step {
    Name(String),
    Index(usize),
}

/// A position in a text of JSON.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Reader { text, at: 0 }
    }

    /// Skips white space and returns the next byte.
    pub fn peek(&mut self) -> Result<u8, Odd> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Odd)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Odd> {
        if self.peek()? != wanted {
            return Err(Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// Checks that nothing but white space follows.
    pub fn end(&mut self) -> Result<(), Odd> {
        match self.peek() {
            Ok(_) => Err(Odd),
            Err(Odd) => Ok(()),
        }
    }

    /// Calls `each` with every key of an object; it must read the value of that key.
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &'a str) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.plain_key()?;
            self.expect(b':')?;
            each(self, key)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with the index of every item of an array; it must read that item.
    pub fn array(
        &mut self,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        self.expect(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        for index in 0.. {
            each(self, index)?;
            if !self.goes_on(b']')? {
                break;
            }
        }
        Ok(())
    }

    /// Skips a valid value and returns its text.
    pub fn skip(&mut self) -> Result<&'a str, Odd> {
        self.peek()?;
        let start = self.at;
        self.skip_value(0)?;
        Ok(&self.text[start..self.at])
    }

    /// Reads a string.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Odd> {
        if self.peek()? != b'"' {
            return Err(Odd);
        }
        let (inside, escaped) = self.raw_string()?;
        if escaped {
            unescaped(inside).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(inside))
        }
    }

    /// Reads the value at a path; null if it does not exist.
    pub fn follow(&mut self, path: &[Step]) -> Result<Json<'a>, Odd> {
        let Some((step, rest)) = path.split_first() else {
            return self.value();
        };
        let mut found = None;
        match (step, self.peek()?) {
            (Step::Name(name), b'{') => self.object(|reader, key| {
                if key != name {
                    return reader.skip_value(0);
                }
                // Python's decoder keeps the last of two.
                if found.is_some() {
                    return Err(Odd);
                }
                found = Some(reader.follow(rest)?);
                Ok(())
            })?,
            (Step::Index(wanted), b'[') => self.array(|reader, index| {
                if index == *wanted {
                    found = Some(reader.follow(rest)?);
                    Ok(())
                } else {
                    reader.skip_value(0)
                }
            })?,
            _ => self.skip_value(0)?,
        }
        Ok(found.unwrap_or(Json::Null))
    }

    fn value(&mut self) -> Result<Json<'a>, Odd> {
        match self.peek()? {
            b'"' => self.string().map(Json::Text),
            b'{' | b'[' => self.skip_value(0).map(|()| Json::Container),
            b't' => self.word("true").map(|()| Json::Bool(true)),
            b'f' => self.word("false").map(|()| Json::Bool(false)),
            b'n' => self.word("null").map(|()| Json::Null),
            _ => self.number(),
        }
    }

    /// Passes a comma, or the end of an object or array.
    fn goes_on(&mut self, end: u8) -> Result<bool, Odd> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Ok(true),
            _ if byte == end => Ok(false),
            _ => Err(Odd),
        }
    }

    fn plain_key(&mut self) -> Result<&'a str, Odd> {
        if self.peek()? != b'"' {
            return Err(Odd);
        }
        match self.raw_string()? {
            (key, false) => Ok(key),
            _ => Err(Odd),
        }
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), Odd> {
        match self.peek()? {
            b'"' => {
                let (inside, escaped) = self.raw_string()?;
                if escaped {
                    unescaped(inside)?;
                }
                Ok(())
            }
            _ if depth == DEPTH_MAX => Err(Odd),
            b'[' => self.array(|reader, _| reader.skip_value(depth + 1)),
            b'{' => self.skip_object(depth),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    fn skip_object(&mut self, depth: usize) -> Result<(), Odd> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.string()?;
            self.expect(b':')?;
            self.skip_value(depth + 1)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn word(&mut self, wanted: &str) -> Result<(), Odd> {
        if !self.text.as_bytes()[self.at..].starts_with(wanted.as_bytes()) {
            return Err(Odd);
        }
        self.at += wanted.len();
        Ok(())
    }

    /// Reads the inside of a string, and whether it has escapes; `at` is at its quotation mark.
    fn raw_string(&mut self) -> Result<(&'a str, bool), Odd> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += plain_length(&bytes[at..]);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                _ => return Err(Odd),
            }
            if at > bytes.len() {
                return Err(Odd);
            }
        }
        self.at = at + 1;
        Ok((&self.text[start..at], escaped))
    }

    fn number(&mut self) -> Result<Json<'a>, Odd> {
        let bytes = &self.text.as_bytes()[self.at..];
        let mut size = usize::from(bytes.first() == Some(&b'-'));
        let integer = digits(&bytes[size..]);
        if integer == 0 || (integer > 1 && bytes[size] == b'0') {
            return Err(Odd);
        }
        size += integer;
        let mut whole = true;
        if bytes.get(size) == Some(&b'.') {
            whole = false;
            size += 1 + some_digits(&bytes[size + 1..])?;
        }
        if matches!(bytes.get(size), Some(b'e' | b'E')) {
            whole = false;
            size += 1;
            size += usize::from(matches!(bytes.get(size), Some(b'+' | b'-')));
            size += some_digits(&bytes[size..])?;
        }
        let text = &self.text[self.at..self.at + size];
        if size > NUMBER_BYTES_MAX || text == "-0" {
            return Err(Odd);
        }
        self.at += size;
        if whole {
            return text.parse().map(Json::Int).map_err(|_| Odd);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Json::Float(number)),
            _ => Err(Odd),
        }
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

fn some_digits(bytes: &[u8]) -> Result<usize, Odd> {
    match digits(bytes) {
        0 => Err(Odd),
        count => Ok(count),
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const WORD: usize = 8;

/// How many bytes precede the first quotation mark, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = word ^ (EACH * u64::from(b'"'));
        let backslashes = word ^ (EACH * u64::from(b'\\'));
        // A borrow can only mark bytes after a byte that is marked rightly; the first one counts.
        let below = word.wrapping_sub(EACH * 0x20) & !word;
        let zero =
            (quotes.wrapping_sub(EACH) & !quotes) | (backslashes.wrapping_sub(EACH) & !backslashes);
        let marks = (below | zero) & HIGH_BITS;
        if marks != 0 {
            return index * WORD + marks.trailing_zeros() as usize / WORD;
        }
    }
    let plain = rest
        .iter()
        .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
        .count();
    words.len() * WORD + plain
}

/// Returns the characters of a string with escapes.
fn unescaped(inside: &str) -> Result<String, Odd> {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1).ok_or(Odd)?;
        let mut size = 2;
        text.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (character, length) = unicode_escape(&rest.as_bytes()[at..])?;
                size = length;
                character
            }
            _ => return Err(Odd),
        });
        rest = &rest[at + size..];
    }
    text.push_str(rest);
    Ok(text)
}

/// Returns the character of `\uXXXX`, or of a pair of them, and the length of what stands for it.
fn unicode_escape(bytes: &[u8]) -> Result<(char, usize), Odd> {
    let first = code_unit(bytes)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 6));
    }
    let second = code_unit(bytes.get(6..).ok_or(Odd)?)?;
    let pair = [first as u16, second as u16];
    match char::decode_utf16(pair).next() {
        Some(Ok(character)) => Ok((character, 12)),
        _ => Err(Odd),
    }
}

fn code_unit(bytes: &[u8]) -> Result<u32, Odd> {
    let escape: &[u8; 6] = bytes.first_chunk().ok_or(Odd)?;
    if !escape.starts_with(b"\\u") {
        return Err(Odd);
    }
    escape[2..].iter().try_fold(0, |unit, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or(Odd)?;
        Ok(unit * 16 + digit)
    })
}
