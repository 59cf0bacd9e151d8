//! Finds baselines.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Definition, DefinitionError};
use crate::model::ContentId;

/// A folder with a `baseline.toml`.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its name: the path below the folder of all baselines, with `/` between.
    pub name: String,
    /// The folder.
    pub dir: Utf8PathBuf,
    /// What people wrote about it.
    pub definition: Definition,
}

impl Baseline {
    /// Returns the folder of its recording.
    pub fn recording_dir(&self) -> Utf8PathBuf {
        self.dir.join(&self.definition.recording)
    }
}

/// The baselines below one folder, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct Baselines(Vec<Baseline>);

/// Why baselines could not be found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A folder could not be searched.
    #[error("cannot search for baselines in {dir}")]
    Search {
        /// The folder of all baselines.
        dir: Utf8PathBuf,
        /// Why.
        #[source]
        source: glob::GlobError,
    },
    /// A path that is no Unicode.
    #[error("`{0}` is not valid Unicode; rename it")]
    Path(String),
    /// A filter that is no glob.
    #[error("`{filter}` is no glob")]
    Filter {
        /// The filter as given.
        filter: String,
        /// Why.
        #[source]
        source: glob::PatternError,
    },
    /// A definition that can't be read.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
}

impl Baselines {
    /// Returns all baselines below `dir`, at any depth; none where there is no such folder.
    ///
    /// # Errors
    /// A folder can't be read, or a `baseline.toml` is invalid.
    pub fn discover(dir: &Utf8Path) -> Result<Self, DiscoverError> {
        let pattern = format!("{}/**/baseline.toml", glob::Pattern::escape(dir.as_str()));
        let paths = glob::glob(&pattern).map_err(|source| DiscoverError::Filter {
            filter: pattern.clone(),
            source,
        })?;
        let mut baselines = Vec::new();
        for path in paths {
            let path = path.map_err(|source| DiscoverError::Search {
                dir: dir.to_owned(),
                source,
            })?;
            let path = Utf8PathBuf::from_path_buf(path)
                .map_err(|path| DiscoverError::Path(path.to_string_lossy().into_owned()))?;
            let folder = path.parent().unwrap_or(dir);
            // Such as what a `baseline create` that was ended left aside.
            let below = folder.strip_prefix(dir).unwrap_or(folder);
            if below
                .components()
                .any(|part| part.as_str().starts_with('.'))
            {
                continue;
            }
            baselines.push(Baseline {
                name: name(dir, folder),
                dir: folder.to_owned(),
                definition: Definition::read(&path)?,
            });
        }
        baselines.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self(baselines))
    }

    /// Returns the baselines that fit one of the filters, a glob of names or `tag:` and a glob of tags;
    /// all where there is no filter.
    ///
    /// # Errors
    /// A filter is no glob.
    pub fn select(self, filters: &[String]) -> Result<Self, DiscoverError> {
        let patterns = filters
            .iter()
            .map(|filter| {
                let (is_tag, text) = match filter.strip_prefix("tag:") {
                    Some(tag) => (true, tag),
                    None => (false, filter.as_str()),
                };
                let pattern = glob::Pattern::new(text).map_err(|source| DiscoverError::Filter {
                    filter: filter.clone(),
                    source,
                })?;
                Ok((is_tag, pattern))
            })
            .collect::<Result<Vec<_>, DiscoverError>>()?;
        let fits = |baseline: &Baseline| {
            patterns.is_empty()
                || patterns.iter().any(|(is_tag, pattern)| {
                    if *is_tag {
                        let mut tags = baseline.definition.tags.iter();
                        tags.any(|tag| pattern.matches(tag))
                    } else {
                        pattern.matches(&baseline.name)
                    }
                })
        };
        Ok(self.retain(fits))
    }

    /// Returns the baselines for which `keep` is true.
    #[must_use]
    pub fn retain(self, keep: impl FnMut(&Baseline) -> bool) -> Self {
        Self(self.0.into_iter().filter(keep).collect())
    }

    /// Returns the baselines in the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Baseline> {
        self.0.iter()
    }

    /// Returns the number of baselines.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Baseline> for Baselines {
    fn from_iter<T: IntoIterator<Item = Baseline>>(baselines: T) -> Self {
        let mut baselines: Vec<Baseline> = baselines.into_iter().collect();
        baselines.sort_by(|a, b| a.name.cmp(&b.name));
        Self(baselines)
    }
}

impl<'a> IntoIterator for &'a Baselines {
    type Item = &'a Baseline;
    type IntoIter = std::slice::Iter<'a, Baseline>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Returns the hash of everything that a baseline consists of: the files in its folder but those of other baselines
/// below it, and its recording where that lies elsewhere.
///
/// # Errors
/// A file can't be read, or is a link, which may lead anywhere.
pub fn folder_id(baseline: &Baseline) -> io::Result<ContentId> {
    let mut files = Vec::new();
    collect(&baseline.dir, &baseline.dir, &mut files)?;
    let recording = baseline.recording_dir();
    if !recording.starts_with(&baseline.dir)
        || baseline.definition.recording.as_str().contains("..")
    {
        collect(&recording, &recording, &mut files)?;
    }
    files.sort();
    let parts = files
        .iter()
        .flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]);
    Ok(ContentId::of_parts(parts))
}

fn collect(root: &Utf8Path, dir: &Utf8Path, files: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let entries = match dir.read_dir_utf8() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if !path.join("baseline.toml").exists() {
                collect(root, path, files)?;
            }
        } else if kind.is_file() {
            let name = path.strip_prefix(root).unwrap_or(path).to_string();
            files.push((name, fs::read(path)?));
        } else {
            return Err(io::Error::other(format!("{path} is a link or no file")));
        }
    }
    Ok(())
}

/// Returns the path of `folder` below `dir`; for `dir` itself its last part.
fn name(dir: &Utf8Path, folder: &Utf8Path) -> String {
    let below = folder.strip_prefix(dir).unwrap_or(folder);
    let parts: Vec<&str> = below.components().map(|part| part.as_str()).collect();
    if parts.is_empty() {
        return dir.file_name().unwrap_or("baseline").to_owned();
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(temp.path())
            .unwrap()
            .join("base[lines]");
        for name in names {
            fs::create_dir_all(root.join(name)).unwrap();
            fs::write(root.join(name).join("baseline.toml"), "").unwrap();
        }
        (temp, root)
    }

    #[test]
    fn baselines_are_found_at_any_depth_and_sorted() {
        let (_temp, root) = folder(&["tokyo", "refunds/late", "refunds/early"]);
        let found = Baselines::discover(&root).unwrap();
        let names: Vec<&str> = found
            .iter()
            .map(|baseline| baseline.name.as_str())
            .collect();
        assert_eq!(names, ["refunds/early", "refunds/late", "tokyo"]);
        let session = found.iter().last().unwrap().recording_dir();
        assert_eq!(session, root.join("tokyo/session"));
        let chosen = found.select(&["refunds/*".into(), "x".into()]).unwrap();
        assert_eq!(chosen.len(), 2);
    }

    #[test]
    fn what_was_left_aside_is_no_baseline() {
        let (_temp, root) = folder(&["tokyo", ".rewind-Ab12/new", "refunds/.old"]);
        let found = Baselines::discover(&root).unwrap();
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["tokyo"]);
        // Unless it is what was asked for.
        let hidden = Baselines::discover(&root.join("refunds/.old")).unwrap();
        assert_eq!(hidden.len(), 1);
    }

    #[test]
    fn baselines_are_chosen_by_tag() {
        let (_temp, root) = folder(&["a", "b", "c"]);
        let write = |name: &str, text: &str| {
            fs::write(root.join(name).join("baseline.toml"), text).unwrap();
        };
        write("a", "tags = [\"smoke\", \"eu\"]");
        write("b", "tags = [\"smokeless\"]");
        let chosen = |filter: &str| {
            let chosen = Baselines::discover(&root).unwrap().select(&[filter.into()]);
            let chosen = chosen.unwrap();
            chosen
                .iter()
                .map(|one| one.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen("tag:smoke"), ["a"]);
        assert_eq!(chosen("tag:smoke*"), ["a", "b"]);
        assert!(chosen("smoke").is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_baselines() {
        let (_temp, root) = folder(&[]);
        assert!(Baselines::discover(&root.join("none")).unwrap().is_empty());
    }

    #[test]
    fn an_invalid_definition_is_named_with_its_file() {
        let (_temp, root) = folder(&["tokyo"]);
        fs::write(root.join("tokyo/baseline.toml"), "inptu = 1").unwrap();
        let error = Baselines::discover(&root).unwrap_err().to_string();
        assert!(error.contains("tokyo/baseline.toml:1:1"), "{error}");
        assert!(error.contains("did you mean `input`?"), "{error}");
    }
}
