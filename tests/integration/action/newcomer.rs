//! What docs/github.md says to somebody new, step by step: from an agent to a gate that says no.

use std::fs;

use super::hub::Hub;
use super::install::{checksums, pack};
use super::{put_action, root};
use crate::support::upstream::{Upstream, whole};
use crate::support::{App, ScriptedModel, run_blocks};

/// An agent that knows nothing of Rewind.
const AGENT: &str = r#"
import json, os, sys, urllib.request
body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": sys.argv[1]}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    json.dumps(body).encode(),
    {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"#;

#[test]
fn somebody_new_has_a_gate_after_one_workflow_and_one_init() {
    // The provider, as far as the newcomer's shell knows.
    let other = App::new();
    let rules = other.write(
        "model.toml",
        "[[rule]]\nreply = { text = \"It is on its way.\" }\n",
    );
    let model = ScriptedModel::start(&other, &rules);
    let app = App::new()
        .env("OPENAI_BASE_URL", &format!("{}/v1", model.url()))
        .env("OPENAI_API_KEY", "sk-0123456789abcdefghijklmnopqrstuvwxyz");
    app.write("agent.py", AGENT);
    app.write(
        ".gitignore",
        ".cache/\n.config/\nbin/\nuploads/\nevent.json\n",
    );
    let mut hub = Hub::of(app);
    hub.commit("an agent");
    let page = root().join("docs/github.md");
    assert_eq!(run_blocks(&hub.app, &page, hub.app.folder()), 5);
    let asked = model.calls();

    // The page shows the workflow that was written, so that it can be copied instead.
    let workflow = hub.app.folder().join(".github/workflows/rewind.yml");
    let workflow = fs::read_to_string(workflow).unwrap();
    let text = fs::read_to_string(&page).unwrap();
    assert!(
        text.contains(&format!("```yaml\n{workflow}```\n")),
        "{workflow}"
    );

    // The action that the workflow names, released; the program is the one that is tested.
    let program = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_rewind")
    );
    let (archive, sum) = pack(&other, &program);
    let releases = Upstream::start(move |_request| whole(200, &[], &archive));
    put_action(&other, "action");
    other.write("action/action/checksums.txt", &checksums(&sum));
    let action = other.folder().join("action");
    let used = format!("rewind-gate/rewind@main={}", action.display());
    hub.option("--local-repository", &used);
    let url = releases.url().replace("/v1", "");
    hub.option("--env", &format!("REWIND_RELEASES={url}"));

    hub.git(&["checkout", "--quiet", "-b", "change"]);
    hub.app.write("notes.txt", "nothing of the agent");
    hub.commit("notes");
    let event = hub.pull_request("acme/agent");
    hub.runs("rewind.yml", "pull_request", &event).exits(0);
    assert!(hub.github.bodies()[0].contains("Rewind: PASS"));
    hub.app.write("agent.py", "raise SystemExit(1)\n");
    hub.commit("broken");
    let event = hub.pull_request("acme/agent");
    hub.runs("rewind.yml", "pull_request", &event).exits(1);
    let told = hub.github.bodies();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("Rewind: FAIL"), "{told:#?}");
    assert_eq!(model.calls(), asked, "a job asked the model");
    hub.github.assert_valid();
}
