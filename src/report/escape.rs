//! Makes texts that anyone may have written harmless for the place where they are shown.

/// Returns the text without the characters that XML 1.0 does not allow and without `]]>`.
///
/// Markup characters are left to the XML writer.
pub(super) fn xml(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if is_xml(c) { c } else { '\u{fffd}' })
        .collect();
    kept.replace("]]>", "]] >")
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns the text for a line or table cell of Markdown: one line, no markup but code where the text
/// has it in backticks, no mention, no link, no comment.
pub(super) fn markdown(text: &str) -> String {
    let line = one_line(text);
    let mut pieces = line.split('`').enumerate().peekable();
    let mut escaped = String::with_capacity(line.len());
    while let Some((index, piece)) = pieces.next() {
        match (index % 2 == 1, pieces.peek().is_some()) {
            (false, _) => escaped.push_str(&words(piece)),
            (true, true) => escaped.push_str(&cell(&code(piece))),
            (true, false) => {
                escaped.push_str("\\`");
                escaped.push_str(&words(piece));
            }
        }
    }
    without_block(escaped)
}

/// Returns a line that begins no list, rule or heading, wherever it stands.
fn without_block(line: String) -> String {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.starts_with(['-', '+', '=', '.', ')']) {
        let begin = line.strip_suffix(number).unwrap_or_default();
        return format!("{begin}\\{number}");
    }
    line
}

/// Returns the text on one line, harmless.
pub(super) fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns text without markup as Markdown.
fn words(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '!' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Mathematics are found by their signs, escaped or not.
            '$' => escaped.push_str("\\$<!-- -->"),
            // An empty comment keeps a name from becoming a mention and a number a reference.
            '@' | '#' => {
                escaped.push(c);
                escaped.push_str("<!-- -->");
            }
            _ => escaped.push(c),
        }
    }
    escaped
        .replace("://", ":<!-- -->//")
        .replace("www.", "www<!-- -->.")
        .replace("GH-", "GH<!-- -->-")
        .replace("gh-", "gh<!-- -->-")
}

/// Returns the text as code within a line of Markdown.
pub fn code(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Returns Markdown so that it can stand in a table cell.
pub(super) fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

/// Returns the text as a block of code in Markdown, fenced longer than any fence inside.
pub(super) fn block(text: &str, language: &str) -> String {
    let text = plain(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}",
        text.trim_end_matches('\n')
    )
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Returns the text without control characters but line breaks and tabs, and without those that turn
/// the direction of writing: nothing in it can steer a terminal or look like something else.
pub(super) fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => kept.push(c),
            _ if c.is_control() || is_direction(c) => kept.extend(c.escape_unicode()),
            _ => kept.push(c),
        }
    }
    kept
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// Returns a name as one word for a shell.
pub(super) fn shell(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// Returns what a program printed for the log of a CI job: as [`plain`], and no line in it can give the
/// job orders.
///
/// GitHub takes a line that begins with `::` as a command, however far it is indented, and `##[`
/// anywhere in one. Source: the parser of commands in <https://github.com/actions/runner>.
pub(super) fn log(text: &str) -> String {
    let text = plain(text).replace("##[", "# #[");
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let words = line.trim_start();
            match words.strip_prefix("::") {
                Some(command) => {
                    let indent = line.strip_suffix(words).unwrap_or_default();
                    format!("{indent}: :{command}")
                }
                None => line.to_owned(),
            }
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_of_strangers_does_nothing() {
        let hostile = "@everyone <img src=x> [a](https://evil) <!-- x --> | `b|c` ` # d";
        assert_eq!(
            markdown(hostile),
            "@<!-- -->everyone &lt;img src=x&gt; \\[a\\](https:<!-- -->//evil) \
             &lt;\\!-- x --&gt; \\| `b\\|c` \\` #<!-- --> d"
        );
    }

    #[test]
    fn a_line_of_markdown_begins_nothing() {
        for (text, shown) in [
            ("- a - b", "\\- a - b"),
            ("12. a", "12\\. a"),
            ("1) a", "1\\) a"),
            ("===", "\\==="),
            ("12 of 13", "12 of 13"),
            ("$5, GH-7", "\\$<!-- -->5, GH<!-- -->-7"),
        ] {
            assert_eq!(markdown(text), shown);
        }
    }

    #[test]
    fn fences_are_longer_than_any_inside() {
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("x\n````\ny", "json"), "`````json\nx\n````\ny\n`````");
    }

    #[test]
    fn terminals_get_no_escape_sequences() {
        assert_eq!(
            plain("a\u{1b}[31mred\u{202e}\nb"),
            "a\\u{1b}[31mred\\u{202e}\nb"
        );
    }

    #[test]
    fn what_an_agent_prints_gives_the_job_no_orders() {
        assert_eq!(
            log("::error::x\n  \t::set-output name=a::b\n##[group]c\nstd::fmt ok\n"),
            ": :error::x\n  \t: :set-output name=a::b\n# #[group]c\nstd::fmt ok\n"
        );
    }

    proptest! {
        #[test]
        fn no_line_of_a_log_is_a_command(text in "(?s)(::|##\\[|[ \t\r\n]|\u{85}|\u{a0}|.){0,40}") {
            let shown = log(&text);
            prop_assert!(!shown.contains("##["));
            prop_assert!(!shown.lines().any(|line| line.trim().starts_with("::")));
        }

        #[test]
        fn escaped_texts_hold_nothing_forbidden(text in any::<String>()) {
            prop_assert!(xml(&text).chars().all(is_xml));
            prop_assert!(!xml(&text).contains("]]>"));
            prop_assert!(!plain(&text).chars().any(|c| u32::from(c) == 0x1b));
            let line = markdown(&text);
            prop_assert!(!line.contains('\n'));
            let outside: String = line.replace("<!-- -->", "").split('`').step_by(2).collect();
            prop_assert!(line.contains('`') || !outside.contains('<'));
            let fenced = block(&text, "");
            let fence: String = fenced.chars().take_while(|c| *c == '`').collect();
            prop_assert_eq!(fenced.matches(&fence).count(), 2);
        }
    }
}
