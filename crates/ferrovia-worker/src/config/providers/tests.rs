//! Answers recorded from Java's standalone worker 4.2 with these providers.

use std::path::Path;

use super::*;

/// A folder with a file of secrets, a folder of secrets and a folder that may be read.
fn ground() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "s.properties",
        "user=alice\nempty=\nindirect=${file:/x:user}\ngreek=\u{3b1}\u{e9}\nescaped=\\\u{3b1}\n",
    );
    for name in ["open", "folder"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    write("open/s.properties", "user=bob\n");
    write("folder/who", "carol\n");
    write("folder/bytes", "");
    std::fs::write(folder.path().join("folder/bad"), [0xff, 0xfe]).unwrap();
    folder
}

fn providers(root: &Path) -> ConfigProviders {
    let class = |simple: &str| format!("{PACKAGE}{simple}ConfigProvider");
    let settings = BTreeMap::from([
        (
            "config.providers".to_owned(),
            "file, dir,env,lim,none".to_owned(),
        ),
        ("config.providers.file.class".to_owned(), class("File")),
        ("config.providers.dir.class".to_owned(), class("Directory")),
        ("config.providers.env.class".to_owned(), class("EnvVar")),
        (
            "config.providers.env.param.allowlist.pattern".to_owned(),
            "W4_.*".to_owned(),
        ),
        ("config.providers.lim.class".to_owned(), class("File")),
        (
            "config.providers.lim.param.allowed.paths".to_owned(),
            root.join("open").display().to_string(),
        ),
    ]);
    let environment = || {
        let variables = [("W4_CANARY", "canary"), ("OTHER", "zzz"), ("XW4_A", "no")];
        variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    };
    ConfigProviders::with_environment(&settings, environment).unwrap()
}

fn resolve(providers: &ConfigProviders, text: &str) -> Result<String, String> {
    let settings = BTreeMap::from([("k".to_owned(), text.to_owned())]);
    match providers.resolve(&settings) {
        Ok(mut resolved) => Ok(resolved.settings.remove("k").unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn variables_are_replaced_as_in_java() {
    let folder = ground();
    let root = folder.path().display().to_string();
    let providers = providers(folder.path());
    let cases = [
        ("${file:R/s.properties:user}", "alice"),
        (
            "a${file:R/s.properties:user}b${file:R/s.properties:none}c",
            "aaliceb${file:R/s.properties:none}c",
        ),
        ("${nope:x:y}", "${nope:x:y}"),
        ("${file:x}", "${file:x}"),
        ("${file::x}", "${file::x}"),
        ("${file:R/s.properties:indirect}", "${file:/x:user}"),
        ("${file:R/s.properties:empty}", ""),
        ("${file:R/s.properties:greek}", "\u{3b1}\u{e9}"),
        ("${file:R/s.properties:escaped}", "\u{3b1}"),
        ("${dir:R/folder:who}", "carol\n"),
        ("${dir:R/folder:bytes}", ""),
        ("${dir:R/folder:none}", "${dir:R/folder:none}"),
        (
            "${dir:R/folder:../s.properties}",
            "${dir:R/folder:../s.properties}",
        ),
        ("${dir:/none:none}", "${dir:/none:none}"),
        ("${env:W4_CANARY}", "canary"),
        ("${env:OTHER}", "${env:OTHER}"),
        ("${env:XW4_A}", "${env:XW4_A}"),
        ("x${nope:a}y${env:W4_CANARY}z", "x${nope:a}ycanaryz"),
        ("${lim:R/open/s.properties:user}", "bob"),
        ("${lim:R/s.properties:user}", "${lim:R/s.properties:user}"),
        (
            "${lim:R/open/../s.properties:user}",
            "${lim:R/open/../s.properties:user}",
        ),
        ("${none:x:y}", "${none:x:y}"),
        ("$${file:R/s.properties:user}}", "$alice}"),
    ];
    for (text, expected) in cases {
        let (text, expected) = (text.replace('R', &root), expected.replace('R', &root));
        // The names of environment variables have the letter too.
        let (text, expected) = match text.contains("env:") {
            true => (text.replace(&root, "R"), expected.replace(&root, "R")),
            false => (text, expected),
        };
        assert_eq!(resolve(&providers, &text), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_in_javas_words() {
    let folder = ground();
    let root = folder.path().display();
    let providers = providers(folder.path());
    let refused = |text: &str| resolve(&providers, text).unwrap_err();
    assert_eq!(
        refused("${file:/none:x}"),
        "Could not read properties from file /none"
    );
    assert_eq!(
        refused(&format!("${{file:{root}/folder:x}}")),
        format!("Could not read properties from file {root}/folder")
    );
    assert_eq!(
        refused(&format!("${{dir:{root}/folder:bad}}")),
        format!("Could not read file {root}/folder/bad for property bad")
    );
    assert_eq!(
        refused("${env:x:W4_CANARY}"),
        "Path is not supported for EnvVarConfigProvider, invalid value 'x'"
    );
}

#[test]
fn a_class_that_is_no_provider_is_refused() {
    let settings = BTreeMap::from([
        ("config.providers".to_owned(), "x".to_owned()),
        (
            "config.providers.x.class".to_owned(),
            "org.x.Vault".to_owned(),
        ),
    ]);
    let error = ConfigProviders::from_settings(&settings).unwrap_err();
    assert!(error.to_string().contains("org.x.Vault"), "{error}");
}

#[test]
fn too_many_paths_are_refused() {
    let providers = ConfigProviders::default();
    let text: String = (0..=PATHS_MAX)
        .map(|number| format!("${{f:{number}:k}}"))
        .collect();
    assert!(
        resolve(&providers, &text)
            .unwrap_err()
            .contains("1024 are allowed")
    );
}

#[test]
fn values_are_known_by_their_keys_and_never_printed() {
    let folder = ground();
    let providers = providers(folder.path());
    let settings = BTreeMap::from([
        ("a".to_owned(), "x-${env:W4_CANARY}".to_owned()),
        ("b".to_owned(), "plain".to_owned()),
    ]);
    let resolved = providers.resolve(&settings).unwrap();
    assert_eq!(resolved.replaced, BTreeSet::from(["a".to_owned()]));
    assert_eq!(
        resolved.redactor.redact("bad x-canary"),
        "bad x-${env:W4_CANARY}"
    );
    let printed = format!("{resolved:?} {providers:?}");
    assert!(!printed.contains("canary"), "{printed}");
}
