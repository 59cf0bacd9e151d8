//! Branches and commits: those of a repository on this machine.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Answer, BOT, State, user};

impl State {
    /// Returns the commit that a branch ends with.
    pub(super) fn tip(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        let text = self.git(&["rev-parse", "--verify", "-q", &name], None);
        Some(text).filter(|text| !text.is_empty())
    }

    /// Makes a commit with these files on top of another, and lets the branch end with it.
    pub(super) fn make(
        &self,
        branch: &str,
        onto: &str,
        message: &str,
        files: &[(String, Vec<u8>)],
    ) -> String {
        self.git(&["read-tree", onto], None);
        for (path, bytes) in files {
            let blob = self.git(&["hash-object", "-w", "--stdin"], Some(bytes));
            let entry = format!("100644,{blob},{path}");
            self.git(&["update-index", "--add", "--cacheinfo", &entry], None);
        }
        let tree = self.git(&["write-tree"], None);
        let oid = self.git(
            &["commit-tree", &tree, "-p", onto],
            Some(message.as_bytes()),
        );
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &oid], None);
        oid
    }

    /// Returns a commit as GitHub shows it, by its name or that of a branch.
    pub(super) fn commit_of(&self, name: &str) -> Answer {
        let oid = match self.tip(name) {
            Some(oid) => oid,
            None => self.git(
                &["rev-parse", "--verify", "-q", &format!("{name}^{{commit}}")],
                None,
            ),
        };
        if oid.is_empty() {
            return Answer::said(404, "Not Found");
        }
        let show =
            |format: &str| self.git(&["show", "-s", &format!("--format={format}"), &oid], None);
        let parents: Vec<Value> = show("%P")
            .split_whitespace()
            .map(|sha| json!({ "sha": sha }))
            .collect();
        let files = self.git(
            &["diff-tree", "--no-commit-id", "--name-only", "-r", &oid],
            None,
        );
        let files: Vec<Value> = files
            .lines()
            .map(|name| json!({ "filename": name }))
            .collect();
        let is_signed = self.signed.contains(&oid);
        let author = if show("%an") == BOT {
            user(BOT)
        } else {
            user("dev")
        };
        Answer::new(
            200,
            json!({
                "sha": oid, "parents": parents, "files": files, "author": author,
                "commit": { "message": show("%B"), "verification": { "verified": is_signed } },
            }),
        )
    }

    /// Moves a branch or a tag, or makes it.
    pub(super) fn set_ref(&self, name: &str, commit: &str, is_new: bool) -> Answer {
        let known = self.git(&["rev-parse", "--verify", "-q", name], None);
        if known.is_empty() != is_new {
            return Answer::said(
                422,
                if is_new {
                    "Reference already exists"
                } else {
                    "Reference does not exist"
                },
            );
        }
        self.git(&["update-ref", name, commit], None);
        Answer::new(200, json!({ "ref": name, "object": { "sha": commit } }))
    }

    fn git(&self, arguments: &[&str], input: Option<&[u8]>) -> String {
        let folder = self.repository.as_ref().unwrap();
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(folder)
            .args(arguments)
            .env("GIT_INDEX_FILE", folder.join(".git/index-of-github"));
        for name in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{name}_NAME"), BOT)
                .env(format!("GIT_{name}_EMAIL"), "bot@example.com");
        }
        let mut git = git
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = git.stdin.take().unwrap();
        stdin.write_all(input.unwrap_or_default()).unwrap();
        drop(stdin);
        let output = git.wait_with_output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}
