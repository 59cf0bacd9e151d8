//! The README does what it says: its marked commands run in a fresh copy of the repository and print what it shows.

use std::fs;
use std::path::Path;

use crate::support::{App, checkout, run_blocks};

#[test]
fn the_commands_of_the_readme_run_and_print_what_it_shows() {
    let app = App::new();
    checkout(&app, "clone");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let ran = run_blocks(&app, &readme, &app.folder().join("clone"));
    assert!(ran >= 2, "the README runs {ran} blocks");
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![
        root.join("README.md"),
        root.join("CONTRIBUTING.md"),
        root.join("CHANGELOG.md"),
    ];
    documents.extend(
        fs::read_dir(root.join("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    documents.extend(
        fs::read_dir(root.join("examples"))
            .unwrap()
            .map(|entry| entry.unwrap().path().join("README.md"))
            .filter(|readme| readme.exists()),
    );
    let link = regex::Regex::new(r"\]\(([^)#]+)(#[^)]*)?\)").unwrap();
    let mut dead = Vec::new();
    for document in documents
        .iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
    {
        let text = fs::read_to_string(document).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if !target.contains("://") && !document.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}
