//! Files that Java 17 wrote, `store` by `FileOffsetBackingStore` itself, and what Java 4.2 says of damaged ones.

use proptest::prelude::*;

use super::*;

fn vector(name: &str) -> Bytes {
    let lines = include_str!("vectors.txt").lines();
    let mut named = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = named.next().unwrap();
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
    bytes.map(Result::unwrap).collect()
}

fn texts(name: &str) -> Vec<(String, Option<String>)> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let mut entries: Vec<_> = read(&vector(name))
        .unwrap()
        .iter()
        .map(|(key, value)| (text(key), value.as_ref().map(text)))
        .collect();
    entries.sort();
    entries
}

fn again(entries: &[Entry]) -> Vec<u8> {
    let present: Vec<(&Bytes, &Bytes)> = entries
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_ref()?)))
        .collect();
    written(present.into_iter()).unwrap()
}

fn fault(bytes: Vec<u8>) -> String {
    read(&bytes.into()).unwrap_err().to_string()
}

#[test]
fn javas_files_are_read() {
    assert_eq!(texts("empty"), []);
    let one = (
        "[\"c\",{\"f\":\"a\"}]".to_owned(),
        Some("{\"p\":1}".to_owned()),
    );
    assert_eq!(texts("one"), [one]);
    let nulls = [
        ("[\"c\",{\"f\":\"a\"}]".to_owned(), None),
        ("x".to_owned(), Some("{\"p\":2}".to_owned())),
    ];
    assert_eq!(texts("nulls"), nulls);
    let shared = texts("shared");
    assert_eq!(shared.len(), 14);
    assert!(
        shared
            .iter()
            .all(|(_, value)| value.as_deref() == Some("{\"p\":3}"))
    );
    let store = texts("store");
    assert_eq!(store.len(), 30);
    for number in 0..30 {
        let key = format!("[\"c{}\",{{\"file\":\"f{number}\"}}]", number % 3);
        let value = (number != 7).then(|| format!("{{\"position\":{}}}", number * 100));
        assert!(store.contains(&(key, value)), "{number}");
    }
}

#[test]
fn what_java_wrote_is_written_to_the_byte() {
    for name in ["empty", "one"] {
        let file = vector(name);
        assert_eq!(again(&read(&file).unwrap()), file, "{name}");
    }
    // Java's order is the chance of its hash codes, and ours is the file's: without its null, this one has it all.
    let store = read(&vector("store")).unwrap();
    assert_eq!(read(&again(&store).into()).unwrap().len(), 29);
}

#[test]
fn tables_are_as_large_as_javas() {
    let sizes = [0, 1, 12, 13, 24, 25, 48, 49].map(table);
    let expected = [
        (16, 0),
        (16, 12),
        (16, 12),
        (32, 24),
        (32, 24),
        (64, 48),
        (64, 48),
        (128, 96),
    ];
    assert_eq!(sizes, expected);
    let _no_overflow = table(i32::MAX);
}

#[test]
fn a_file_that_is_cut_off_is_known_as_such() {
    let file = vector("one");
    let block = file.windows(2).position(|pair| pair == [0x77, 8]).unwrap();
    for end in 0..file.len() {
        let cut = read(&file.slice(..end)).unwrap_err();
        let in_block = (block + 2..block + 10).contains(&end);
        assert_eq!(cut == JavaFileError::CutOff, !in_block, "{end}: {cut}");
    }
    // What follows is not looked at.
    let mut longer = file.to_vec();
    longer.extend([0; 5]);
    assert_eq!(read(&longer.into()).unwrap().len(), 1);
}

#[test]
fn faults_are_told_in_javas_words() {
    let corrupt = "java.io.StreamCorruptedException: ";
    assert_eq!(
        fault(vec![0; 8]),
        format!("{corrupt}invalid stream header: 00000000")
    );
    assert_eq!(
        fault(b"hello world".to_vec()),
        format!("{corrupt}invalid stream header: 68656C6C")
    );
    let damaged = |at: usize, byte: u8| {
        let mut file = vector("one").to_vec();
        file[at] = byte;
        fault(file)
    };
    let block = vector("one")
        .windows(2)
        .position(|pair| pair == [0x77, 8])
        .unwrap();
    assert_eq!(damaged(4, 1), format!("{corrupt}invalid type code: 01"));
    assert_eq!(
        damaged(block + 6, 0xff),
        "java.io.InvalidObjectException: Illegal mappings count: -16777215"
    );
    assert_eq!(damaged(block + 9, 5), "java.io.OptionalDataException");
    assert_eq!(damaged(block + 6, 0x7f), "java.io.OptionalDataException");
    let array = block + 10 + 1 + 18;
    assert_eq!(damaged(array, 0x7f), "the file ends in the middle");
    assert_eq!(
        damaged(array, 0xff),
        "java.lang.NegativeArraySizeException: -16777201"
    );
    let string = [&MAGIC[..], &[TC_STRING, 0, 2], b"hi"].concat();
    assert_eq!(
        fault(string),
        "Expected HashMap but found class java.lang.String"
    );
    let other = [&MAGIC[..], b"\x73\x72\x00\x11java.util.TreeMap"].concat();
    assert_eq!(
        fault(other),
        "Expected HashMap but found class java.util.TreeMap"
    );
    let mut factor = vector("one").to_vec();
    factor[block - 8..block - 4].fill(0);
    assert_eq!(
        fault(factor),
        "java.io.InvalidObjectException: Illegal load factor: 0.0"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        entries in proptest::collection::btree_map(".{0,40}", proptest::collection::vec(any::<u8>(), 0..300), 0..60)
    ) {
        let entries: Vec<(Bytes, Bytes)> =
            entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let file = written(entries.iter().map(|(key, value)| (key, value))).unwrap();
        let read: Vec<(Bytes, Bytes)> =
            read(&file.into()).unwrap().into_iter().map(|(key, value)| (key, value.unwrap())).collect();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0_usize..2000, byte in any::<u8>(), end in 0_usize..3000) {
        let mut file = vector("store").to_vec();
        let at = at % file.len();
        file[at] = byte;
        file.truncate(end);
        let _ = read(&file.into());
    }
}
