//! Several judges: each on its own, the one in the middle decides, and whoever is no judge does not count.

use serde_json::Value;

use super::provider::{canary, says, verdict};
use crate::support::upstream::Upstream;
use crate::support::{App, Run};

/// A judge that gives the wrong and the right answer these scores.
fn judge(main: f64, fixed: f64) -> Upstream {
    Upstream::start(move |request| {
        canary(request).unwrap_or_else(|| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            let found = if body.contains("14 million inhabitants") {
                verdict(fixed, &["14 million"])
            } else {
                verdict(main, &["37 million"])
            };
            says(request, &found.to_string())
        })
    })
}

/// A judge that finds everything good.
fn lenient() -> Upstream {
    Upstream::start(|request| says(request, &verdict(1.0, &["a"]).to_string()))
}

const NAMES: [&str; 3] = ["first", "second", "third"];

/// Configures three judges, the second of Anthropic's dialect.
fn configure(app: &App, upstreams: &[&Upstream; 3]) {
    let mut text = "[judge]\ntimeout = \"700ms\"\n\
        [agent]\ncommand = [\"sh\", \"-c\", \"env > env.txt\"]\nenv = [\"KEY_*\"]\n"
        .to_owned();
    for (name, upstream) in NAMES.iter().zip(upstreams) {
        let dialect = if *name == "second" {
            "anthropic"
        } else {
            "openai"
        };
        text.extend([format!(
            "[judge.panel.{name}]\nmodel = \"{name}-1\"\nurl = \"{}\"\ndialect = \"{dialect}\"\nkey_env = \"KEY_{name}\"\n",
            upstream.url()
        )]);
    }
    app.write("rewind.toml", &text);
}

fn run(app: &App, arguments: &[&str]) -> Run {
    let mut command = app.rewind();
    command.args(arguments);
    for name in NAMES {
        command.env(format!("KEY_{name}"), format!("jk-0123456789-{name}"));
    }
    let output = command.output().unwrap();
    Run::new(&command, output)
}

const SCORE: [&str; 6] = [
    "eval",
    "score",
    "latest",
    "-e",
    "correctness",
    "--compare-timelines",
];

#[test]
fn the_score_in_the_middle_counts_and_the_judges_stand_one_by_one() {
    let app = super::demo();
    let upstreams = [judge(0.2, 0.9), judge(0.1, 0.4), judge(0.3, 0.8)];
    configure(&app, &[&upstreams[0], &upstreams[1], &upstreams[2]]);
    let scored = run(&app, &SCORE).exits(0);
    let expected = "session research, judged by a panel of 3: first-1, second-1, third-1\n\n\
        timeline         correctness\n\
        main             0.200 (3 of 3 judges)\n\
        fixed            0.800 (3 of 3 judges, 1 against)\n\
        main by first    0.200\n\
        fixed by first   0.900\n\
        main by second   0.100\n\
        fixed by second  0.400\n\
        main by third    0.300\n\
        fixed by third   0.800\n\n\
        agreement of the judges (Krippendorff's alpha): ";
    let plain = |text: &str| {
        let lines = text.lines();
        let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        words.collect::<Vec<_>>().join("\n")
    };
    assert!(
        plain(&scored.stdout).starts_with(&plain(expected)),
        "{}",
        scored.stdout
    );
    let delta = "Delta (fixed vs main): +0.50 (";
    assert!(scored.stdout.contains(delta), "{}", scored.stdout);
    let over = "95%; mean of what the judges see)";
    assert!(scored.stdout.contains(over), "{}", scored.stdout);
    for (name, upstream) in NAMES.iter().zip(&upstreams) {
        // Each has its canaries, and its own key alone.
        let received = upstream.received();
        assert_eq!(received.len(), 4, "{name}");
        for request in &received {
            let head = format!("{:?}", request.headers);
            for other in NAMES {
                let key = format!("jk-0123456789-{other}");
                assert_eq!(head.contains(&key), other == *name, "{name}: {head}");
            }
        }
    }
    let report = run(&app, &[&SCORE[..], &["--json"]].concat())
        .exits(0)
        .json();
    assert_eq!(report["judge_cost"]["calls"], 0, "{report}");
    assert_eq!(report["judge_cost"]["cached_votes"], 6);
    assert_eq!(report["panel"][1]["scores"][1]["score"], 0.4);
    assert_eq!(report["deltas"][0]["over"], "judges");
    // As the package krippendorff has it for [[0.2, 0.1, 0.3], [0.9, 0.4, 0.8]].
    let alpha = report["agreement"][0]["alpha"].as_f64().unwrap();
    assert!((alpha - ALPHA).abs() < 1e-9, "{alpha}");
    run(&app, &["record", "--input", "x"]);
    let seen = std::fs::read_to_string(app.folder().join("env.txt")).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("jk-"), "{seen}");
}

const ALPHA: f64 = 0.626_168_224_299_065_4;

#[test]
fn a_judge_that_is_none_does_not_count_and_most_have_to_be_measured() {
    let app = super::demo();
    let (good, other, kind) = (judge(0.2, 0.9), judge(0.1, 0.8), lenient());
    configure(&app, &[&good, &kind, &other]);
    let scored = run(&app, &SCORE).exits(0);
    assert!(
        scored.stdout.contains("0.800 (2 of 3 judges)"),
        "{}",
        scored.stdout
    );
    let why = "not measured fixed, correctness by second: the judge failed a canary";
    assert!(scored.stdout.contains(why), "{}", scored.stdout);
    let dead = Upstream::start(|_request| crate::support::upstream::whole(400, &[], b"{}"));
    configure(&app, &[&good, &kind, &dead]);
    let run = run(&app, &[&SCORE[..], &["--json", "--fresh"]].concat()).exits(3);
    let report = run.json();
    assert_eq!(report["scores"][1]["score"], Value::Null);
    let why = report["scores"][1]["not_measured"].as_str().unwrap();
    assert!(
        why.starts_with(
            "1 of 3 judges were measured, which is no majority; the last other one, third: "
        ),
        "{why}"
    );
    assert_eq!(report["deltas"][0]["delta"], Value::Null);
}

#[test]
fn a_panel_that_is_none_is_refused_where_it_stands() {
    let app = super::demo();
    for (text, why) in [
        (
            "[judge]\nmodel = \"a\"\n[judge.panel.x]\nmodel = \"a\"\n[judge.panel.y]\nmodel = \"b\"\n",
            "`model` of [judge] is of no use",
        ),
        ("[judge.panel.x]\nmodel = \"a\"\n", "at least two judges"),
        (
            "[judge.panel.x]\nmodel = \"a\"\n[judge.panel.y]\nurl = \"http://a\"\n",
            "[judge.panel.y] has no `model`",
        ),
        (
            "[judge.panel.x]\nmodel = \"a\"\n[judge.panel.y]\nmodel = \"a\"\n",
            "are the same judge",
        ),
    ] {
        app.write("rewind.toml", text);
        let refused = app.run(SCORE).exits(2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("rewind.toml:"),
            "{}",
            refused.stderr
        );
    }
}
