//! The A/A control: forks of which nothing changed run live, too, and what they differ by does not count.

use serde_json::Value;

use super::{AGENT, gate, read, suite};
use crate::support::{App, Run};

/// Two baselines with three accepted samples each; only the agent of `b` is another one than the recorded.
fn two() -> App {
    let app = suite(&[("a", ""), ("b", "")]);
    app.write("other.py", AGENT);
    let config = read(&app, "rewind.toml");
    app.write(
        "rewind.toml",
        &format!("{config}\n[agents.other]\ncommand = [\"python3\", \"other.py\"]\n"),
    );
    let definition = read(&app, "baselines/b/baseline.toml");
    app.write(
        "baselines/b/baseline.toml",
        &format!("agent = \"other\"\n{definition}"),
    );
    for name in ["a", "b"] {
        app.run([
            "baseline",
            "sample",
            name,
            "-n",
            "3",
            "--live",
            "--reason",
            "what is typical",
        ])
        .exits(0);
    }
    app.write(
        "other.py",
        &AGENT.replace("open(\"prompt.txt\").read()", "\"Answer at once.\""),
    );
    app
}

fn crashing_in(app: &App, file: &str, samples: &[u32]) {
    let agent = read(app, file);
    let crash = format!("if int(os.environ['REWIND_SAMPLE']) in {samples:?}: sys.exit(9)\n");
    app.write(file, &format!("{agent}{crash}"));
}

fn live(app: &App) -> Run {
    gate(app, &["--live", "--samples", "3"])
}

fn report(app: &App) -> Value {
    serde_json::from_str(&read(app, "rewind-report/rewind-report.json")).unwrap()
}

#[test]
fn what_unchanged_forks_differ_by_is_run_printed_and_believed() {
    let app = two();
    let quiet = live(&app).exits(0);
    for said in [
        "1 of 2 baselines affected; 1 live tails in 3 samples and 1 unchanged one in 3 (A/A), about 6 calls",
        "1 fork of which nothing changed, run again, differs from its accepted samples by: share of samples that hold 0.00",
        "no fall beyond the margin of 0.1, which stays",
    ] {
        let all = format!("{}{}", quiet.stdout, quiet.stderr);
        assert!(all.contains(said), "{said}\n{all}");
    }
    assert_eq!(report(&app)["savings"]["paid"]["calls"], 6);
    app.run(["verify"]).exits(0);

    // Today one of three runs fails for nobody's fault.
    crashing_in(&app, "agent.py", &[2]);
    let noisy = live(&app).exits(0);
    for said in [
        "run again, differs from its accepted samples by: share of samples that hold −0.33",
        "no smaller fall of what changed counts",
    ] {
        assert!(noisy.stdout.contains(said), "{said}\n{}", noisy.stdout);
        assert!(
            read(&app, "rewind-report/report.md").contains(said),
            "{said}"
        );
        assert!(
            read(&app, "rewind-report/report.html").contains(said),
            "{said}"
        );
    }
    // The guide shows what is printed.
    let guide = include_str!("../../../docs/reports.md");
    let printed = guide.split("```text\nA/A control\n").nth(1).unwrap();
    let printed = printed.split("```").next().unwrap();
    assert!(
        noisy.stdout.contains(printed),
        "{printed}\n{}",
        noisy.stdout
    );
    app.run(["verify"]).exits(0);
    app.run(["verify", "rewind-report/report.html"]).exits(0);

    // A report that claims less noise than its forks had is refused.
    let text = read(&app, "rewind-report/rewind-report.json");
    let mut forged: Value = serde_json::from_str(&text).unwrap();
    forged["noise"]["difference"]["checks"] = 0.1.into();
    app.write("forged.json", &forged.to_string());
    let refused = app.run(["verify", "forged.json"]).exits(1);
    assert!(refused.stdout.contains("noise"), "{}", refused.stdout);
}

#[test]
fn the_control_can_be_switched_off_and_is_never_run_offline_or_for_nothing() {
    let app = two();
    let offline = gate(&app, &["--offline"]).exits(3);
    assert!(!offline.stdout.contains("A/A"), "{}", offline.stdout);
    let config = read(&app, "rewind.toml");
    app.write("rewind.toml", &format!("{config}\n[gate]\naa = 0\n"));
    let off = live(&app).exits(0);
    assert!(!format!("{}{}", off.stdout, off.stderr).contains("A/A"));
    assert_eq!(report(&app)["noise"], Value::Null);
    // Nothing changed, so nothing has to be told from noise.
    app.write("rewind.toml", &config);
    app.write("other.py", AGENT);
    let same = live(&app).exits(0);
    assert!(!format!("{}{}", same.stdout, same.stderr).contains("A/A"));
    assert_eq!(report(&app)["savings"]["paid"]["calls"], 0);
}
