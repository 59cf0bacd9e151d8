//! A copy of this repository as a fresh clone would have it.

use std::fs;
use std::path::Path;

use super::App;

/// Copies what git knows of, and what it would add, into a folder of the app.
pub(crate) fn checkout(app: &App, folder: &str) {
    let mut git = app.program("git");
    git.current_dir(root());
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = git.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list = String::from_utf8(output.stdout).unwrap();
    for file in list.split('\0').filter(|file| !file.is_empty()) {
        // A file that was removed but is still in the index is in no clone.
        let from = root().join(file);
        if from.is_file() {
            let to = app.folder().join(folder).join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
