//! Forks: what is served before them, what goes live behind them.

use super::*;

#[test]
fn a_changed_prompt_is_drift_before_the_fork_and_live_behind_it() {
    let (timeline, mut agent) = research("be brief");
    agent.system = "be precise".into();
    let matcher = matcher(&timeline, Fork::At(StepIndex(4)), Rules::default());
    assert_eq!(
        rungs(&walk(&mut agent, &matcher)),
        ["1 drift", "3 drift", "live"]
    );
    let report = conclude(&matcher, ToolsEnd::default(), &ending("13.9 million"));
    assert_eq!(report.drift, [Drift::SystemPrompt]);
    assert_eq!(
        (report.served, report.live, report.divergences.len()),
        (2, 1, 0)
    );
}

#[test]
fn a_step_that_extends_a_live_answer_is_live_though_it_matches_nothing() {
    let (timeline, mut agent) = research("be brief");
    let matcher = matcher(&timeline, Fork::At(StepIndex(1)), Rules::default());
    agent.goes_live(&matcher, "let me see");
    agent = agent.says(Message::text(Role::User, "go on"));
    agent.goes_live(&matcher, "14 million");
    assert_eq!(
        conclude(&matcher, ToolsEnd::default(), &ending("14 million")).divergences,
        []
    );
}

#[test]
fn under_auto_a_changed_prompt_goes_live_at_once_and_stays_live() {
    let (timeline, mut agent) = research("be brief");
    agent.system = "be precise".into();
    let matcher = matcher(&timeline, Fork::Auto, Rules::default());
    agent.goes_live(&matcher, "hm");
    // Even an exact match of the recording is not served to a live lane.
    agent.system = "be brief".into();
    agent = agent.says(Message::text(Role::User, "again"));
    agent.goes_live(&matcher, "14 million");
    let report = conclude(&matcher, ToolsEnd::default(), &ending("14 million"));
    assert_eq!((report.drift, report.live), (vec![Drift::SystemPrompt], 2));
    assert_eq!(report.divergences, []);
}

#[test]
fn halting_refuses_where_moving_goes_live() {
    let (timeline, mut agent) = research("be brief");
    let rules = Rules {
        on_divergence: OnDivergence::Halt,
        ..Rules::default()
    };
    let matcher = matcher(&timeline, Fork::At(StepIndex(5)), rules);
    agent.asks(&matcher);
    let mut agent = agent.says(result("something else"));
    assert_eq!(rungs(&[agent.asks(&matcher)]), ["refused History"]);
}

#[test]
fn parallel_lanes_are_each_cut_at_the_fork_and_others_stay_served_under_auto() {
    let mut boss = [
        Agent::new("You are alpha.", "a"),
        Agent::new("You are beta.", "b"),
    ];
    let start = boss.clone();
    let mut calls = Vec::new();
    for (at, turn) in [(0_u64, 0), (10, 1)] {
        for (index, agent) in boss.iter_mut().enumerate() {
            if turn == 1 {
                *agent = agent.clone().says(Message::text(Role::User, "more"));
            }
            calls.push(agent.recorded(at + index as u64, text(&format!("{index}{turn}"))));
        }
    }
    let timeline = recording(&calls, "11");
    // Step 3 is alpha's second: alpha is live from there, beta's second is step 4, behind the fork.
    let forked = matcher(&timeline, Fork::At(StepIndex(3)), Rules::default());
    let mut agents = start.clone();
    let first: Vec<_> = agents.iter_mut().map(|agent| agent.asks(&forked)).collect();
    assert_eq!(rungs(&first), ["1 exact", "2 exact"]);
    for agent in &mut agents {
        *agent = agent.clone().says(Message::text(Role::User, "more"));
        agent.goes_live(&forked, "x");
    }
    assert_eq!(
        conclude(&forked, ToolsEnd::default(), &ending("x")).divergences,
        []
    );
    // Under auto a change in alpha leaves beta on the recording.
    let auto = matcher(&timeline, Fork::Auto, Rules::default());
    let [mut alpha, mut beta] = start;
    alpha.system = "You are alpha two.".into();
    alpha.goes_live(&auto, "x");
    beta.asks(&auto);
    beta = beta.says(Message::text(Role::User, "more"));
    assert_eq!(rungs(&[beta.asks(&auto)]), ["4 exact"]);
}

#[test]
fn a_request_equal_to_a_step_behind_the_fork_is_live_whatever_resembles_it_before() {
    // Three experts get the same question; only their prompts tell them apart.
    let experts = ["history", "food", "transport"].map(|view| Agent::new(view, "Lima?"));
    let mut at = 0;
    let calls = experts.clone().map(|mut expert| {
        at += 1;
        let answer = text(&format!("a note on {}", expert.system));
        expert.recorded(at, answer)
    });
    let timeline = recording(&calls, "a note on transport");
    // In whatever order they ask, the third is live and the others get their own answers.
    for order in [[0, 1, 2], [2, 0, 1], [0, 2, 1]] {
        let forked = matcher(&timeline, Fork::At(StepIndex(3)), Rules::default());
        for index in order {
            let mut expert = experts[index].clone();
            if index == 2 {
                expert.goes_live(&forked, "live");
            } else {
                let wanted = format!("{} exact", index + 1);
                assert_eq!(rungs(&[expert.asks(&forked)]), [wanted], "{order:?}");
            }
        }
        assert_eq!(
            conclude(&forked, ToolsEnd::default(), &ending("live")).divergences,
            [],
            "{order:?}"
        );
    }
}

#[test]
fn a_new_conversation_before_the_fork_is_judged_when_the_run_ends() {
    let (timeline, mut agent) = research("s");
    let matcher = matcher(&timeline, Fork::At(StepIndex(5)), Rules::default());
    let mut stranger = Agent::new("s", "title for this chat?");
    stranger.goes_live(&matcher, "Tokyo");
    let served = walk(&mut agent, &matcher);
    assert_eq!(rungs(&served), ["1 exact", "3 exact", "live"]);
    // The recorded path was followed as well, so the new conversation is no divergence.
    assert_eq!(
        conclude(&matcher, ToolsEnd::default(), &ending("x")).divergences,
        []
    );
}
