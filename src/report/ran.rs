//! What of the agent's tools ran for real in a gate run: what a reader wants to know of side effects.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::escape::one_line;
use super::run_report::RunReport;
use super::units::{count, excerpt};
use crate::model::Effect;

/// Returns the captured tools that ran for real over all forks, each as `book_flight (mutating) 2 times`:
/// what changes something first, of those the most frequent; at most `limit` of them, then how many more.
pub(super) fn ran_for_real(report: &RunReport, limit: usize) -> Option<String> {
    let mut times: BTreeMap<(&str, u8), (Effect, u64)> = BTreeMap::new();
    let samples = report.forks.iter().flat_map(|fork| &fork.evidence.samples);
    for tool in samples.flat_map(|sample| &sample.replay.tools_ran) {
        let key = (tool.name.as_str(), weight(tool.effect));
        let (_effect, known) = times.entry(key).or_insert((tool.effect, 0));
        *known = known.saturating_add(u64::from(tool.times));
    }
    let mut ran: Vec<_> = times.into_iter().collect();
    ran.sort_by_key(|((_name, weight), (_effect, times))| (Reverse(*weight), Reverse(*times)));
    let more = ran.len().saturating_sub(limit);
    let mut parts: Vec<String> = ran
        .into_iter()
        .take(limit)
        .map(|((name, _weight), (effect, times))| {
            let name = excerpt(&one_line(name), NAME_CHARS);
            format!("{name} ({effect}) {}", count(times, "time"))
        })
        .collect();
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns what a reader wants to see first: the greater, the sooner.
const fn weight(effect: Effect) -> u8 {
    match effect {
        Effect::Pure => 0,
        Effect::Read => 1,
        Effect::Mutating => 2,
    }
}

/// How many tools a report names.
pub(super) const FEW_TOOLS: usize = 8;

/// How much of a tool's name is shown; that of a request holds its path.
const NAME_CHARS: usize = 80;

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::super::testing::report;
    use super::*;
    use crate::model::RanTool;

    #[test]
    fn what_changes_something_stands_first_and_all_forks_count() {
        let mut run = report(Content::Full);
        assert_eq!(ran_for_real(&run, 2), None);
        let tool = |name: &str, effect, times| RanTool {
            name: name.to_owned(),
            effect,
            times,
        };
        let first = vec![
            tool("look", Effect::Read, 5),
            tool("book", Effect::Mutating, 1),
        ];
        let second = vec![
            tool("book", Effect::Mutating, 1),
            tool("send", Effect::Mutating, 9),
        ];
        run.forks[0].evidence.samples[0].replay.tools_ran = first;
        run.forks[1].evidence.samples[0].replay.tools_ran = second;
        let ran = ran_for_real(&run, 2).unwrap();
        assert_eq!(
            ran,
            "send (mutating) 9 times, book (mutating) 2 times, 1 more"
        );
        let all = ran_for_real(&run, 8).unwrap();
        assert!(all.ends_with(", look (read) 5 times"), "{all}");
    }
}
