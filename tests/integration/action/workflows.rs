//! The workflows of this repository, each with its event, against the built program.

use super::{Repository, finish};
use crate::support::{App, checkout};

#[test]
fn the_pull_request_workflow_is_green_where_it_must_be_and_red_where_it_must_be() {
    let app = App::new();
    checkout(&app, "repository");
    let repository = Repository { app };
    repository.commit();
    let binary = format!("REWIND_BINARY={}", env!("CARGO_BIN_EXE_rewind"));
    let mut act = repository.command("pull_request", "pull-request.yml");
    act.args(["--var", &binary]);
    finish(&mut act).exits(0);
    for report in ["report-green", "report-red"] {
        for file in ["report.md", "junit.xml", "rewind-report.json"] {
            let path = repository
                .app
                .folder()
                .join("uploads")
                .join(report)
                .join(file);
            assert!(path.exists(), "{} was not uploaded", path.display());
        }
    }
}
