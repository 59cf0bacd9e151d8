//! A module for agents in Python: one question to a model, with the standard library alone.

/// `ask(text, system)` returns what the model answers.
pub(crate) const ASK: &str = r#"
import json, os, urllib.request
def ask(text, system="Answer."):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps({"model": "gpt-4o-mini", "messages": messages}).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]
"#;
