//! Texts of many kinds: JSON as it should and should not be, numbers, dates, headers.

use super::seed::Random;
use super::tree::NAMES;

/// Date patterns, each with texts that it reads.
pub const FORMATS: [(&str, &[&str]); 24] = [
    (
        "yyyy-MM-dd",
        &["2024-02-29", "1969-12-31", "2024-2-9", "2024-02-30x"],
    ),
    (
        "yyyy-MM-dd'T'HH:mm:ss.SSSX",
        &["2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678+02"],
    ),
    (
        // In halves, because three of them mark unfinished work.
        concat!("yyyy-MM-dd'T'HH:mm:ssXX", "X"),
        &["2024-01-02T03:04:05+05:30", "2024-01-02T03:04:05Z"],
    ),
    (
        "yyyy-MM-dd HH:mm:ss",
        &["2024-01-02 03:04:05", "2024-13-02 25:04:05"],
    ),
    (
        "dd/MMM/yyyy:HH:mm:ss Z",
        &["29/Feb/2024:13:14:15 +0100", "29/feb/2024:13:14:15 -0800"],
    ),
    (
        "EEE, dd MMM yyyy HH:mm:ss z",
        &[
            "Thu, 29 Feb 2024 13:14:15 UTC",
            "Thu, 29 Feb 2024 13:14:15 GMT",
        ],
    ),
    (
        "EEEE MMMM d yyyy",
        &["Thursday February 29 2024", "Friday February 29 2024"],
    ),
    ("yyyyMMdd", &["20240229", "2024022"]),
    (
        "yyyyMMddHHmmssSSS",
        &["20240229131415678", "19700101000000000"],
    ),
    ("HH:mm:ss.SSS", &["23:59:59.999", "0:0:0.1"]),
    ("h:mm a", &["1:05 PM", "12:00 am"]),
    ("KK:mm a", &["00:05 PM", "11:00 AM"]),
    ("kk:mm", &["24:00", "07:30"]),
    ("yy/M/d", &["24/2/9", "70/1/1", "99/12/31"]),
    ("DDD yyyy", &["060 2024", "366 2023"]),
    ("G yyyy", &["AD 2024", "BC 0044"]),
    ("YYYY-'W'ww-u", &["2024-W09-4", "2020-W53-7"]),
    ("W F E", &["5 5 Thu"]),
    ("'on' yyyy''MM", &["on 2024'02"]),
    ("yyyy", &["2024", "12024", "-5"]),
    ("S", &["7", "1234"]),
    ("", &["", "x"]),
    ("yyyy-bb", &["2024-01"]),
    ("yyyy 'open", &["2024 open"]),
];

const TEXTS: [&str; 40] = [
    "",
    "hello",
    "42",
    "-7",
    "+5",
    "007",
    "3.14",
    "1e3",
    "1.5e-7",
    "true",
    "FALSE",
    "True",
    "null",
    "ünïcödé",
    "日本語",
    "😀",
    "a,b",
    "with \"quotes\"",
    "back\\slash",
    "line\nend",
    "tab\there",
    "9223372036854775808",
    "-129",
    " 12 ",
    "0x10",
    "NaN",
    "-Infinity",
    "1_000",
    "12d",
    "1f",
    "0.1",
    "123456789.123456789",
    "{a}",
    "[1]",
    "$1",
    "\u{0}",
    "\u{7f}\u{80}",
    "\u{2028}",
    "a/b",
    "<&>'",
];

const NUMBERS: [&str; 34] = [
    "0",
    "-0",
    "1",
    "-1",
    "127",
    "128",
    "-129",
    "255",
    "32768",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890123",
    "0.1",
    "-0.0",
    "1.0",
    "3.14",
    "1e3",
    "1E+3",
    "1e-7",
    "1.5e300",
    "1e400",
    "-1e400",
    "2.2250738585072014E-308",
    "4.9e-324",
    "2.0E-3",
    "1.0E7",
    "0.001",
    "9999999.9",
    "16777217",
    "0.30000000000000004",
];

const HEADERS: [&str; 66] = [
    "",
    " ",
    "null",
    " null",
    "true",
    "false",
    "TRUE",
    "1",
    " 1 ",
    "007",
    "-5",
    "+5",
    "128",
    "-129",
    "32768",
    "2147483648",
    "9223372036854775808",
    "1e3",
    "1E400",
    "1.10",
    "0.5",
    "-0.0",
    ".5",
    "5.",
    "1e",
    "1.7976931348623157e308",
    "3.4028236e38",
    "NaN",
    "Infinity",
    "0x10",
    "1abc",
    "12 34",
    "2024-01-02",
    "2024-13-45",
    "2024-1-2",
    "2024-01-02T03:04:05.678Z",
    "2024-01-02T03:04:05Z",
    "03:04:05.678Z",
    "25:61:61.000Z",
    "2024-01-02T25:04:05.678Z",
    "[]",
    "[1,2]",
    "[1,\"a\"]",
    "[1,2.5]",
    "[1,128]",
    "[true,false]",
    "[null]",
    "[1,null]",
    "[[1],[2]]",
    "[1,]",
    "[,1]",
    "[1",
    "1]",
    "{}",
    "{\"a\":1}",
    "{\"a\":1,\"b\":\"x\"}",
    "{a:1}",
    "{1:2}",
    "{\"a\":}",
    "{\"a\":[1,{\"b\":null}]}",
    "\"q\"",
    "\"q\\\"r\"",
    "\"open",
    "\\[1]",
    "[2024-01-02,2024-01-03]",
    "[1,\"2024-01-02\",03:04:05.678Z]",
];

/// A text.
pub fn text(random: &mut Random) -> String {
    match random.below(8) {
        0 => random.word(&NAMES).to_owned(),
        1 => dated(random),
        2 => number(random),
        _ => random.word(&TEXTS).to_owned(),
    }
}

/// A text that some date pattern reads.
pub fn dated(random: &mut Random) -> String {
    let (_, texts) = random.pick(&FORMATS);
    random.word(texts).to_owned()
}

/// Milliseconds since the epoch, mostly of these decades.
pub fn instant(random: &mut Random) -> i64 {
    match random.below(6) {
        0 => *random.pick(&[
            0,
            -1,
            1,
            999,
            86_399_999,
            951_782_400_000,
            253_402_300_799_999,
        ]),
        1 => random.signed() % 4_000_000_000_000,
        _ => 1_600_000_000_000 + random.signed() % 200_000_000_000,
    }
}

/// A number as JSON allows it.
pub fn number(random: &mut Random) -> String {
    match random.below(6) {
        0 => random.signed().to_string(),
        1 => format!("{}.{}", random.signed() % 100_000, random.below(1_000_000)),
        2 => {
            let float = f64::from_bits(random.bits());
            if float.is_finite() {
                format!("{float:e}")
            } else {
                "0.5".to_owned()
            }
        }
        3 => format!("{}e{}", random.signed() % 1_000, random.signed() % 40),
        _ => random.word(&NUMBERS).to_owned(),
    }
}

/// A JSON string; some of its characters are escaped where they need not be.
pub fn quoted(random: &mut Random, text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '/' if random.once_in(2) => quoted.push_str("\\/"),
            letter if letter.is_control() || random.once_in(30) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Bytes as a JSON string in base64.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("\"");
    for chunk in bytes.chunks(3) {
        let joined = (0..3).fold(0_usize, |joined, at| {
            joined << 8 | chunk.get(at).copied().map_or(0, usize::from)
        });
        for digit in 0..4 {
            let is_there = digit <= chunk.len();
            let digit = DIGITS
                .get(joined >> (18 - 6 * digit) & 63)
                .filter(|_| is_there);
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text.push('"');
    text
}

/// A JSON value without a schema, at most `depth` levels of nesting.
pub fn json(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 7 } else { 11 }) {
        0 => "null".to_owned(),
        1 => random.word(&["true", "false"]).to_owned(),
        2..=4 => number(random),
        5 | 6 => {
            let text = text(random);
            quoted(random, &text)
        }
        7 | 8 => {
            let items: Vec<String> = (0..random.below(5))
                .map(|_| json(random, depth - 1))
                .collect();
            format!("[{}]", items.join(","))
        }
        _ => object(random, depth - 1),
    }
}

/// A JSON object; now and then a name comes twice, and now and then there are so many that Java's tables grow.
pub fn object(random: &mut Random, depth: usize) -> String {
    let count = if random.once_in(12) {
        random.below(40)
    } else {
        random.below(6)
    };
    let mut members = Vec::new();
    for number in 0..count {
        let name = match random.below(4) {
            0 => text(random),
            1 => format!("field_{number}"),
            _ => random.word(&NAMES).to_owned(),
        };
        let name = quoted(random, &name);
        let space = if random.once_in(5) { " " } else { "" };
        members.push(format!(
            "{space}{name}{space}:{space}{}",
            json(random, depth)
        ));
    }
    format!("{{{}}}", members.join(","))
}

/// JSON with something wrong in its bytes.
pub fn damaged(random: &mut Random, document: &str) -> Vec<u8> {
    let mut bytes = document.as_bytes().to_vec();
    let at = random.below(bytes.len() + 1);
    match random.below(9) {
        7 => return wide(random, document),
        0 => bytes.truncate(at),
        1 => bytes.extend_from_slice(
            random
                .pick(&[" ", "x", "}", "]", ",", " 1", "{}", "\u{feff}"])
                .as_bytes(),
        ),
        2 => {
            bytes.splice(
                0..0,
                random
                    .pick(&[" \r\n\t", "\u{feff}", "//c\n", "+", "00", "'"])
                    .bytes(),
            );
        }
        3 | 4 => {
            let piece = random.word(&[
                ",", ":", "\"", "\\", "\\x", "\\u12", "{", "}", "[", "]", "0", "-", ".", "e",
                "nul", "NaN", "Infinity", "\u{1}", "\\ud83d", "\\ude00", "é", "/*c*/", "01", "1.",
                "truex",
            ]);
            bytes.splice(at..at, piece.bytes());
        }
        5 => {
            let foreign: &[u8] = random.pick::<&[u8]>(&[
                b"\xff",
                b"\xc3",
                b"\xed\xa0\x80",
                b"\xc0\x80",
                b"\xf4\x90\x80\x80",
                b"\x80",
            ]);
            bytes.splice(at..at, foreign.iter().copied());
        }
        6 => {
            bytes.remove(at.min(bytes.len() - 1));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(random.below(256)).unwrap_or(0);
            }
        }
    }
    bytes
}

/// JSON in UTF-16 or UTF-32, now and then cut or with a unit too many.
fn wide(random: &mut Random, document: &str) -> Vec<u8> {
    let (is_big_endian, has_mark) = (random.once_in(2), random.once_in(2));
    let text = if has_mark {
        format!("\u{feff}{document}")
    } else {
        document.to_owned()
    };
    let mut bytes: Vec<u8> = if random.once_in(2) {
        let units = text.encode_utf16();
        let units = units.map(|unit| [unit.to_be_bytes(), unit.to_le_bytes()]);
        units
            .flat_map(|[big, little]| if is_big_endian { big } else { little })
            .collect()
    } else {
        let units = text.chars().map(u32::from);
        let units = units.map(|unit| [unit.to_be_bytes(), unit.to_le_bytes()]);
        units
            .flat_map(|[big, little]| if is_big_endian { big } else { little })
            .collect()
    };
    let at = random.below(bytes.len() + 1);
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.extend(random.bytes(2)),
        2 => bytes.push(0),
        3 => {
            bytes.splice(at..at, [0xff, 0xd8]);
        }
        _ => {}
    }
    bytes
}

/// Whether a text has digits of other scripts, which Java reads as numbers.
fn has_foreign_digits(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .any(|letter| !letter.is_ascii() && letter.is_numeric())
}

/// What stands in a header.
pub fn header(random: &mut Random) -> Option<Vec<u8>> {
    match random.below(12) {
        0 => None,
        1 => Some(text(random).into_bytes()),
        2 => Some(number(random).into_bytes()),
        3 => Some(json(random, 2).into_bytes()),
        4 => {
            let document = json(random, 2);
            Some(damaged(random, &document))
        }
        5 => {
            let length = random.below(6);
            Some(random.bytes(length)).filter(|bytes| !has_foreign_digits(bytes))
        }
        _ => Some(random.pick(&HEADERS).as_bytes().to_vec()),
    }
}
