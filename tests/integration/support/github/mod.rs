//! GitHub for tests: REST and GraphQL on a loopback port, with a memory.
//!
//! Each request is held against what GitHub publishes of its API; what does not fit fails the test. Faults are planned by
//! the test: limits of all kinds, answers that are lost after the write was done, rivals that write at the same time.

mod branches;
mod graphql;
mod rest;
mod schema;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::App;
use super::upstream::{Piece, Received, Upstream, whole};

/// Who writes with the token of a job.
pub(crate) const BOT: &str = "github-actions[bot]";

/// The token that the fake takes.
const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";

/// Something that goes wrong.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This status and these headers, with this message; nothing is done.
    Refuse(u16, Vec<(&'static str, String)>, &'static str),
    /// The write is done, and the answer is this status.
    DoneButStatus(u16),
    /// The write is done, and the connection breaks off.
    DoneButLost,
    /// Nothing is done, and the connection breaks off.
    Lost,
    /// Somebody else with the same token writes a comment with this text just before.
    Rival(String),
}

/// A fault that the next request that fits runs into.
struct Planned {
    method: &'static str,
    path: String,
    fault: Fault,
}

/// A running GitHub.
pub(crate) struct FakeGithub {
    upstream: Upstream,
    state: Arc<Mutex<State>>,
}

/// What it remembers.
pub(crate) struct State {
    /// What stands before the paths of the REST API, such as `/api/v3` on a server of one's own.
    prefix: &'static str,
    /// The path of the GraphQL API.
    graphql: &'static str,
    /// The most items of a page, whatever is asked for.
    pub(crate) page: usize,
    /// The permissions that the token lacks, such as `pull-requests`.
    pub(crate) denied: Vec<&'static str>,
    /// Comments: `id`, `issue`, `body`, `user`.
    pub(crate) comments: Vec<Value>,
    /// Issues and pull requests as issues: `number`, `title`, `body`, `state`, `labels`, `user`.
    pub(crate) issues: Vec<Value>,
    /// Pull requests.
    pub(crate) pulls: Vec<Value>,
    /// Check runs.
    pub(crate) checks: Vec<Value>,
    /// What somebody may do: `(login, permission)`.
    pub(crate) people: Vec<(String, &'static str)>,
    /// Labels that are set: `(number, label)`.
    pub(crate) labels: Vec<(u64, String)>,
    /// What happened to issues and pull requests: `issue`, `event`, `actor`, `label`.
    pub(crate) events: Vec<Value>,
    /// The repository that commits and branches are made in.
    pub(crate) repository: Option<PathBuf>,
    /// The commits that were made here and are signed.
    pub(crate) signed: Vec<String>,
    /// Workflows that were started: `(workflow, branch)`.
    pub(crate) dispatches: Vec<(String, String)>,
    /// The requests, such as `POST /repos/acme/agent/issues/7/comments`.
    pub(crate) log: Vec<String>,
    asked: Vec<Value>,
    faults: VecDeque<Planned>,
    wrong: Vec<String>,
    next: u64,
}

/// An answer.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

impl Answer {
    fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    fn said(status: u16, message: &str) -> Self {
        Self::new(status, json!({ "message": message }))
    }
}

impl FakeGithub {
    /// Starts one as it is at github.com: an address of its own for the API.
    pub(crate) fn start() -> Self {
        Self::at("", "/graphql")
    }

    /// Starts one as a server of one's own is: the API below `/api/v3`, GraphQL below `/api`.
    pub(crate) fn enterprise() -> Self {
        Self::at("/api/v3", "/api/graphql")
    }

    fn at(prefix: &'static str, graphql: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State {
            prefix,
            graphql,
            page: 100,
            denied: Vec::new(),
            comments: Vec::new(),
            issues: Vec::new(),
            pulls: Vec::new(),
            checks: Vec::new(),
            people: Vec::new(),
            labels: Vec::new(),
            events: Vec::new(),
            repository: None,
            signed: Vec::new(),
            dispatches: Vec::new(),
            log: Vec::new(),
            asked: Vec::new(),
            faults: VecDeque::new(),
            wrong: Vec::new(),
            next: 1_000,
        }));
        let shared = Arc::clone(&state);
        let upstream = Upstream::start(move |request| shared.lock().unwrap().answer(request));
        Self { upstream, state }
    }

    /// Returns its memory.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Plans a fault for the next request of this method whose path contains this.
    pub(crate) fn plan(&self, method: &'static str, path: &str, fault: Fault) {
        let path = path.to_owned();
        self.state().faults.push_back(Planned {
            method,
            path,
            fault,
        });
    }

    /// Returns the variables by which a job finds it, and the token that it takes.
    pub(crate) fn addresses(&self) -> (Vec<(&'static str, String)>, &'static str) {
        let root = self.upstream.url();
        let root = root.trim_end_matches("/v1");
        let state = self.state();
        let variables = vec![
            ("GITHUB_API_URL", format!("{root}{}", state.prefix)),
            ("GITHUB_GRAPHQL_URL", format!("{root}{}", state.graphql)),
        ];
        (variables, TOKEN)
    }

    /// Gives an app the environment of a job here.
    pub(crate) fn job(&self, app: &mut App, event: &str, payload: &Value) {
        let file = app.write("event.json", &payload.to_string());
        let (addresses, token) = self.addresses();
        for (name, value) in addresses {
            app.set(name, &value);
        }
        let root = self.upstream.url();
        let root = root.trim_end_matches("/v1");
        for (name, value) in [
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_SERVER_URL", root.to_owned()),
            ("GITHUB_REPOSITORY", "acme/agent".to_owned()),
            ("GITHUB_EVENT_NAME", event.to_owned()),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap().to_owned()),
            ("GITHUB_RUN_ID", "500".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_SHA", "f".repeat(40)),
            ("GITHUB_TOKEN", token.to_owned()),
        ] {
            app.set(name, &value);
        }
    }

    /// Puts somebody's comment on an issue or pull request and returns its id.
    pub(crate) fn comment(&self, issue: u64, login: &str, body: &str) -> u64 {
        self.state().add_comment(issue, login, body)
    }

    /// Somebody sets a label on a pull request.
    pub(crate) fn label(&self, number: u64, login: &str, label: &str) {
        let mut state = self.state();
        state.labels.push((number, label.to_owned()));
        state.events.push(json!({
            "issue": number, "event": "labeled", "actor": user(login), "label": { "name": label },
        }));
    }

    /// Returns the texts of all comments.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let state = self.state();
        let bodies = state
            .comments
            .iter()
            .map(|one| one["body"].as_str().unwrap().to_owned());
        bodies.collect()
    }

    /// Returns how many requests of this method had a path that contains this.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let state = self.state();
        let fits = |line: &&String| {
            line.split_once(' ')
                .is_some_and(|(verb, rest)| verb == method && rest.contains(path))
        };
        state.log.iter().filter(fits).count()
    }

    /// Checks that all requests were such as GitHub takes.
    #[track_caller]
    pub(crate) fn assert_valid(&self) {
        let (mut wrong, asked) = {
            let state = self.state();
            (state.wrong.clone(), state.asked.clone())
        };
        wrong.extend(schema::graphql_errors(&asked));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

impl State {
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn add_comment(&mut self, issue: u64, login: &str, body: &str) -> u64 {
        let id = self.fresh();
        self.comments.push(json!({
            "id": id, "issue": issue, "body": body, "user": user(login),
            "html_url": format!("https://github.example/acme/agent/issues/{issue}#issuecomment-{id}"),
        }));
        id
    }

    fn answer(&mut self, request: &Received) -> Vec<Piece> {
        let line = format!("{} {}", request.method, request.path);
        self.log.push(line.clone());
        let fits = |planned: &Planned| {
            planned.method == request.method && request.path.contains(&planned.path)
        };
        let planned = self.faults.iter().position(fits);
        let fault = planned
            .and_then(|at| self.faults.remove(at))
            .map(|planned| planned.fault);
        match fault {
            Some(Fault::Refuse(status, headers, message)) => {
                let body = json!({ "message": message });
                return send(&Answer {
                    status,
                    headers,
                    body,
                });
            }
            Some(Fault::Lost) => return vec![Piece::Break],
            Some(Fault::Rival(ref body)) => {
                self.add_comment(7, BOT, body);
            }
            Some(Fault::DoneButStatus(_) | Fault::DoneButLost) | None => {}
        }
        let answer = if request.header("authorization") == Some(&format!("Bearer {TOKEN}")) {
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            self.route(request, &body)
        } else {
            Answer::said(401, "Bad credentials")
        };
        match fault {
            Some(Fault::DoneButStatus(status)) => send(&Answer::said(status, "Server Error")),
            Some(Fault::DoneButLost) => vec![Piece::Break],
            Some(Fault::Refuse(..) | Fault::Lost | Fault::Rival(_)) | None => send(&answer),
        }
    }

    fn route(&mut self, request: &Received, body: &Value) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path == self.graphql {
            self.asked.push(body.clone());
            return self.answer_graphql(body);
        }
        let Some(path) = path.strip_prefix(self.prefix) else {
            self.wrong.push(format!(
                "{} {}: not below the API",
                request.method, request.path
            ));
            return Answer::said(404, "Not Found");
        };
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let wrong = schema::rest_errors(&request.method, path, &query, body);
        let is_wrong = !wrong.is_empty();
        self.wrong.extend(wrong);
        if is_wrong {
            return Answer::said(422, "Validation Failed");
        }
        self.answer_rest(&request.method, path, &query, body)
    }
}

/// Returns somebody as GitHub shows them.
fn user(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") {
        "Bot"
    } else {
        "User"
    };
    json!({ "login": login, "type": kind })
}

fn send(answer: &Answer) -> Vec<Piece> {
    let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json; charset=utf-8")];
    headers.extend(
        answer
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    let body = if answer.status == 204 {
        String::new()
    } else {
        answer.body.to_string()
    };
    whole(answer.status, &headers, body.as_bytes())
}
