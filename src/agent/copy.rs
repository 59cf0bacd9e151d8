//! A copy of the agent's folder for one run, so that what a run writes is seen by no other.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use camino::Utf8Path;

/// Copies a folder. Version control and what Rewind keeps are left out; folders of installed packages
/// and build results are linked, as they are large and a run does not change them.
pub(super) fn copy_folder(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let name = entry.file_name();
        let (source, target) = (entry.path(), to.join(name));
        let kind = entry.file_type()?;
        if LEFT_OUT.contains(&name) {
            continue;
        }
        if kind.is_symlink() {
            symlink(source.read_link_utf8()?, &target)?;
        } else if kind.is_dir() && LINKED.contains(&name) {
            symlink(source, &target)?;
        } else if kind.is_dir() {
            copy_folder(source, &target)?;
        } else if kind.is_file() {
            copy_file(source, &target)?;
        }
    }
    Ok(())
}

/// Copies a file with the time it was written at: what the run writes is known by its newer one.
fn copy_file(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    match fs::File::options().append(true).open(to) {
        Ok(copy) => copy.set_modified(modified),
        // A file that nobody may write can't have been written by the run either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// What no run needs.
const LEFT_OUT: [&str; 4] = [".git", ".rewind", "rewind-report", "__pycache__"];

/// What is linked instead of copied.
const LINKED: [&str; 5] = [".venv", "venv", "node_modules", "target", ".tox"];

#[cfg(test)]
mod tests {
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
}
