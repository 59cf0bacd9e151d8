//! Where a command's program is, so that it starts without a copy of this process.
//!
//! The standard library leaves a search in a `PATH` other than its own to the child, which it then has to fork: the
//! page tables of a gate with hundreds of recordings are copied for each agent. A file with its whole path is
//! spawned without that.

use std::fs::File;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, access};

/// Returns the program's file in the first folder of `path` that has it.
///
/// `None` where the system has to search after all: the name is a path, a folder is relative to the working
/// directory, or the file is neither a program (ELF) nor a script that names its interpreter.
pub(super) fn located(program: &str, path: Option<&str>) -> Option<Utf8PathBuf> {
    if program.is_empty() || program.contains('/') {
        return None;
    }
    for folder in path?.split(':').map(Utf8Path::new) {
        if !folder.is_absolute() {
            return None;
        }
        let file = folder.join(program);
        if file.is_file() && access(file.as_std_path(), Access::EXEC_OK).is_ok() {
            return starts_alone(&file).then_some(file);
        }
    }
    None
}

/// Returns whether the system starts the file by itself; others are handed to a shell.
fn starts_alone(file: &Utf8Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && (magic == *b"\x7fELF" || magic.starts_with(b"#!"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_program_is_found_where_the_system_would_find_it() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        for (file, content, mode) in [
            ("one/tool", "#!/bin/sh\n", 0o644),
            ("two/tool", "#!/bin/sh\n", 0o755),
            ("three/tool", "#!/bin/sh\n", 0o755),
            ("two/bare", "echo without a first line", 0o755),
            ("two/folder/inside", "", 0o755),
        ] {
            let file = dir.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = format!("{dir}/none:{dir}/one:{dir}/two:{dir}/three");
        // Root may read everything, but runs only what somebody may run.
        assert_eq!(located("tool", Some(&path)), Some(dir.join("two/tool")));
        for (program, path) in [
            ("bare", Some(path.as_str())),
            ("folder", Some(path.as_str())),
            ("none", Some(path.as_str())),
            ("two/tool", Some(path.as_str())),
            ("", Some(path.as_str())),
            ("tool", Some(":/usr/bin")),
            ("tool", Some("bin:/usr/bin")),
            ("tool", None),
        ] {
            assert_eq!(located(program, path), None, "{program} in {path:?}");
        }
    }
}
