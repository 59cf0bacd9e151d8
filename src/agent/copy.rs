//! A copy of the agent's folder for one run, so that what a run writes is seen by no other.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path};

use camino::Utf8Path;

/// Copies a folder. Version control, what Rewind keeps and the directories of runs are left out; folders of
/// installed packages and build results are linked, as they are large and a run does not change them.
pub(super) fn copy_folder(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    copy_level(from.as_std_path(), to.as_std_path(), 0)
}

/// Copies a folder that is `depth` levels below the one that is copied.
fn copy_level(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    fs::create_dir_all(to).map_err(|error| named(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| named(from, &error))? {
        let entry = entry.map_err(|error| named(from, &error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // A name that is no UTF-8 is none of those that are looked for.
        let name = entry.file_name().into_string().unwrap_or_default();
        // The directory of this very run may lie in the folder, by TMPDIR.
        if LEFT_OUT.contains(&name.as_str()) || name.starts_with(RUN_PREFIX) {
            continue;
        }
        let copied = entry.file_type().and_then(|kind| {
            if kind.is_symlink() {
                copy_link(from, &source, &target, depth)
            } else if kind.is_dir() && LINKED.contains(&name.as_str()) {
                symlink(&source, &target)
            } else if kind.is_dir() {
                copy_level(&source, &target, depth + 1)
            } else if kind.is_file() {
                copy_file(&source, &target)
            } else {
                Ok(())
            }
        });
        copied.map_err(|error| named(&source, &error))?;
    }
    Ok(())
}

/// Returns the error with the path that it is about, unless it names one already.
fn named(path: &Path, error: &io::Error) -> io::Error {
    if error.get_ref().is_some() {
        return io::Error::new(error.kind(), error.to_string());
    }
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Copies a link; one that leads out of the folder goes on leading there.
fn copy_link(folder: &Path, source: &Path, target: &Path, depth: usize) -> io::Result<()> {
    let meant = source.read_link()?;
    if leads_out(&meant, depth) {
        symlink(folder.join(meant), target)
    } else {
        symlink(meant, target)
    }
}

/// Returns whether a relative path that starts `depth` levels below a folder leads out of it.
fn leads_out(path: &Path, mut depth: usize) -> bool {
    path.components().any(|part| match part {
        Component::ParentDir if depth == 0 => true,
        Component::ParentDir => {
            depth -= 1;
            false
        }
        Component::Normal(_) => {
            depth += 1;
            false
        }
        Component::CurDir | Component::RootDir | Component::Prefix(_) => false,
    })
}

/// Copies a file with the time it was written at: what the run writes is known by its newer one.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    match fs::File::options().append(true).open(to) {
        Ok(copy) => copy.set_modified(modified),
        // A file that nobody may write can't have been written by the run either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// How the names of the directories of runs begin.
pub(super) const RUN_PREFIX: &str = "rewind-run-";

/// What no run needs.
const LEFT_OUT: [&str; 4] = [".git", ".rewind", "rewind-report", "__pycache__"];

/// What is linked instead of copied.
const LINKED: [&str; 5] = [".venv", "venv", "node_modules", "target", ".tox"];

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_copy_has_the_files_and_links_what_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let from = dir.join("from");
        for path in ["src/a.py", "node_modules/x/index.js", ".git/HEAD"] {
            let path = from.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "1").unwrap();
        }
        symlink("src", from.join("link")).unwrap();
        let to = dir.join("to");
        let old = SystemTime::now() - Duration::from_hours(1);
        let file = fs::File::options().append(true).open(from.join("src/a.py"));
        file.unwrap().set_modified(old).unwrap();
        copy_folder(&from, &to).unwrap();
        let written = fs::metadata(to.join("src/a.py")).unwrap().modified();
        assert_eq!(written.unwrap(), old);
        fs::write(to.join("src/a.py"), "2").unwrap();
        assert_eq!(fs::read_to_string(from.join("src/a.py")).unwrap(), "1");
        assert_eq!(fs::read_to_string(to.join("link/a.py")).unwrap(), "2");
        assert!(to.join("node_modules").is_symlink());
        assert!(!to.join(".git").exists());
    }

    #[test]
    fn a_copy_within_the_folder_itself_has_an_end_and_links_lead_where_they_led() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let from = dir.join("repository");
        for path in ["repository/sub/a.py", "repository/tmp/x", "shared/b.py"] {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "1").unwrap();
        }
        symlink("../../shared", from.join("sub/shared")).unwrap();
        symlink("../sub/a.py", from.join("sub/own.py")).unwrap();
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        fs::write(from.as_std_path().join(odd), "2").unwrap();
        let to = from.join("tmp/rewind-run-1/copy");
        copy_folder(&from, &to).unwrap();
        assert!(to.join("tmp/x").is_file());
        assert!(!to.join("tmp/rewind-run-1").exists());
        assert!(to.join("sub/shared/b.py").is_file());
        fs::write(to.join("sub/own.py"), "3").unwrap();
        assert_eq!(fs::read_to_string(from.join("sub/a.py")).unwrap(), "1");
        let copied = fs::read_to_string(to.as_std_path().join(odd));
        assert_eq!(copied.unwrap(), "2");
    }

    #[test]
    fn what_cannot_be_copied_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        fs::create_dir_all(dir.join("from/a")).unwrap();
        fs::write(dir.join("from/a/x"), "1").unwrap();
        fs::create_dir_all(dir.join("to/a/x")).unwrap();
        let error = copy_folder(&dir.join("from"), &dir.join("to")).unwrap_err();
        let message = error.to_string();
        let path = dir.join("from/a/x");
        assert_eq!(message.matches(path.as_str()).count(), 1, "{message}");
    }
}
