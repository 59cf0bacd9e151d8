//! How the action gets the program: given, released and exactly what was committed, or built. The releases are on a loopback port.

use std::fs;
use std::process::Command;

use super::{ONE_GATE, REPORT, Repository, finish, put_action, put_program, root};
use crate::support::App;
use crate::support::upstream::{Upstream, whole};

/// What is released for each machine.
const TARGETS: [(&str, &str, &str); 4] = [
    ("Linux", "X64", "x86_64-unknown-linux-musl"),
    ("Linux", "ARM64", "aarch64-unknown-linux-musl"),
    ("macOS", "X64", "x86_64-apple-darwin"),
    ("macOS", "ARM64", "aarch64-apple-darwin"),
];

/// Stands in for cargo: the program that it builds says so.
const CARGO: &str = r#"#!/bin/sh
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/release"
printf '#!/bin/sh\necho built\n' >"$2/release/rewind"
chmod +x "$2/release/rewind"
"#;

/// The action, and releases of one program.
struct Install {
    app: App,
    releases: Upstream,
    sum: String,
}

impl Install {
    /// Returns an action whose checksums name this program for every machine.
    fn of(program: &str) -> Self {
        let app = App::new();
        put_action(&app, "action");
        put_program(&app.folder().join("bin/cargo"), CARGO);
        let (archive, sum) = pack(&app, program);
        let releases = Upstream::start(move |_request| whole(200, &[], &archive));
        let install = Self { app, releases, sum };
        install.name(&install.sum);
        install
    }

    /// Lets the checksums name this sum.
    fn name(&self, sum: &str) {
        self.app
            .write("action/action/checksums.txt", &checksums(sum));
    }

    /// Finds and then builds, as the action does, and returns the outputs and the log.
    fn run(&self, os: &str, arch: &str, binary: &str, releases: &str) -> (String, String) {
        let mut found = String::new();
        let (mut outputs, mut log) = (String::new(), String::new());
        for step in ["find", "build"] {
            let mut command = self.command(step, releases);
            command
                .env("RUNNER_OS", os)
                .env("RUNNER_ARCH", arch)
                .env("INPUT_BINARY", binary)
                .env("FOUND", value(&found, "binary"))
                .env("BUILD", value(&found, "build"));
            let run = finish(&mut command).exits(0);
            found = fs::read_to_string(self.app.folder().join("output")).unwrap();
            outputs.push_str(&found);
            log.push_str(&run.stdout);
        }
        (outputs, log)
    }

    fn command(&self, step: &str, releases: &str) -> Command {
        let folder = self.app.folder();
        self.app.write("output", "");
        fs::create_dir_all(folder.join("temp")).unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = self.app.program(folder.join("action/action/install.sh"));
        command
            .arg(step)
            .env("PATH", format!("{}:{path}", folder.join("bin").display()))
            .env("GITHUB_ACTION_PATH", folder.join("action"))
            .env("GITHUB_OUTPUT", folder.join("output"))
            .env("GITHUB_WORKSPACE", folder)
            .env("RUNNER_TEMP", folder.join("temp"))
            .env("REWIND_RELEASES", releases);
        command
    }

    fn url(&self) -> String {
        self.releases.url().trim_end_matches("/v1").to_owned()
    }

    /// Runs the program that the outputs name, and returns what it prints.
    fn says(&self, outputs: &str) -> String {
        let program = outputs
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("binary="));
        let mut command = self.app.program(program.unwrap());
        finish(&mut command).exits(0).stdout
    }
}

/// Returns an archive with this program, and its SHA-256.
pub(super) fn pack(app: &App, program: &str) -> (Vec<u8>, String) {
    put_program(&app.folder().join("packed/rewind"), program);
    let mut tar = app.program("tar");
    tar.args(["-czf", "packed.tar.gz", "-C", "packed", "rewind"]);
    finish(&mut tar).exits(0);
    let mut sum = app.program("sha256sum");
    let said = finish(sum.arg("packed.tar.gz")).exits(0).stdout;
    let archive = fs::read(app.folder().join("packed.tar.gz")).unwrap();
    (archive, said.split(' ').next().unwrap().to_owned())
}

/// Returns checksums with this sum for every machine.
pub(super) fn checksums(sum: &str) -> String {
    let lines =
        TARGETS.map(|(_os, _arch, target)| format!("{sum}  rewind-{VERSION}-{target}.tar.gz\n"));
    lines.concat()
}

fn value(outputs: &str, name: &str) -> String {
    let found = outputs
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}=")));
    found.unwrap_or_default().to_owned()
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn on_each_machine_the_released_program_is_taken_by_its_checksum() {
    let install = Install::of("#!/bin/sh\necho released\n");
    for (os, arch, target) in TARGETS {
        let (outputs, log) = install.run(os, arch, "", &install.url());
        assert_eq!(install.says(&outputs), "released\n", "{target}: {log}");
        assert!(!outputs.contains("build="), "{outputs}");
        let asked = install.releases.received().pop().unwrap().path;
        assert_eq!(
            asked,
            format!("/v{VERSION}/rewind-{VERSION}-{target}.tar.gz")
        );
    }
}

#[test]
fn what_is_not_what_was_released_stops_the_job_and_is_not_built_instead() {
    let install = Install::of("#!/bin/sh\necho planted\n");
    install.name(&"0".repeat(64));
    let (outputs, log) = install.run("Linux", "X64", "", &install.url());
    assert!(log.contains("::error title=Rewind::"), "{log}");
    assert!(log.contains("is not what was released"), "{log}");
    assert!(log.contains(&install.sum), "{log}");
    assert!(!outputs.contains("build="), "{outputs}");
    assert!(
        outputs.lines().all(|line| line == "binary="),
        "{outputs}\n{log}"
    );
}

#[test]
fn where_nothing_is_released_it_is_built_and_the_log_says_why() {
    let install = Install::of("#!/bin/sh\necho released\n");
    let nothing = Upstream::start(|_request| whole(404, &[], b"not here"));
    let nothing = nothing.url();
    let cases = [
        ("Linux", "X64", nothing.as_str(), "could not be downloaded"),
        (
            "Linux",
            "X64",
            "http://127.0.0.1:1",
            "could not be downloaded",
        ),
        (
            "Linux",
            "ARM",
            "http://127.0.0.1:1",
            "nothing is released for Linux on ARM",
        ),
    ];
    for (os, arch, releases, why) in cases {
        let (outputs, log) = install.run(os, arch, "", releases);
        assert_eq!(install.says(&outputs), "built\n", "{log}");
        assert!(log.contains(why), "no {why:?} in {log}");
        assert!(log.contains("it is built from source"), "{log}");
    }
    // As it is before the first release.
    install.app.write("action/action/checksums.txt", "");
    let (outputs, log) = install.run("Linux", "X64", "", &install.url());
    assert_eq!(install.says(&outputs), "built\n", "{log}");
    assert!(log.contains("checksums.txt names no rewind-"), "{log}");
    assert_eq!(install.releases.received().len(), 0);
}

#[test]
fn a_program_that_is_given_is_taken_and_nothing_is_asked_for() {
    let install = Install::of("#!/bin/sh\necho released\n");
    put_program(&install.app.folder().join("mine"), "#!/bin/sh\necho mine\n");
    let (outputs, log) = install.run("Linux", "X64", "mine", &install.url());
    assert_eq!(install.says(&outputs), "mine\n", "{log}");
    let (outputs, log) = install.run("Linux", "X64", "not-there", &install.url());
    assert!(log.contains("there is no program at the input"), "{log}");
    assert!(outputs.lines().all(|line| line == "binary="), "{outputs}");
    assert_eq!(install.releases.received().len(), 0);
}

#[test]
fn windows_is_told_that_it_is_not_supported() {
    let install = Install::of("#!/bin/sh\necho released\n");
    let (outputs, log) = install.run("Windows", "X64", "", &install.url());
    assert!(log.contains("Windows is not supported"), "{log}");
    assert!(outputs.lines().all(|line| line == "binary="), "{outputs}");
}

#[test]
fn the_action_gates_with_what_it_installed_and_is_red_where_that_was_swapped() {
    let app = App::new();
    let (archive, sum) = pack(
        &app,
        &format!("#!/bin/sh\n{}\nexit 0\n", REPORT.replace("WORD", "pass")),
    );
    let releases = Upstream::start(move |_request| whole(200, &[], &archive));
    for (sum, seen) in [
        (sum, "seen outcome=success verdict=pass code=0"),
        ("0".repeat(64), "seen outcome=failure verdict=error code=3"),
    ] {
        let repository = Repository::with_fake("exit 9");
        let app = &repository.app;
        app.write(
            "repository/.github/workflows/one.yml",
            &ONE_GATE.replace("binary: fake-rewind", "comment: never"),
        );
        app.write("repository/action/checksums.txt", &checksums(&sum));
        let mut act = repository.command("pull_request", "one.yml");
        let url = releases.url();
        act.args([
            "--env",
            &format!("REWIND_RELEASES={}", url.trim_end_matches("/v1")),
        ]);
        // Nothing may be built in its place.
        act.args(["--env", "CARGO_HOME=/nowhere"]);
        let run = finish(&mut act).exits(0);
        assert!(run.stdout.contains(seen), "no {seen:?} in\n{}", run.stdout);
    }
}

#[test]
fn the_committed_checksums_are_of_this_version() {
    let read = |name: &str| fs::read_to_string(root().join("action").join(name)).unwrap();
    assert_eq!(read("VERSION").trim_end(), VERSION);
    let names: Vec<String> = TARGETS
        .iter()
        .map(|(_os, _arch, target)| format!("rewind-{VERSION}-{target}.tar.gz"))
        .collect();
    let text = read("checksums.txt");
    for line in text.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert!(
            sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{line}"
        );
        assert!(names.iter().any(|known| known == name), "{line}");
    }
    // All of them, or none before the first release.
    assert!([0, names.len()].contains(&text.lines().count()), "{text}");
}
