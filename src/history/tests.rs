use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{good, night, red};
use super::*;
use crate::gate::{Mode, Verdict};
use crate::model::ContentId;

fn read(text: &str) -> Result<Vec<Entry>, String> {
    parse(text, Utf8Path::new("history.jsonl")).map_err(|error| error.to_string())
}

fn line(entry: &Entry) -> String {
    serde_json::to_string(entry).unwrap()
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("history.jsonl")).unwrap();
    (folder, path)
}

#[test]
fn a_run_fits_the_published_schema_and_an_unknown_key_does_not() {
    let schema = include_str!("../../schemas/history-1.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut full = good(1).scored(0.9);
    full.together = Some(Verdict::Regressed);
    full.forks[0].tried_again = Some(TriedAgain::Cleared);
    let mut bare = red(2).with(|fork| fork.models.clear());
    (bare.commit, bare.reference, bare.profile) = (None, None, None);
    for entry in [full, bare] {
        let mut value = serde_json::to_value(&entry).unwrap();
        let errors = validator.iter_errors(&value);
        let wrong: Vec<String> = errors.map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new());
        value["forks"][0]["extra"] = json!(1);
        assert!(!validator.is_valid(&value));
        assert!(read(&value.to_string()).is_err());
    }
    for verdict in Verdict::ALL {
        assert!(schema.to_string().contains(&format!("\"{verdict}\"")));
    }
}

#[test]
fn a_line_that_is_no_run_and_an_unknown_version_are_named() {
    let good = line(&good(1));
    let text = format!("{good}\n\n{{\"format\":\"1.0\"}}\n");
    let wrong = read(&text).unwrap_err();
    assert!(
        wrong.starts_with("line 3 of history.jsonl is no run"),
        "{wrong}"
    );
    assert!(read(&format!("{good}\n{}", good.get(..40).unwrap())).is_err());
    for (format, extra) in [("2.0", ""), ("0.9", ""), ("x", ""), ("1.7", ",\"new\":1")] {
        let other = good.replace(
            "\"format\":\"1.0\"",
            &format!("\"format\":\"{format}\"{extra}"),
        );
        let wrong = read(&other).unwrap_err();
        assert!(
            wrong.contains(&format!("has format {format}, this rewind reads 1.0")),
            "{wrong}"
        );
    }
    let newer = good.replace("\"format\":\"1.0\"", "\"format\":\"1.7\"");
    assert_eq!(
        read(&newer).unwrap()[0].format,
        "1.7",
        "nothing in it is unknown"
    );
}

#[test]
fn a_run_is_added_once_and_lines_that_are_there_stay_byte_for_byte() {
    let (_folder, path) = folder();
    assert_eq!(load(&path).unwrap(), []);
    assert_eq!(append(&path, &good(1)).unwrap(), Added::New);
    // Somebody's editor took the end of the line.
    let text = std::fs::read_to_string(&path).unwrap();
    let spaced = text.trim_end().replacen("{\"format\"", "{ \"format\"", 1);
    std::fs::write(&path, &spaced).unwrap();
    assert_eq!(append(&path, &good(1)).unwrap(), Added::Known);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), spaced);
    assert_eq!(append(&path, &red(2)).unwrap(), Added::New);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{spaced}\n{}\n", line(&red(2))));
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_broken_history_is_left_as_it_is() {
    let (_folder, path) = folder();
    std::fs::write(&path, "no run\n").unwrap();
    assert!(append(&path, &good(1)).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "no run\n");
}

#[test]
fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
    let (_folder, path) = folder();
    let real = path.with_file_name("real.jsonl");
    std::fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    append(&path, &good(1)).unwrap();
    assert!(path.is_symlink());
    assert_eq!(load(&real).unwrap().len(), 1);
}

#[test]
fn runs_that_are_added_at_the_same_time_are_all_there() {
    let (_folder, path) = folder();
    std::thread::scope(|scope| {
        for nth in 0..12 {
            let path = &path;
            scope.spawn(move || append(path, &good(nth)).unwrap());
        }
    });
    let mut runs = load(&path).unwrap();
    runs.sort_by_key(|run| run.started_at);
    let expected: Vec<Entry> = (0..12).map(good).collect();
    assert_eq!(runs, expected);
}

fn past(entries: &[Entry]) -> Past {
    let mut found = pasts(entries, Past::POINTS);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn a_trend_is_in_the_order_of_time_and_adds_up_the_forks() {
    let mut two = night(1, Verdict::Suspect, 4, 5).scored(0.8);
    let mut other = two.forks[0].clone();
    other.fork = "start".to_owned();
    (other.verdict, other.samples, other.passed) = (Verdict::Broken, 3, 0);
    other.is_gating = false;
    other.scores.insert(
        "correctness".to_owned(),
        MeanScore {
            mean: 0.4,
            samples: 15,
        },
    );
    two.forks.push(other);
    let found = past(&[good(2), two]);
    assert_eq!(found.runs, 2);
    let first = &found.points[0];
    assert_eq!((first.passed, first.samples), (4, 8));
    assert_eq!(
        first.verdict,
        Verdict::Suspect,
        "what does not gate is not the worst"
    );
    assert!((first.scores["correctness"].mean - 0.5).abs() < 1e-12);
    assert_eq!(found.points[1].pass_rate(), Some(1.0));
    let many: Vec<Entry> = (0..50).map(good).collect();
    let found = past(&many);
    assert_eq!((found.runs, found.points.len()), (50, Past::POINTS));
    assert_eq!(found.points.last().unwrap().started_at, many[49].started_at);
}

#[test]
fn a_baseline_contradicts_itself_where_the_same_says_another_word() {
    let runs = [
        good(1),
        red(2),
        good(3),
        // Another word, but of the same colour.
        night(4, Verdict::Changed, 5, 5),
        night(5, Verdict::Suspect, 4, 5),
        // None of these repeats anything.
        red(6).on("b"),
        red(7).accepted("other"),
        red(8).with(|fork| fork.mode = Mode::Offline),
        good(9).unmeasured(),
    ];
    let flake = past(&runs).flake;
    assert_eq!((flake.repeats.count, flake.repeats.of), (3, 4));
    assert_eq!((flake.suspect.count, flake.suspect.of), (1, 8));
    assert!(
        flake.repeats.low > 0.3 && flake.repeats.high < 0.96,
        "{flake:?}"
    );
    let mut unknown = [good(1), red(2)];
    for run in &mut unknown {
        run.commit = None;
    }
    assert_eq!(past(&unknown).flake.repeats.of, 0);
}

#[test]
fn a_share_that_fell_for_good_is_found_with_the_run_that_began_it() {
    let mut runs: Vec<Entry> = (0..15).map(good).collect();
    assert_eq!(past(&runs).drift, []);
    runs.push(night(15, Verdict::Suspect, 4, 5));
    assert_eq!(past(&runs).drift, [], "one bad sample is none");
    runs[15] = good(15);
    for nth in 16..22 {
        let moved = night(nth, Verdict::PreExisting, 2, 5).on("b");
        runs.push(moved.with(|fork| fork.models = vec!["gpt-b".to_owned()]));
    }
    let found = past(&runs).drift;
    let [drift] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (drift.measure.as_str(), drift.direction),
        (CHECKS, Direction::Lower)
    );
    assert_eq!(drift.runs, 6);
    assert_eq!(drift.since, runs[16].started_at);
    assert_eq!(drift.commit.as_deref(), Some("b"));
    assert!(
        (drift.after - 0.4).abs() < 1e-9 && drift.before > 0.97,
        "{drift:?}"
    );
    assert_eq!(drift.models_before, ["gpt-a"]);
    assert_eq!(drift.models_after, ["gpt-b"]);

    // What people accepted is no drift.
    let accepted: Vec<Entry> = runs
        .iter()
        .cloned()
        .map(|run| run.accepted("new"))
        .collect();
    let both = [&runs[..15], &accepted[15..]].concat();
    assert_eq!(past(&both).drift, []);
    // Other branches have no part in it.
    let mut branches = runs[..15].to_vec();
    branches.extend(runs[15..].iter().cloned().map(|run| run.of("change")));
    assert_eq!(past(&branches).drift, []);
    // What was mended is over after some nights.
    runs.extend((22..40).map(good));
    assert_eq!(past(&runs).drift, []);
}

#[test]
fn a_share_that_rose_for_good_is_found_too() {
    let mut runs: Vec<Entry> = (0..10)
        .map(|nth| night(nth, Verdict::PreExisting, 2, 5))
        .collect();
    runs.extend((10..22).map(good));
    let found = past(&runs).drift;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].direction, Direction::Higher);
}

#[test]
fn a_score_that_slips_slowly_is_found_though_no_run_was_red() {
    let calm = |nth: u32| good(nth).scored(if nth.is_multiple_of(2) { 0.90 } else { 0.86 });
    let mut runs: Vec<Entry> = (0..16).map(calm).collect();
    assert_eq!(past(&runs).drift, []);
    runs.extend((16..30).map(|nth| good(nth).scored(0.83)));
    let found = past(&runs).drift;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].measure, "correctness");
    // The first runs below the mean count, too.
    assert!((runs[13].started_at..=runs[16].started_at).contains(&found[0].since));
}

#[test]
fn nights_without_a_change_are_hardly_ever_called_drift() {
    let mut chance = crate::stats::Random::seeded(5);
    let mut alarms = 0;
    for _suite in 0..100 {
        let runs: Vec<Entry> = (0..100)
            .map(|nth| {
                let passed = (0..5).filter(|_sample| chance.share() < 0.9).count();
                let score = (0.8 + 0.05 * chance.normal()).clamp(0.0, 1.0);
                night(nth, Verdict::Stable, u32::try_from(passed).unwrap(), 5).scored(score)
            })
            .collect();
        alarms += usize::from(!past(&runs).drift.is_empty());
    }
    assert!(alarms <= 3, "{alarms} of 100");
}

fn outcomes(runs: &[Entry]) -> Vec<Outcome> {
    let mut red = enforcing(runs, None).red;
    red.reverse();
    red.into_iter().map(|run| run.outcome).collect()
}

#[test]
fn what_became_of_a_red_run_is_told_by_the_runs_around_it() {
    use Outcome as O;
    assert_eq!(outcomes(&[good(1), red(2).on("b")]), [O::Open]);
    let again = [red(2).on("b"), red(3).on("b")];
    assert_eq!(outcomes(&again), [O::Confirmed, O::Confirmed]);
    assert_eq!(outcomes(&[red(2).on("b"), good(3).on("b")]), [O::Cleared]);
    assert_eq!(outcomes(&[good(1).on("b"), red(2).on("b")]), [O::Cleared]);
    assert_eq!(outcomes(&[red(2).on("b"), good(3).on("c")]), [O::Fixed]);
    let accepted = good(3).on("c").accepted("new");
    assert_eq!(outcomes(&[red(2).on("b"), accepted]), [O::Accepted]);
    let before = [good(1), red(2).on("b"), red(3).on("c")];
    assert_eq!(outcomes(&before), [O::Open, O::PreExisting]);
    assert_eq!(outcomes(&[red(1).unmeasured()]), [O::NotMeasured]);
    let tried = |what| red(1).with(|fork| fork.tried_again = Some(what));
    assert_eq!(outcomes(&[tried(TriedAgain::Confirmed)]), [O::Confirmed]);
}

#[test]
fn other_branches_tell_nothing_of_a_change_but_the_usual_one_says_what_was_there_before() {
    use Outcome as O;
    let trunk = |nth| good(nth).on(&format!("m{nth}"));
    let runs = [
        trunk(1),
        trunk(2),
        trunk(3),
        red(4).on("p1").of("refs/pull/7/merge"),
        red(5).on("q1").of("refs/pull/8/merge"),
        trunk(6),
        red(7).on("p2").of("refs/pull/7/merge"),
        good(8).on("p3").of("refs/pull/7/merge"),
    ];
    assert_eq!(outcomes(&runs), [O::Fixed, O::Open, O::Fixed]);
    let mut runs: Vec<Entry> = (1..5).map(trunk).collect();
    runs.push(red(5).on("m5"));
    runs.push(red(6).on("p1").of("refs/pull/7/merge"));
    assert_eq!(outcomes(&runs)[1], O::PreExisting);
}

#[test]
fn a_run_in_which_only_all_baselines_together_are_red_is_followed_too() {
    let mut together = good(1).on("b");
    together.verdict = crate::gate::Shown::Fail;
    together.together = Some(Verdict::Regressed);
    let found = enforcing(&[together, good(2).on("b")], None);
    assert_eq!(found.red[0].outcome, Outcome::Cleared);
    assert_eq!(found.red[0].forks, Vec::<String>::new());
}

#[test]
fn a_team_is_told_to_enforce_only_where_wrong_blocks_are_surely_rare() {
    let calm = |runs: u32| {
        (0..runs)
            .map(|nth| good(nth).on(&format!("c{nth}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(enforcing(&calm(22), None).advice, Advice::Enforce);
    assert_eq!(enforcing(&calm(10), None).advice, Advice::Wait { runs: 12 });
    // A real red, mended later, is no reason to wait.
    let mut runs = calm(30);
    runs[10] = red(10).on("c10");
    let found = enforcing(&runs, None);
    assert_eq!((found.blocked(), found.count(Outcome::Fixed)), (1, 1));
    assert_eq!(found.advice, Advice::Enforce);
    // One that the same commit contradicts is.
    let mut runs = calm(22);
    runs.push(red(22).on("c21"));
    let found = enforcing(&runs, None);
    assert_eq!(found.count(Outcome::Cleared), 1);
    assert_eq!(found.wrong.count, 1);
    assert!(matches!(found.advice, Advice::Wait { .. }), "{found:?}");
    let noisy: Vec<Entry> = (0..30)
        .flat_map(|nth| {
            [
                good(2 * nth).on(&nth.to_string()),
                red(2 * nth + 1).on(&nth.to_string()),
            ]
        })
        .collect();
    assert_eq!(enforcing(&noisy, None).advice, Advice::Advise);
    // Only the last runs count, and those before still say what was there.
    let found = enforcing(&noisy, Some(1));
    assert_eq!((found.runs, found.count(Outcome::Cleared)), (1, 1));
}

prop_compose! {
    fn any_fork()(
        baseline in "[a-z/]{1,8}",
        nth in 0_usize..13,
        numbers in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>()),
        mean in 0.0_f64..=1.0,
        bits in (any::<bool>(), any::<bool>(), any::<bool>()),
        models in proptest::collection::vec("\\PC{1,6}", 0..3),
    ) -> ForkEntry {
        let (samples, passed, cost, served_tokens, live_tokens) = numbers;
        ForkEntry {
            baseline,
            fork: "tool:x#2".to_owned(),
            verdict: Verdict::ALL[nth],
            is_gating: bits.0,
            mode: if bits.1 { Mode::Live } else { Mode::Offline },
            evidence: ContentId::of(&samples.to_le_bytes()),
            samples,
            passed,
            scores: [("an id".to_owned(), MeanScore { mean, samples })].into(),
            cost_micro_usd: crate::model::MicroUsd(cost.into()),
            served_tokens,
            live_tokens,
            models,
            tried_again: bits.2.then_some(TriedAgain::NotMeasured),
        }
    }
}

proptest! {
    #[test]
    fn every_run_reads_back_as_written(
        forks in proptest::collection::vec(any_fork(), 0..4),
        commit in proptest::option::of("\\PC{0,12}"),
        second in 0_i64..4_000_000_000,
        nanosecond in 0_i32..1_000_000_000,
        min_coverage in 0.0_f64..=1.0,
    ) {
        let mut entry = good(1);
        entry.started_at = jiff::Timestamp::new(second, nanosecond).unwrap();
        (entry.commit, entry.forks) = (commit, forks);
        entry.policy.min_coverage = min_coverage;
        let text = format!("{}\n{}\n", line(&entry), line(&good(2)));
        prop_assert_eq!(text.lines().count(), 2);
        let read = parse(&text, Utf8Path::new("x")).unwrap();
        prop_assert_eq!(read, vec![entry.clone(), good(2)]);
        // Nothing in any history makes the numbers fall over.
        let entries = [entry, good(2)];
        let found = pasts(&entries, 5);
        prop_assert!(found.iter().all(|past| past.points.len() <= 5));
        let enforced = enforcing(&entries, Some(3));
        prop_assert!(enforced.blocked() <= enforced.runs);
    }
}
