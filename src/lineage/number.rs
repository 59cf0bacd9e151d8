//! Orders and numbers the steps of a timeline.

use std::collections::HashMap;

use super::links::Traced;
use crate::model::{Call, Captured, Status, Step, StepIndex, StepKind, Timeline, ToolStep};

/// What will be a step: a call, or one of a call's tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Item {
    Model(usize),
    Tool { owner: usize, index: u32 },
}

/// Returns the steps in the order in which they began.
pub(super) fn by_time(traced: &[Traced]) -> Vec<Step> {
    let mut items = items(traced);
    items.sort_by_key(|item| began(traced, *item));
    steps(traced, &items)
}

/// Returns the steps of a fork: what was served before the fork in the parent's order, the rest by time.
pub(super) fn after_parent(traced: &[Traced], parent: &Timeline) -> Vec<Step> {
    let calls: Vec<_> = traced.iter().map(|traced| traced.call.clone()).collect();
    let fork = super::first_unserved(&calls, parent);
    let tools: HashMap<(StepIndex, u32), StepIndex> = parent
        .steps
        .iter()
        .filter_map(|step| {
            step.tool()
                .map(|tool| ((tool.called_by, tool.call_index), step.number))
        })
        .collect();
    let inherited = |item: Item| {
        let number = match item {
            Item::Model(index) => served_step(traced, index),
            Item::Tool { owner, index } => {
                served_step(traced, owner).and_then(|owner| tools.get(&(owner, index)).copied())
            }
        };
        number.filter(|number| fork.is_none_or(|fork| *number < fork))
    };
    let mut items = items(traced);
    items.sort_by_key(|item| {
        let number = inherited(*item);
        (number.is_none(), number, began(traced, *item))
    });
    steps(traced, &items)
}

fn served_step(traced: &[Traced], index: usize) -> Option<StepIndex> {
    traced
        .get(index)?
        .call
        .served
        .as_ref()
        .map(|served| served.step)
}

fn items(traced: &[Traced]) -> Vec<Item> {
    let mut items = Vec::with_capacity(traced.len().saturating_mul(2));
    for (owner, one) in traced.iter().enumerate() {
        items.push(Item::Model(owner));
        let calls = one
            .call
            .response
            .output
            .iter()
            .flat_map(|output| output.tool_calls());
        items.extend(
            (0_u32..)
                .zip(calls)
                .map(|(index, _call)| Item::Tool { owner, index }),
        );
    }
    items
}

/// Returns the sort key of an item: its beginning; of equal ones tools go first, then call order.
fn began(traced: &[Traced], item: Item) -> (u64, bool, usize, u32) {
    let time =
        |index: usize, of: fn(&Call) -> u64| traced.get(index).map_or(0, |one| of(&one.call));
    match item {
        Item::Model(index) => (time(index, |call| call.began_us), true, index, 0),
        Item::Tool { owner, index } => (time(owner, |call| call.ended_us), false, owner, index),
    }
}

fn steps(traced: &[Traced], items: &[Item]) -> Vec<Step> {
    let numbers: HashMap<Item, StepIndex> = (1_u32..)
        .zip(items)
        .map(|(number, item)| (*item, StepIndex(number)))
        .collect();
    let number = |index: usize| numbers.get(&Item::Model(index)).copied();
    items
        .iter()
        .filter_map(|item| {
            let own = numbers.get(item).copied()?;
            match *item {
                Item::Model(index) => Some(model_step(traced.get(index)?, own, number)),
                Item::Tool { owner, index } => {
                    tool_step(traced.get(owner)?, own, number(owner)?, index, number)
                }
            }
        })
        .collect()
}

fn model_step(
    traced: &Traced,
    number: StepIndex,
    number_of: impl Fn(usize) -> Option<StepIndex>,
) -> Step {
    let call = &traced.call;
    let status = if call.exchange.truncated {
        Status::Partial
    } else if call.is_ok() {
        Status::Ok
    } else {
        Status::Error
    };
    Step {
        number,
        kind: StepKind::Model(call.clone()),
        lane: traced.lane,
        agent: traced.agent.clone(),
        parent: traced.parent.and_then(number_of),
        status,
        began_us: call.began_us,
        ended_us: call.ended_us,
    }
}

fn tool_step(
    owner: &Traced,
    number: StepIndex,
    called_by: StepIndex,
    call_index: u32,
    number_of: impl Fn(usize) -> Option<StepIndex>,
) -> Option<Step> {
    let output = owner.call.response.output.as_ref()?;
    let (name, arguments) = output.tool_calls().nth(call_index as usize)?;
    let result = owner.results.get(&call_index);
    let status = match result {
        None => Status::NoResult,
        Some(result) if result.is_error => Status::Error,
        Some(_) => Status::Ok,
    };
    let tool = ToolStep {
        name: name.to_owned(),
        arguments: arguments.clone(),
        result: result.map(|result| result.content.clone()),
        called_by,
        call_index,
        seen_by: result.and_then(|result| number_of(result.seen_by)),
        captured: Captured::Messages,
    };
    Some(Step {
        number,
        kind: StepKind::Tool(tool),
        lane: owner.lane,
        agent: owner.agent.clone(),
        parent: Some(called_by),
        status,
        began_us: owner.call.ended_us,
        ended_us: owner.call.ended_us,
    })
}
