//! `rewind baseline …` through the built program: from a recorded session to a gated one.

mod create;
mod data;
mod effects;
mod evidence;
mod flaky;
mod growth;
mod nightly;
mod printed;
mod review;
mod stability;
mod unheard;

use std::path::PathBuf;

use crate::support::{App, Run};

fn fixture(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/fixtures/agents").join(name);
    path.to_str().unwrap().to_owned()
}

/// Returns a repository with the agent of `<agent>.py`, answered by `<agent>.toml`.
fn repository(agent: &str, env: &str) -> App {
    let app = App::new();
    let config = format!(
        "# Ours.\n[agent]\nname = \"researcher\"\ncommand = [\"python3\", \"{}\"]\nenv = [{env}]\n\n\
         [upstream]\nscripted = \"{}\"\n",
        fixture(&format!("{agent}.py")),
        fixture(&format!("{agent}.toml"))
    );
    app.write("rewind.toml", &config);
    app
}

/// Records the agent with these arguments under a name.
fn record(app: &App, agent: &str, name: &str, arguments: &[&str]) {
    let script = fixture(&format!("{agent}.py"));
    let mut words = vec!["record", "--name", name, "--", "python3", script.as_str()];
    words.extend(arguments);
    app.run(words).exits(0);
}

fn create(app: &App, name: &str, more: &[&str]) -> Run {
    let mut words = vec!["baseline", "create", name, "--name", name];
    words.extend(more);
    app.run(words)
}

fn read(app: &App, path: &str) -> String {
    std::fs::read_to_string(app.folder().join(path)).unwrap()
}

/// Runs the gate with variables of the agent's.
fn gate_with(app: &App, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let mut command = app.rewind();
    command
        .arg("gate")
        .args(more)
        .envs(variables.iter().copied());
    let output = command.output().unwrap();
    Run::new(&command, output)
}
