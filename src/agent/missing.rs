//! What was probably meant by a command or a script that does not exist.

use camino::{Utf8Path, Utf8PathBuf};

use super::error::AgentError;

/// Returns the error for a script that an interpreter could not open: the first word behind it, where
/// that has the ending of a script.
pub(super) fn missing_script(command: &[String], cwd: &Utf8Path) -> Option<AgentError> {
    let [program, script, ..] = command else {
        return None;
    };
    let program = Utf8Path::new(program).file_name()?;
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let (_name, endings) = INTERPRETERS.iter().find(|(known, _)| *known == name)?;
    let path = Utf8Path::new(script);
    let is_script = endings.contains(&path.extension()?);
    if !is_script || script.starts_with('-') || cwd.join(path).exists() {
        return None;
    }
    Some(AgentError::NoScript {
        script: script.clone(),
        cwd: cwd.to_owned(),
        hint: near_script(path, cwd).map_or(
            "; check its spelling and the working directory".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        ),
    })
}

/// Returns a script with a near name in the same folder, or one with the same name anywhere near.
fn near_script(script: &Utf8Path, cwd: &Utf8Path) -> Option<Utf8PathBuf> {
    let wanted = script.file_name()?;
    let folders = [
        script.parent().unwrap_or(Utf8Path::new("")).to_owned(),
        Utf8PathBuf::new(),
        "src".into(),
        "app".into(),
        "agent".into(),
    ];
    let files = folders.iter().flat_map(|folder| {
        let entries = cwd.join(folder).read_dir_utf8().into_iter().flatten();
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_owned())
            .filter(|name| Utf8Path::new(name).extension() == script.extension());
        names.map(|name| folder.join(name)).collect::<Vec<_>>()
    });
    nearest(
        wanted,
        files.map(|path| (path.file_name().unwrap_or_default().to_owned(), path)),
    )
}

/// Returns what to say of a command that was not found.
pub(super) fn command_hint(program: &str, cwd: &Utf8Path, path: Option<&str>) -> String {
    let file = cwd.join(program);
    if program.contains('/') {
        return match interpreter(&file) {
            Some(interpreter) => format!(
                "; the file is there, but its first line names `{interpreter}`, which is not: install that, or put the right interpreter before it"
            ),
            None => "; check its spelling and the working directory".to_owned(),
        };
    }
    if file.is_file() {
        return match file.extension() {
            Some("py") => format!("; it is a file here: write `python3 {program}`"),
            Some("js" | "mjs" | "cjs") => format!("; it is a file here: write `node {program}`"),
            Some("sh") => format!("; it is a file here: write `sh {program}`"),
            Some(_) | None => format!("; it is a file here: write `./{program}`"),
        };
    }
    let programs = path
        .unwrap_or_default()
        .split(':')
        .filter(|folder| !folder.is_empty())
        .flat_map(|folder| Utf8Path::new(folder).read_dir_utf8().into_iter().flatten())
        .flatten()
        .map(|entry| (entry.file_name().to_owned(), entry.file_name().to_owned()));
    match nearest(program, programs) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => "; check its spelling and PATH, or install it".to_owned(),
    }
}

/// Returns the interpreter that the first line of a script names, where that does not exist.
fn interpreter(file: &Utf8Path) -> Option<String> {
    let content = std::fs::read(file).ok()?;
    let line = content
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let first = words.next()?;
    (!Utf8Path::new(first).exists()).then(|| first.to_owned())
}

/// Returns the value with the nearest name; of equally near ones the first by name.
fn nearest<T>(wanted: &str, names: impl Iterator<Item = (String, T)>) -> Option<T> {
    let mut best: Option<(f64, String, T)> = None;
    for (name, value) in names {
        let near = strsim::jaro_winkler(wanted, &name);
        let is_better = best.as_ref().is_none_or(|(other, other_name, _)| {
            near > *other || (near.total_cmp(other).is_eq() && name < *other_name)
        });
        if near >= NEAR && is_better {
            best = Some((near, name, value));
        }
    }
    best.map(|(_near, _name, value)| value)
}

/// The least similarity (Jaro-Winkler, 0 to 1) of a name that is suggested.
const NEAR: f64 = 0.85;

/// Interpreters, and how their scripts end.
const INTERPRETERS: [(&str, &[&str]); 10] = [
    ("python", &["py"]),
    ("node", &["js", "mjs", "cjs", "ts", "mts"]),
    ("bun", &["js", "mjs", "ts", "mts", "tsx"]),
    ("tsx", &["js", "mjs", "ts", "mts", "tsx"]),
    ("ruby", &["rb"]),
    ("php", &["php"]),
    ("perl", &["pl"]),
    ("sh", &["sh"]),
    ("bash", &["sh", "bash"]),
    ("zsh", &["sh", "zsh"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_is_shown_with_the_one_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        std::fs::create_dir(dir.join("src")).unwrap();
        std::fs::create_dir(dir.join("bin")).unwrap();
        for file in ["agent.py", "src/main.py", "bin/python3", "own"] {
            std::fs::write(dir.join(file), "").unwrap();
        }
        std::fs::write(dir.join("old.py"), "#!/opt/none/python\n").unwrap();
        let script = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            missing_script(&words, dir).map(|error| error.to_string())
        };
        for (line, meant) in [
            ("python3 agnet.py q", "`agent.py`?"),
            ("python3.12 main.py", "`src/main.py`?"),
        ] {
            let message = script(line).unwrap();
            assert!(message.contains(meant), "{message}");
        }
        for fine in [
            "python3 agent.py",
            "python3 -m x.py",
            "node agent",
            "./agnet.py x.py",
        ] {
            assert_eq!(script(fine), None, "{fine}");
        }
        let path = dir.join("bin");
        for (program, meant) in [
            ("python", "`python3`"),
            ("agent.py", "`python3 agent.py`"),
            ("own", "`./own`"),
            ("./old.py", "`/opt/none/python`"),
            ("zzzz", "install it"),
        ] {
            let hint = command_hint(program, dir, Some(path.as_str()));
            assert!(hint.contains(meant), "{program}: {hint}");
        }
    }
}
