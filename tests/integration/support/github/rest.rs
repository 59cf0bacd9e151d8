//! The REST requests that Rewind uses.

use serde_json::{Value, json};

use super::{Answer, BOT, State, user};

impl State {
    #[expect(clippy::too_many_lines, reason = "one arm for each request")]
    pub(super) fn answer_rest(
        &mut self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: &Value,
    ) -> Answer {
        let Some(path) = path.strip_prefix("/repos/acme/agent/") else {
            return Answer::said(404, "Not Found");
        };
        let parts: Vec<&str> = path.split('/').collect();
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        let is_write = method != "GET";
        let lacks = |name: &str| is_write && self.denied.contains(&name);
        match (method, parts.as_slice()) {
            ("POST" | "PATCH" | "DELETE", ["issues", ..])
                if lacks("pull-requests") && (lacks("issues") || parts.contains(&"comments")) =>
            {
                Answer::said(403, "Resource not accessible by integration")
            }
            ("POST" | "PATCH", ["issues", ..])
                if lacks("issues") && !parts.contains(&"comments") =>
            {
                Answer::said(403, "Resource not accessible by integration")
            }
            ("POST" | "PATCH", ["check-runs", ..]) if lacks("checks") => {
                Answer::said(403, "Resource not accessible by integration")
            }
            ("GET", ["issues", issue, "comments"]) => {
                let issue = number(issue);
                let found = self.comments.iter().filter(|one| one["issue"] == issue);
                self.list(&found.cloned().collect::<Vec<_>>(), query, path)
            }
            ("POST", ["issues", issue, "comments"]) => {
                let id = self.add_comment(number(issue), BOT, body["body"].as_str().unwrap());
                Answer::new(
                    201,
                    self.comments
                        .iter()
                        .find(|one| one["id"] == id)
                        .unwrap()
                        .clone(),
                )
            }
            ("PATCH", ["issues", "comments", id]) => {
                let id = number(id);
                match self.comments.iter_mut().find(|one| one["id"] == id) {
                    Some(comment) => {
                        comment["body"] = body["body"].clone();
                        Answer::new(200, comment.clone())
                    }
                    None => Answer::said(404, "Not Found"),
                }
            }
            ("DELETE", ["issues", "comments", id]) => {
                let id = number(id);
                self.comments.retain(|one| one["id"] != id);
                Answer::new(204, Value::Null)
            }
            ("GET", ["issues"]) => {
                let wanted = |name: &str| {
                    query
                        .iter()
                        .find(|(key, _)| key == name)
                        .map(|(_, value)| value.as_str())
                };
                let label = wanted("labels").unwrap_or_default();
                let state = wanted("state").unwrap_or("open");
                let fits = |one: &&Value| {
                    let labels = one["labels"].as_array().unwrap();
                    one["state"] == state
                        && (label.is_empty() || labels.iter().any(|known| known["name"] == label))
                };
                let found: Vec<Value> = self.issues.iter().filter(fits).cloned().collect();
                self.list(&found, query, path)
            }
            ("POST", ["issues"]) => Answer::new(201, self.add_issue(body, BOT)),
            ("PATCH", ["issues", issue]) => {
                let issue = number(issue);
                let found = self.issues.iter_mut().find(|one| one["number"] == issue);
                let Some(found) = found else {
                    return Answer::said(404, "Not Found");
                };
                for (name, value) in body.as_object().unwrap() {
                    found[name] = value.clone();
                }
                Answer::new(200, found.clone())
            }
            ("GET", ["pulls"]) => {
                let head = query
                    .iter()
                    .find(|(key, _)| key == "head")
                    .map(|(_, value)| value.clone());
                let label = |one: &Value| {
                    let owner = one["head"]["repo"]["full_name"]
                        .as_str()
                        .unwrap()
                        .split('/')
                        .next()
                        .unwrap()
                        .to_owned();
                    format!("{owner}:{}", one["head"]["ref"].as_str().unwrap())
                };
                let found = self
                    .pulls
                    .iter()
                    .filter(|one| head.as_ref().is_none_or(|head| *head == label(one)));
                let found: Vec<Value> = found
                    .filter(|one| one["state"] == "open")
                    .cloned()
                    .collect();
                self.list(&found, query, path)
            }
            ("GET", ["commits", commit, "check-runs"]) => {
                let name = query
                    .iter()
                    .find(|(key, _)| key == "check_name")
                    .map(|(_, value)| value.clone());
                let fits = |one: &&Value| {
                    one["head_sha"] == *commit
                        && name.as_ref().is_none_or(|name| one["name"] == *name)
                };
                let found: Vec<Value> = self.checks.iter().filter(fits).cloned().collect();
                let mut answer = self.list(&found, query, path);
                answer.body = json!({ "total_count": 1, "check_runs": answer.body });
                answer
            }
            ("POST", ["check-runs"]) => {
                let mut check = body.clone();
                check["id"] = json!(self.fresh());
                check["html_url"] = json!("https://github.example/acme/agent/runs/1");
                self.checks.push(check.clone());
                Answer::new(201, check)
            }
            ("PATCH", ["check-runs", id]) => {
                let id = number(id);
                let Some(check) = self.checks.iter_mut().find(|one| one["id"] == id) else {
                    return Answer::said(404, "Not Found");
                };
                // Annotations are added to those that are there.
                let known = check["output"]["annotations"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                for (name, value) in body.as_object().unwrap() {
                    check[name] = value.clone();
                }
                let added = check["output"]["annotations"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                check["output"]["annotations"] = json!([known, added].concat());
                Answer::new(200, check.clone())
            }
            _ => self.answer_more(method, &parts, query, body),
        }
    }

    /// Labels, people, branches, pull requests that are opened.
    #[expect(clippy::too_many_lines, reason = "one table of what is asked")]
    fn answer_more(
        &mut self,
        method: &str,
        parts: &[&str],
        query: &[(String, String)],
        body: &Value,
    ) -> Answer {
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        match (method, parts) {
            ("DELETE", ["issues", issue, "labels", label]) => {
                let (issue, before) = (number(issue), self.labels.len());
                self.labels
                    .retain(|(of, known)| *of != issue || known != label);
                if self.labels.len() < before {
                    Answer::new(200, json!([]))
                } else {
                    Answer::said(404, "Label does not exist")
                }
            }
            ("POST", ["issues", issue, "labels"]) => {
                let names = body["labels"].as_array().unwrap().iter();
                let names = names.map(|name| (number(issue), name.as_str().unwrap().to_owned()));
                self.labels.extend(names);
                Answer::new(200, json!([]))
            }
            ("GET", ["issues", issue, "events"]) => {
                let issue = number(issue);
                let found: Vec<Value> = self
                    .events
                    .iter()
                    .filter(|one| one["issue"] == issue)
                    .cloned()
                    .collect();
                self.list(&found, query, "events")
            }
            ("GET", ["collaborators", login, "permission"]) => {
                match self.people.iter().find(|(known, _)| known == login) {
                    Some((_, permission)) => Answer::new(200, json!({ "permission": permission })),
                    None => Answer::said(404, "Not Found"),
                }
            }
            ("GET", ["pulls", pull]) => {
                let pull = number(pull);
                match self.pulls.iter().find(|one| one["number"] == pull) {
                    Some(pull) => Answer::new(200, pull.clone()),
                    None => Answer::said(404, "Not Found"),
                }
            }
            ("POST", ["pulls"]) => {
                let number = self.fresh();
                let pull = json!({
                    "number": number, "state": "open", "title": body["title"], "body": body["body"],
                    "base": { "ref": body["base"] },
                    "head": { "ref": body["head"], "sha": "", "repo": { "full_name": "acme/agent" } },
                    "html_url": format!("https://github.example/acme/agent/pull/{number}"),
                });
                self.pulls.push(pull.clone());
                Answer::new(201, pull)
            }
            ("PATCH", ["pulls", pull]) => {
                let pull = number(pull);
                let found = self
                    .pulls
                    .iter_mut()
                    .find(|one| one["number"] == pull)
                    .unwrap();
                for (name, value) in body.as_object().unwrap() {
                    found[name] = value.clone();
                }
                Answer::new(200, found.clone())
            }
            ("GET", ["commits", name]) => self.commit_of(name),
            ("PATCH", ["git", "refs", "heads", branch @ ..]) => {
                let name = format!("refs/heads/{}", branch.join("/"));
                self.set_ref(&name, body["sha"].as_str().unwrap(), false)
            }
            ("POST", ["git", "refs"]) => {
                let name = body["ref"].as_str().unwrap().to_owned();
                self.set_ref(&name, body["sha"].as_str().unwrap(), true)
            }
            ("POST", ["actions", "workflows", workflow, "dispatches"]) => {
                if self.denied.contains(&"actions") {
                    return Answer::said(403, "Resource not accessible by integration");
                }
                let branch = body["ref"].as_str().unwrap().to_owned();
                self.dispatches.push(((*workflow).to_owned(), branch));
                Answer::new(204, Value::Null)
            }
            _ => Answer::said(404, "Not Found"),
        }
    }

    pub(crate) fn add_issue(&mut self, body: &Value, login: &str) -> Value {
        let number = self.fresh();
        let labels = body["labels"].as_array().cloned().unwrap_or_default();
        let labels: Vec<Value> = labels.iter().map(|name| json!({ "name": name })).collect();
        let issue = json!({
            "number": number, "title": body["title"], "body": body["body"], "state": "open",
            "labels": labels, "user": user(login),
            "html_url": format!("https://github.example/acme/agent/issues/{number}"),
        });
        self.issues.push(issue.clone());
        issue
    }

    /// Returns a page of a list, with a link to the next.
    fn list(&self, items: &[Value], query: &[(String, String)], path: &str) -> Answer {
        let asked = |name: &str, usual: usize| {
            let found = query.iter().find(|(key, _)| key == name);
            found.map_or(usual, |(_, value)| value.parse().unwrap())
        };
        let size = asked("per_page", 30).min(self.page);
        let page = asked("page", 1);
        let shown: Vec<Value> = items
            .iter()
            .skip((page - 1) * size)
            .take(size)
            .cloned()
            .collect();
        let mut answer = Answer::new(200, json!(shown));
        if items.len() > page * size {
            let next = format!(
                "<https://api.github.example/{path}?page={}>; rel=\"next\"",
                page + 1
            );
            answer.headers.push(("link", next));
        }
        answer
    }
}
