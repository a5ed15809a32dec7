//! The paths that a provider may read: all, or those below some folders.
//!
//! # Source
//! `org.apache.kafka.common.config.internals.AllowedPaths`, KIP-993

use std::path::{Component, Path, PathBuf};

use ferrovia_pipeline::config::ConfigError;

/// What a provider may read.
#[derive(Debug)]
pub(super) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    /// The paths listed, separated by commas; all of them where nothing is listed.
    pub(super) fn new(listed: Option<&str>) -> Result<Self, ConfigError> {
        let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
            return Ok(Self(None));
        };
        let each = listed.trim_end_matches(',').split(',').map(|text| {
            let path = normal(Path::new(text));
            let refuse = |why: &str| {
                let message = format!("Path {} {why}", path.display());
                ConfigError::rule("allowed.paths", message)
            };
            if !path.is_absolute() {
                return Err(refuse("is not absolute"));
            }
            if !path.exists() {
                return Err(refuse("does not exist"));
            }
            Ok(path)
        });
        each.collect::<Result<_, _>>()
            .map(|paths| Self(Some(paths)))
    }

    /// The path to read, or `None` where it may not be read. `..` does not lead out of a folder.
    pub(super) fn check(&self, path: &str) -> Option<PathBuf> {
        match &self.0 {
            None => Some(PathBuf::from(path)),
            Some(allowed) => {
                let path = normal(Path::new(path));
                allowed
                    .iter()
                    .any(|folder| path.starts_with(folder))
                    .then_some(path)
            }
        }
    }
}

/// The path without `.` and `..`, by its text alone, as `java.nio.file.Path.normalize` does.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match normal.components().next_back() {
                Some(Component::Normal(_)) => {
                    normal.pop();
                }
                Some(Component::RootDir) => {}
                _ => normal.push(".."),
            },
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_an_allowed_folder_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display().to_string();
        let allowed = AllowedPaths::new(Some(&format!("{root},/dev/null"))).unwrap();
        for (path, expected) in [
            (format!("{root}/a"), true),
            (format!("{root}/./b/../a"), true),
            (root.clone(), true),
            ("/dev/null".to_owned(), true),
            (format!("{root}/../a"), false),
            (format!("{root}x/a"), false),
            ("a".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(allowed.check(&path).is_some(), expected, "{path}");
        }
        let all = AllowedPaths::new(Some("")).unwrap();
        assert_eq!(all.check("/x/../y"), Some(PathBuf::from("/x/../y")));
    }

    #[test]
    fn a_folder_must_be_absolute_and_exist() {
        let refused = |listed| AllowedPaths::new(Some(listed)).unwrap_err().to_string();
        assert_eq!(refused("a/b"), "Path a/b is not absolute");
        assert_eq!(
            refused("/no/such/folder"),
            "Path /no/such/folder does not exist"
        );
        assert_eq!(refused("/dev, /tmp"), "Path  /tmp is not absolute");
    }
}
