//! The name of a server that was given none.

/// Returns a name for the server that a command starts: that of the package or script, not of what runs it.
pub fn server_name(command: &[String]) -> String {
    let mut words = command.iter().map(String::as_str);
    let program = stem(words.next().unwrap_or_default());
    if !RUNNERS.iter().any(|runner| program.starts_with(runner)) {
        return program.to_owned();
    }
    let plain = words.find(|word| !word.starts_with('-') && !VERBS.contains(word));
    let name = plain.map_or(program, stem);
    if name.is_empty() { program } else { name }.to_owned()
}

/// Returns the name in a path or a package with its scope and version.
fn stem(word: &str) -> &str {
    let last = word.rsplit('/').next().unwrap_or(word);
    let last = last.split('@').next().unwrap_or(last);
    SUFFIXES
        .iter()
        .find_map(|suffix| last.strip_suffix(suffix))
        .unwrap_or(last)
}

/// Programs that run something else, by how their names begin.
const RUNNERS: [&str; 9] = [
    "npx", "npm", "node", "python", "uvx", "uv", "bunx", "bun", "deno",
];

/// Words of theirs that name no server.
const VERBS: [&str; 4] = ["run", "exec", "x", "tool"];

/// Endings of scripts.
const SUFFIXES: [&str; 6] = [".py", ".js", ".mjs", ".cjs", ".ts", ".sh"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_after_its_package_or_script() {
        let cases = [
            (
                "npx -y @modelcontextprotocol/server-memory",
                "server-memory",
            ),
            ("npx -y @scope/files@1.2.3 /data", "files"),
            ("uvx mcp-server-git --repository .", "mcp-server-git"),
            ("python3 servers/shop.py", "shop"),
            ("python3.12 -m shop.server", "shop.server"),
            ("uv run shop.py", "shop"),
            (
                "/usr/local/bin/github-mcp-server stdio",
                "github-mcp-server",
            ),
            ("node", "node"),
        ];
        for (command, name) in cases {
            let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(server_name(&command), name);
        }
    }
}
