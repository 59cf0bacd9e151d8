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
    assert_eq!(config.agent.answer(), Answer::File("out.txt".into()));
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
    insta::assert_snapshot!(error("[agent]\ncomand = [\"x\"]\n"), @r#"
    rewind.toml:2:1: unknown field `comand`, expected one of `name`, `command`, `entry`, `serve`, `ready`, `ready_timeout`, `request`, `input`, `map_input`, `output`, `output_agent`, `env`, `timeout`, `cwd`, `paths`, `setup`, `setup_inputs`, `before`, `after`, `isolate`
      |
    2 | comand = ["x"]
      | ^^^^^^
      = did you mean `command`?
    "#);
}

/// Files with a wrong value: where the error points, and what it says.
const WRONG: [(&str, &str, &str); 43] = [
    (
        "[agent]\ncommand = \"python3 agent.py\"",
        "rewind.toml:2:11",
        "write [\"python3\", \"agent.py\"]",
    ),
    (
        "[agent]\ncommand = [\"\"]",
        "rewind.toml:2:11",
        "begins with a program",
    ),
    ("[agent]\nserve = 3", "rewind.toml:2:9", "a list of texts"),
    (
        "[agent]\nentry = \"./app/agent.py:run\"",
        "rewind.toml:2:9",
        "`app.agent:run`",
    ),
    (
        "[agent]\nenv = [\"A = 1\"]",
        "rewind.toml:2:7",
        "\"NAME=value\"",
    ),
    (
        "[agent]\nenv = [\"=1\"]",
        "rewind.toml:2:7",
        "\"NAME=value\"",
    ),
    (
        "[agent]\ntimeout = \"0s\"",
        "rewind.toml:2:11",
        "longer one",
    ),
    (
        "[upstream.openai]\ntimeout = \"0ms\"",
        "rewind.toml:2:11",
        "longer one",
    ),
    ("[gate]\nmax_usd = -1", "rewind.toml:2:11", "such as 2.00"),
    (
        "[agent]\ncommand = [\"a\"]\nserve = [\"b\"]",
        "rewind.toml:1:1",
        "only one of",
    ),
    (
        "[agent]\nserve = [\"a\"]",
        "rewind.toml:1:1",
        "needs `request`",
    ),
    (
        "[agent]\nready = \"/health\"",
        "rewind.toml:1:1",
        "as `serve`",
    ),
    (
        "[agent]\nready = \"health\"",
        "rewind.toml:2:9",
        "begins with `/`",
    ),
    (
        "[agent]\nentry = \"agent.py\"",
        "rewind.toml:2:9",
        "module:function",
    ),
    (
        "[agent]\nentry = \"a:b\"\ninput = \"stdin\"",
        "rewind.toml:1:1",
        "as its argument",
    ),
    (
        "[agent]\noutput = \"response\"",
        "rewind.toml:1:1",
        "for a service",
    ),
    (
        "[agent]\nbefore = []",
        "rewind.toml:2:10",
        "must not be empty",
    ),
    (
        "[agent]\nisolate = \"container\"",
        "rewind.toml:2:11",
        "expected `copy`",
    ),
    (
        "[agents.\"a b\"]\ncommand = [\"x\"]",
        "rewind.toml:1:9",
        "letters, digits",
    ),
    (
        "[agent]\nrequest = { path = \"/\", method = \"post\" }",
        "rewind.toml:2:34",
        "POST",
    ),
    (
        "[agents.a]\ncomand = [\"x\"]",
        "rewind.toml:2:1",
        "did you mean `command`",
    ),
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
        "expected a table with `url`",
    ),
    (
        "upstream.openai.url = \"localhost\"",
        "rewind.toml:1:23",
        "no base URL",
    ),
    ("agent = \"x\"", "rewind.toml:1:9", "expected a table"),
    (
        "[capture]\nbind = \"8080\"",
        "rewind.toml:2:8",
        "127.0.0.1:0",
    ),
    (
        "[replay]\nignore = [\"seed\"]",
        "rewind.toml:2:10",
        "/settings/NAME",
    ),
    (
        "[gate]\nmin_coverage = 95",
        "rewind.toml:2:16",
        "from 0 to 1",
    ),
    ("[gate]\nalpha = 0.5", "rewind.toml:2:9", "below 0.5"),
    ("[gate]\nmargin = 2", "rewind.toml:2:10", "from 0 to 1"),
    ("[gate]\naa = 21", "rewind.toml:2:6", "from 0 to 20"),
    ("[gate]\njobs = 0", "rewind.toml:2:8", "at least 1"),
    ("[gate]\njobs = -1", "rewind.toml:2:8", "expected usize"),
    (
        "[prices.x]\ninput = -1\noutput = 1",
        "rewind.toml:2:9",
        "no price",
    ),
    (
        "[prices.x]\ninput = 1",
        "rewind.toml:1:1",
        "missing field `output`",
    ),
    (
        "[tools.\"a[\"]\neffect = \"read\"",
        "rewind.toml:1:8",
        "no name with `*`",
    ),
    (
        "[tools.a]\neffect = \"write\"",
        "rewind.toml:2:10",
        "expected one of `pure`",
    ),
    (
        "[[redact.pattern]]\nname = \"a b\"\nregex = \"x\"",
        "rewind.toml:2:8",
        "[redacted:NAME]",
    ),
    ("[gate]\nmode = ", "rewind.toml:2:", ""),
];

#[test]
fn wrong_values_say_what_is_allowed_and_where() {
    for (text, place, advice) in WRONG {
        let message = error(text);
        assert!(message.starts_with(place), "{text}: {message}");
        assert!(message.contains(advice), "{text}: {message}");
    }
}

#[test]
fn the_file_is_found_upwards_and_paths_start_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(dir.path()).unwrap();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join(FILE_NAME), "agent.name = \"x\"").unwrap();
    let config = Config::find(&root.join("a/b"), &|_name| None).unwrap();
    assert_eq!(config.agent.name.as_deref(), Some("x"));
    assert_eq!(config.resolve(Utf8Path::new("m.toml")), root.join("m.toml"));
}

#[test]
fn variables_stand_only_where_they_may_and_never_for_a_credential() {
    let read = |text: &str| {
        let variable = |name: &str| (name == "GATEWAY_HOST").then(|| "gw.internal".to_owned());
        Config::read(Utf8Path::new("rewind.toml"), text, &variable)
    };
    let text =
        "[upstream.openai]\nurl = \"https://${GATEWAY_HOST}/v1\"\n[agent]\nname = \"${HOME}\"\n";
    let config = read(text).unwrap();
    let url = config.upstream.providers["openai"].url.as_deref();
    assert_eq!(url, Some("https://gw.internal/v1"));
    assert_eq!(config.agent.name.as_deref(), Some("${HOME}"));
    for (value, advice) in [
        ("https://x/${OPENAI_API_KEY}", "looks like a credential"),
        ("https://x/${AWS_ACCESS_KEY_ID}", "looks like a credential"),
        ("https://x/${GH_PAT}", "looks like a credential"),
        ("https://${NOT_SET}/v1", "`NOT_SET` is not set"),
        ("https://${OPEN", "without its `}`"),
    ] {
        let text = format!("[upstream.openai]\nurl = \"{value}\"\n");
        let message = read(&text).unwrap_err().to_string();
        assert!(message.starts_with("rewind.toml:2:7"), "{message}");
        assert!(message.contains(advice), "{message}");
    }
    let page = include_str!("../../docs/configuration.md");
    let section = page.split("## Variables").nth(1).unwrap();
    for path in interpolate::KEYS {
        let key = path.last().unwrap();
        assert!(section.contains(&format!("`{key}`")), "`{key}`");
    }
}

#[test]
fn an_agent_is_found_by_its_name_or_its_command() {
    let text =
        "[agents.mail]\ncommand = [\"python3\", \"mail.py\"]\n[agents.web]\nentry = \"web:run\"\n";
    let config = Config::parse(Utf8Path::new("rewind.toml"), text).unwrap();
    let name = |config: &Config| config.agent.name.clone();
    let web = config.for_agent(Some("web")).unwrap();
    assert_eq!(name(&web).as_deref(), Some("web"));
    assert_eq!(web.agent.answer(), Answer::Stdout);
    let words = ["python3", "mail.py", "q"].map(str::to_owned);
    assert_eq!(name(&config.for_command(&words)).as_deref(), Some("mail"));
    assert_eq!(name(&config.for_command(&words[..1])), None);
    let message = config.for_agent(Some("wbe")).unwrap_err().to_string();
    assert!(message.contains("`mail`, `web`"), "{message}");
    let only = Config::parse(Utf8Path::new("r"), "[agents.one]\ncommand = [\"x\"]\n").unwrap();
    assert_eq!(name(&only.for_agent(None).unwrap()).as_deref(), Some("one"));
}

/// The sections, each with a file that has one wrong key in it.
const SECTIONS: [(&str, &str, &str); 18] = [
    ("# Configuration", "zz = 1", ""),
    ("## [agent]", "[agent]\nzz = 1", "/$defs/agent"),
    ("## [agent]", "[agents.a]\nzz = 1", "/$defs/agent"),
    (
        "## [agent]",
        "[agent]\nrequest = { path = \"/\", zz = 1 }",
        "/$defs/request",
    ),
    ("## [capture]", "[capture]\nzz = 1", "/$defs/capture"),
    (
        "## [upstream]",
        "[upstream.openai]\nzz = 1",
        "/$defs/upstream",
    ),
    ("## [replay]", "[replay]\nzz = 1", "/$defs/replay"),
    (
        "## [replay]",
        "[[replay.normalise]]\nzz = 1",
        "/$defs/normalise",
    ),
    ("## [tools]", "[tools.a]\nzz = 1", "/$defs/tool"),
    ("## [redact]", "[redact]\nzz = 1", "/$defs/redact"),
    (
        "## [redact]",
        "[[redact.pattern]]\nzz = 1",
        "/$defs/pattern",
    ),
    ("## [gate]", "[gate]\nzz = 1", "/$defs/gate"),
    ("## [judge]", "[judge]\nzz = 1", "/$defs/judge"),
    (
        "## [judge]",
        "[judge.panel.second]\nzz = 1",
        "/$defs/panel_member",
    ),
    (
        "## [judge]",
        "[judge.exec.tone]\nzz = 1",
        "/$defs/exec_evaluator",
    ),
    ("## [judge]", "[judge.rubric.tone]\nzz = 1", "/$defs/rubric"),
    ("## [report]", "[report]\nzz = 1", "/$defs/report"),
    ("## [prices]", "[prices.a]\nzz = 1", "/$defs/price"),
];

/// Returns the keys that the reader of a section expects, in its own words.
fn expected(wrong: &str) -> Vec<String> {
    let message = error(wrong);
    let keys = message.lines().next().unwrap().split_once("expected");
    let keys = keys.unwrap().1.split('`').skip(1).step_by(2);
    keys.map(str::to_owned).collect()
}

#[test]
fn every_key_is_described_in_its_section() {
    let page = include_str!("../../docs/configuration.md");
    let mut described = 0;
    for (title, wrong, _schema) in SECTIONS {
        let sections = page.split("\n## ").map(|section| format!("## {section}"));
        let section = match title {
            "# Configuration" => page.to_owned(),
            _ => sections
                .filter(|section| section.starts_with(title))
                .collect(),
        };
        let keys = expected(wrong);
        for key in &keys {
            let shown = [
                format!("`{key}`"),
                format!("[{key}]"),
                format!(".{key}]]"),
                format!("[{key}."),
            ];
            let is_described = shown.iter().any(|form| section.contains(form));
            assert!(is_described, "`{key}` in {title}");
        }
        described += keys.len();
    }
    assert!(described > 40, "{described}");
    assert!(page.contains("`scripted`"));
}

fn schema() -> serde_json::Value {
    serde_json::from_str(include_str!("../../schemas/rewind-toml.schema.json")).unwrap()
}

#[test]
fn the_schema_has_exactly_the_keys_that_are_read() {
    let schema = schema();
    for (_title, wrong, pointer) in SECTIONS {
        let part = schema.pointer(pointer).unwrap();
        let parts = part["oneOf"]
            .as_array()
            .cloned()
            .unwrap_or(vec![part.clone()]);
        let known: std::collections::BTreeSet<String> = parts
            .iter()
            .flat_map(|part| part["properties"].as_object().unwrap().keys().cloned())
            .collect();
        assert_eq!(known, expected(wrong).into_iter().collect(), "{pointer}");
    }
}

#[test]
fn the_schema_takes_what_is_read_and_refuses_what_is_not() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let fits = |text: &str| {
        let value: serde_json::Value = toml::from_str(text).unwrap();
        let errors = validator.iter_errors(&value);
        errors.map(|error| error.to_string()).collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    for text in examples() {
        assert_eq!(fits(text), none, "{text}");
    }
    for (_title, wrong, _pointer) in SECTIONS {
        assert_ne!(fits(wrong), none, "{wrong}");
    }
    let mut refused = 0;
    for (text, _place, _advice) in WRONG {
        if let Ok(value) = toml::from_str::<serde_json::Value>(text) {
            refused += usize::from(!validator.is_valid(&value));
        }
    }
    // The rest are regular expressions, globs, addresses, and what belongs together.
    assert!(refused + 10 >= WRONG.len(), "{refused} of {}", WRONG.len());
}

/// The examples of the documents and the files of this repository.
fn examples() -> Vec<&'static str> {
    let pages = [
        include_str!("../../docs/configuration.md"),
        include_str!("../../docs/recipes.md"),
    ];
    let blocks = pages
        .iter()
        .flat_map(|page| page.split("```toml\n").skip(1))
        .map(|block| block.split("```").next().unwrap());
    blocks
        .chain([
            include_str!("../../rewind.toml"),
            include_str!("../command/demo/rewind.toml"),
        ])
        .collect()
}

#[test]
fn every_example_in_the_documents_is_a_good_file() {
    let examples = examples();
    for text in &examples {
        let config = Config::parse(Utf8Path::new("example.toml"), text);
        assert!(config.is_ok(), "{}", config.unwrap_err());
    }
    assert!(examples.len() >= 12, "{}", examples.len());
}
