//! Settings of transformations: every class, every option, right and wrong.

use super::Settings;
use super::seed::Random;
use super::texts;
use super::tree::NAMES;

/// The package of transformations and, below it, of predicates.
pub const PACKAGE: &str = "org.apache.kafka.connect.transforms.";

/// Every transformation; those that end in `$` stand for `$Key` and `$Value`.
pub const CLASSES: [&str; 18] = [
    "Cast$",
    "DropHeaders",
    "ExtractField$",
    "Filter",
    "Flatten$",
    "HeaderFrom$",
    "HoistField$",
    "InsertField$",
    "InsertHeader",
    "MaskField$",
    "RegexRouter",
    "ReplaceField$",
    "SetSchemaMetadata$",
    "TimestampConverter$",
    "TimestampRouter",
    "ValueToKey",
    "Cast$",
    "TimestampConverter$",
];

/// What `Cast` casts to, and two that it does not.
pub const CAST_TYPES: [&str; 10] = [
    "int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "bytes", "INT8",
];

/// Which fields a transformation meets.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The ways to the fields of the key or the value.
    pub paths: Vec<Vec<String>>,
}

impl Target {
    /// A field's name: mostly of one that is there.
    fn field(&self, random: &mut Random) -> String {
        let top: Vec<&Vec<String>> = self.paths.iter().filter(|path| path.len() == 1).collect();
        if top.is_empty() || random.once_in(5) {
            return random.word(&NAMES).to_owned();
        }
        random.pick(&top).concat()
    }

    /// Several fields' names, separated by commas; now and then one comes twice.
    fn fields(&self, random: &mut Random) -> String {
        let count = 1 + random.below(3);
        let fields: Vec<String> = (0..count).map(|_| self.field(random)).collect();
        fields.join(if random.once_in(5) { " , " } else { "," })
    }

    /// A way to a nested field, as the second syntax of paths writes it.
    fn path(&self, random: &mut Random) -> String {
        if self.paths.is_empty() || random.once_in(6) {
            return random
                .word(&[
                    "a.b",
                    "nested.a.b",
                    "`x.y`",
                    "`x.y`.a",
                    "a.`b",
                    "a..b",
                    "`a`b",
                    "",
                    ".",
                    "\\`t",
                ])
                .to_owned();
        }
        let path = random.pick(&self.paths).iter().map(|name| {
            if name.contains(['.', '`']) {
                format!("`{}`", name.replace('`', "\\`"))
            } else {
                name.clone()
            }
        });
        path.collect::<Vec<_>>().join(".")
    }
}

/// The settings of a transformation of `class`, one of [`CLASSES`].
pub fn settings(random: &mut Random, class: &str, target: &Target) -> Settings {
    let mut settings = Settings::new();
    let mut set = |name: &str, value: String| {
        settings.insert(name.to_owned(), value);
    };
    match class.trim_end_matches('$') {
        "Cast" => set("spec", cast(random, target)),
        "DropHeaders" => set("headers", headers(random)),
        "ExtractField" if random.once_in(2) => {
            set("field", target.path(random));
            set(
                "field.syntax.version",
                random.word(&["V1", "V2", "V2", "v2"]).to_owned(),
            );
        }
        "ExtractField" | "HoistField" => set("field", target.field(random)),
        "Flatten" if random.once_in(2) => {
            set(
                "delimiter",
                random.word(&["_", "", ".", "->", "ü"]).to_owned(),
            );
        }
        "HeaderFrom" => header_from(random, target, &mut set),
        "InsertField" => insert_field(random, &mut set),
        "InsertHeader" => insert_header(random, &mut set),
        "MaskField" => mask_field(random, target, &mut set),
        "RegexRouter" => regex_router(random, &mut set),
        "ReplaceField" => replace_field(random, target, &mut set),
        "SetSchemaMetadata" => set_schema_metadata(random, &mut set),
        "TimestampConverter" => timestamp_converter(random, target, &mut set),
        "TimestampRouter" => timestamp_router(random, &mut set),
        "ValueToKey" => set("fields", target.fields(random)),
        _ => {}
    }
    let has_defaults = class.ends_with('$') && !["Flatten$", "HoistField$"].contains(&class);
    if (has_defaults || class == "ValueToKey") && random.once_in(2) {
        let flag = random.word(&["true", "false", "false", "false", "FALSE"]);
        settings.insert("replace.null.with.default".to_owned(), flag.to_owned());
    }
    spoil(random, &mut settings);
    settings
}

/// Now and then an option is missing or useless.
fn spoil(random: &mut Random, settings: &mut Settings) {
    let names: Vec<String> = settings.keys().cloned().collect();
    if names.is_empty() || !random.once_in(25) {
        return;
    }
    let name = random.pick(&names);
    if random.once_in(2) {
        settings.remove(name);
    } else {
        let value = random.word(&["", " ", "maybe", ",", "a,", "a,a", ":", "a:b:c", "null"]);
        settings.insert(name.clone(), value.to_owned());
    }
}

fn cast(random: &mut Random, target: &Target) -> String {
    let count = CAST_TYPES.len() - if random.once_in(15) { 0 } else { 2 };
    let types = CAST_TYPES.get(..count).unwrap_or(&CAST_TYPES);
    if random.once_in(5) {
        return random.word(types).to_owned();
    }
    let count = 1 + random.below(4);
    let spec: Vec<String> = (0..count)
        .map(|_| format!("{}:{}", target.field(random), random.pick(types)))
        .collect();
    spec.join(",")
}

/// The name of a header that cases often have.
pub fn header_name(random: &mut Random) -> String {
    random.word(&["h", "h1", "h2", "trace", "ü"]).to_owned()
}

fn headers(random: &mut Random) -> String {
    let count = 1 + random.below(3);
    let names: Vec<String> = (0..count).map(|_| header_name(random)).collect();
    names.join(",")
}

fn header_from(random: &mut Random, target: &Target, set: &mut impl FnMut(&str, String)) {
    let fields = target.fields(random);
    let count = fields.split(',').count() + usize::from(random.once_in(12));
    let names: Vec<String> = (0..count).map(|_| header_name(random)).collect();
    set("fields", fields);
    set("headers", names.join(","));
    set(
        "operation",
        random
            .word(&["copy", "move", "move", "copy", "Copy"])
            .to_owned(),
    );
}

fn insert_field(random: &mut Random, set: &mut impl FnMut(&str, String)) {
    for option in [
        "topic.field",
        "partition.field",
        "offset.field",
        "timestamp.field",
        "static.field",
    ] {
        if random.once_in(2) {
            let ending = random.word(&["", "?", "!"]);
            let name = random.word(&["a", "id", "ts", "t1", "t2", "t3", "x.y", "new"]);
            set(option, format!("{name}{ending}"));
            if option == "static.field" && !random.once_in(8) {
                set("static.value", texts::text(random));
            }
        }
    }
}

fn insert_header(random: &mut Random, set: &mut impl FnMut(&str, String)) {
    let literal = texts::header(random).unwrap_or_default();
    set("header", header_name(random));
    set(
        "value.literal",
        String::from_utf8_lossy(&literal).into_owned(),
    );
}

fn mask_field(random: &mut Random, target: &Target, set: &mut impl FnMut(&str, String)) {
    set("fields", target.fields(random));
    if random.once_in(2) {
        let replacements = [
            "0",
            "42",
            "-1",
            "300",
            "1.5",
            "***",
            "x",
            "",
            "1e3",
            "99999999999",
        ];
        set("replacement", random.word(&replacements).to_owned());
    }
}

fn set_schema_metadata(random: &mut Random, set: &mut impl FnMut(&str, String)) {
    if !random.once_in(3) {
        let name = random.mostly(&["com.example.New", "x"], &[""]);
        set("schema.name", name.to_owned());
    }
    if !random.once_in(3) {
        let version = random.mostly(&["1", "7", "-1", " 2 "], &["x", "1.5"]);
        set("schema.version", version.to_owned());
    }
}

fn regex_router(random: &mut Random, set: &mut impl FnMut(&str, String)) {
    let (regex, replacement) = *random.pick(&[
        ("(.*)", "prefix_$1"),
        ("([a-z]+)-(\\d+)", "$2.$1"),
        ("(?<word>\\w+)-.*", "${word}"),
        ("orders.*", "o"),
        ("(?i)ORDERS-(.)", "$1$1"),
        (".*", "$0!"),
        ("(a)|(.*)", "[$1]"),
        ("x", "y"),
        ("[\\p{Alpha}&&[^o]]*.*", "c"),
        ("\\Qorders-1\\E", "quoted"),
        ("(?:orders|payments)-(?=1)1", "ahead"),
        ("(.++)", "$1"),
        ("(.*)", "$2"),
        ("(.*)", "$"),
        ("(.*)", "\\$1"),
        ("(.*)", "${none}"),
        ("(", "x"),
        ("[a", "x"),
        ("", ""),
    ]);
    set("regex", regex.to_owned());
    set("replacement", replacement.to_owned());
}

fn replace_field(random: &mut Random, target: &Target, set: &mut impl FnMut(&str, String)) {
    if random.once_in(2) {
        set("exclude", target.fields(random));
    }
    if random.once_in(2) {
        set("include", target.fields(random));
    }
    if random.once_in(2) {
        let count = 1 + random.below(3);
        let renames: Vec<String> = (0..count)
            .map(|number| {
                let to = random.word(&["a", "b", "r0", "r1", "r2"]);
                let to = if random.once_in(3) {
                    to.to_owned()
                } else {
                    format!("new{number}")
                };
                format!("{}:{to}", target.field(random))
            })
            .collect();
        set("renames", renames.join(","));
    }
}

fn timestamp_converter(random: &mut Random, target: &Target, set: &mut impl FnMut(&str, String)) {
    if !random.once_in(5) {
        set("field", target.field(random));
    }
    let types = ["string", "unix", "Date", "Time", "Timestamp"];
    let wrong = random.once_in(40);
    set(
        "target.type",
        if wrong {
            "date".to_owned()
        } else {
            random.word(&types).to_owned()
        },
    );
    if !random.once_in(6) {
        let (format, _) = random.pick(&texts::FORMATS);
        set("format", (*format).to_owned());
    }
    if random.once_in(3) {
        let precision = random.mostly(
            &["seconds", "milliseconds", "microseconds", "nanoseconds"],
            &["nanos"],
        );
        set("unix.precision", precision.to_owned());
    }
}

fn timestamp_router(random: &mut Random, set: &mut impl FnMut(&str, String)) {
    if random.once_in(2) {
        let format = random.word(&[
            "${topic}-${timestamp}",
            "${timestamp}_${topic}_${topic}",
            "fixed",
            "${topic}",
            "",
            "$1${timestamp}",
        ]);
        set("topic.format", format.to_owned());
    }
    if random.once_in(2) {
        let (format, _) = random.pick(&texts::FORMATS);
        set("timestamp.format", (*format).to_owned());
    }
}
