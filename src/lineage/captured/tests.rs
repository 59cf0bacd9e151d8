use serde_json::{Value, json};

use super::*;
use crate::lineage::assemble;
use crate::lineage::testing::Talk;
use crate::model::{Call, Captured, Status, Step, ToolOutcome};

fn capture(boundary: Boundary, name: &str, arguments: Value, us: (u64, u64)) -> Arc<ToolCapture> {
    Arc::new(ToolCapture {
        ordinal: u32::try_from(us.0).unwrap(),
        name: name.to_owned(),
        arguments,
        boundary,
        effect: None,
        server: None,
        call_id: None,
        outcome: Some(ToolOutcome {
            result: json!("done"),
            is_error: false,
        }),
        served: None,
        began_us: us.0,
        ended_us: us.1,
    })
}

fn shim(name: &str, arguments: Value, us: (u64, u64)) -> Arc<ToolCapture> {
    capture(Boundary::Shim, name, arguments, us)
}

/// Returns each tool step as `number name <- caller, captured by …`.
fn tools(steps: &[Step]) -> Vec<String> {
    let tools = steps.iter().filter_map(|step| Some((step, step.tool()?)));
    tools
        .map(|(step, tool)| {
            let seen = tool.captures.iter().map(|one| one.boundary.to_string());
            let caller = tool.called_by.map_or(0, |by| by.0);
            let seen: Vec<_> = seen.collect();
            format!(
                "{} {} <- {caller}, {}",
                step.number,
                tool.name,
                seen.join("+")
            )
        })
        .collect()
}

/// A model call ends at 1 000 000, the next one begins at 1 100 000.
fn two_calls() -> Vec<Arc<Call>> {
    Talk::new("an agent", "go")
        .calls(&[
            ("book", json!({"to": "Oslo"})),
            ("book", json!({"to": "Rome"})),
        ])
        .gets(&["a", "b"])
        .says("done")
        .calls
}

#[test]
fn a_captured_call_is_the_models_own_with_its_real_times() {
    let calls = two_calls();
    let plain = tools(&assemble(&calls, &[]));
    assert_eq!(plain, ["2 book <- 1, ", "3 book <- 1, "]);
    let seen = [
        shim("book", json!({"to": "Rome"}), (1_000_010, 1_000_030)),
        shim("book", json!({"to": "Oslo"}), (1_000_020, 1_000_090)),
    ];
    let steps = assemble(&calls, &seen);
    assert_eq!(tools(&steps), ["2 book <- 1, shim", "3 book <- 1, shim"]);
    assert_eq!(
        (steps[1].began_us, steps[1].ended_us),
        (1_000_020, 1_000_090)
    );
    assert_eq!(steps[1].duration_us(), Some(70));
    assert_eq!(steps[1].tool().unwrap().captured, Captured::Shim);
    assert_eq!(assemble(&calls, &[])[1].duration_us(), None);
}

#[test]
fn the_id_of_the_call_outweighs_its_arguments() {
    let mut calls = two_calls();
    Arc::make_mut(&mut calls[0]).response.call_ids = vec!["a".into(), "b".into()];
    let mut one = ToolCapture::clone(&shim("book", json!({"to": "Oslo"}), (1_000_010, 1_000_030)));
    one.call_id = Some("b".into());
    let steps = assemble(&calls, &[Arc::new(one)]);
    assert_eq!(tools(&steps), ["2 book <- 1, ", "3 book <- 1, shim"]);
}

#[test]
fn arguments_that_were_filled_in_fit_where_nothing_else_does() {
    let calls = Talk::new("an agent", "go")
        .uses("book", json!({"to": "Oslo"}), "a")
        .says("done")
        .calls;
    let full = shim(
        "book",
        json!({"to": "Oslo", "seats": 1}),
        (1_000_010, 1_000_020),
    );
    let other = shim("pay", json!({"to": "Oslo"}), (1_000_030, 1_000_040));
    let steps = assemble(&calls, &[full, other]);
    assert_eq!(tools(&steps), ["2 book <- 1, shim", "3 pay <- 0, shim"]);
}

#[test]
fn what_is_seen_twice_is_one_step() {
    let calls = two_calls();
    let seen = [
        shim("book", json!({"to": "Oslo"}), (1_000_010, 1_000_040)),
        capture(
            Boundary::Mcp,
            "book",
            json!({"to": "Oslo"}),
            (1_000_011, 1_000_039),
        ),
        capture(Boundary::Http, "GET x", json!({}), (1_000_012, 1_000_020)),
        // A tool that calls another tool.
        shim("helper", json!({}), (1_000_021, 1_000_022)),
        shim("book", json!({"to": "Rome"}), (1_000_050, 1_000_060)),
        // An HTTP request of the agent's own, after both.
        capture(Boundary::Http, "POST y", json!({}), (1_000_070, 1_000_080)),
    ];
    let steps = assemble(&calls, &seen);
    let expected = [
        "2 book <- 1, shim+mcp+http+shim",
        "3 book <- 1, shim",
        "4 POST y <- 0, http",
    ];
    assert_eq!(tools(&steps), expected);
    assert_eq!(steps[3].parent, Some(steps[0].number));
}

#[test]
fn a_request_during_the_only_tool_call_belongs_to_it_and_beside_several_to_none() {
    let request = || capture(Boundary::Http, "GET x", json!({}), (1_000_010, 1_000_020));
    let one = Talk::new("an agent", "go")
        .uses("search", json!({}), "found")
        .says("done")
        .calls;
    assert_eq!(
        tools(&assemble(&one, &[request()])),
        ["2 search <- 1, http"]
    );
    let steps = assemble(&two_calls(), &[request()]);
    assert_eq!(tools(&steps)[2], "4 GET x <- 0, http");
}

#[test]
fn a_tool_without_a_model_and_one_without_an_outcome_are_steps_too() {
    let mut one = ToolCapture::clone(&shim("book", json!({}), (5, 9)));
    one.outcome = None;
    let steps = assemble(&[], &[Arc::new(one)]);
    assert_eq!(tools(&steps), ["1 book <- 0, shim"]);
    assert_eq!(
        (steps[0].status, steps[0].agent.as_str()),
        (Status::NoResult, "agent")
    );
}

#[test]
fn the_name_of_an_mcp_server_may_stand_before_its_tools() {
    let calls = Talk::new("an agent", "go")
        .uses("mcp__files__read", json!({"path": "a"}), "text")
        .says("done")
        .calls;
    let seen = capture(
        Boundary::Mcp,
        "read",
        json!({"path": "a"}),
        (1_000_010, 1_000_020),
    );
    assert_eq!(
        tools(&assemble(&calls, &[seen])),
        ["2 mcp__files__read <- 1, mcp"]
    );
    let other = capture(
        Boundary::Mcp,
        "ad",
        json!({"path": "a"}),
        (1_000_010, 1_000_020),
    );
    assert_eq!(tools(&assemble(&calls, &[other])).len(), 2);
}
