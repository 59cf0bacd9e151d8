//! Good files read as meant, bad ones say where and what.

use super::*;

fn error(text: &str) -> String {
    Config::parse(Utf8Path::new("rewind.toml"), text)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_full_file_reads_as_meant() {
    let text = r#"
[agent]
command = ["python3", "agent.py"]
input = "json-file:in.json"
output = "file:out.txt"
env = ["MY_*"]
timeout = "90s"

[upstream]
scripted = "model.toml"
[upstream.openai]
url = "http://127.0.0.1:9000/v1"
allow = ["POST /v1/images"]

[replay]
on_divergence = "halt"
require = "normalised"
treatment = ["system", "tools"]
tool_results = { web_search = "recorded" }
[[replay.normalise]]
pattern = "run \\d+"
[[replay.normalise]]
sort = "/docs"

[[redact.pattern]]
name = "order"
regex = "ORD-\\d+"

[gate]
mode = "offline"
min_coverage = 0.9

[prices."my-*"]
input = 1.5
output = 6
"#;
    let config = Config::parse(Utf8Path::new("rewind.toml"), text).unwrap();
    assert_eq!(config.agent.command, ["python3", "agent.py"]);
    assert_eq!(config.agent.output, Answer::File("out.txt".into()));
    assert_eq!(config.agent.timeout.unwrap().0.as_secs(), 90);
    assert_eq!(
        config.upstream.scripted.as_deref(),
        Some(Utf8Path::new("model.toml"))
    );
    assert_eq!(config.upstream.providers["openai"].allow.len(), 1);
    assert_eq!(config.replay.normalise.len(), 2);
    assert_eq!(
        config.replay.tool_results["web_search"],
        ToolResult::Recorded
    );
    assert_eq!(config.gate.mode, Some(Mode::Offline));
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_the_likely_one() {
    insta::assert_snapshot!(error("[agent]\ncomand = ['x']\n"), @r"
    rewind.toml:2:1: unknown field `comand`, expected one of `name`, `command`, `input`, `output`, `output_agent`, `env`, `timeout`
      |
    2 | comand = ['x']
      | ^^^^^^
      = did you mean `command`?
    ");
}

#[test]
fn wrong_values_say_what_is_allowed_and_where() {
    let cases = [
        (
            "[replay]\nrequire = \"exactly\"",
            "rewind.toml:2:11",
            "did you mean `exact`?",
        ),
        (
            "[agent]\ntimeout = \"soon\"",
            "rewind.toml:2:11",
            "such as 90s",
        ),
        (
            "[agent]\ninput = \"file\"",
            "rewind.toml:2:",
            "json-file:PATH",
        ),
        (
            "[[redact.pattern]]\nname = \"x\"\nregex = \"(\"",
            "rewind.toml:3:9",
            "regular expression",
        ),
        (
            "[[replay.normalise]]\npointer = \"x\"",
            "rewind.toml:1:",
            "begins with `/`",
        ),
        (
            "[upstream]\nopenai = \"http://x\"",
            "rewind.toml:2:10",
            "expected struct UpstreamEntry",
        ),
        ("[gate]\nmode = ", "rewind.toml:2:", ""),
    ];
    for (text, place, advice) in cases {
        let message = error(text);
        assert!(message.starts_with(place), "{text}: {message}");
        assert!(message.contains(advice), "{text}: {message}");
    }
}
