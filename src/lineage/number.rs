//! Orders and numbers the steps of a timeline.

use std::collections::HashMap;

use super::captured::{Group, Linked};
use super::links::Traced;
use crate::model::{
    Call, Captured, LaneId, Part, Status, Step, StepIndex, StepKind, Timeline, ToolStep,
};

/// What will be a step: a call, one of a call's tool calls, or a captured call that no model asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Item {
    Model(usize),
    Tool { owner: usize, index: u32 },
    Alone(usize),
}

/// All that becomes steps.
#[derive(Clone, Copy)]
struct All<'a> {
    traced: &'a [Traced],
    linked: &'a Linked,
}

/// Returns the steps in the order in which they began.
pub(super) fn by_time(traced: &[Traced], linked: &Linked) -> Vec<Step> {
    let all = All { traced, linked };
    let mut items = all.items();
    items.sort_by_key(|item| all.began(*item));
    all.steps(&items)
}

/// Returns the steps of a fork: what was served before the fork in the parent's order, the rest by time.
pub(super) fn after_parent(traced: &[Traced], linked: &Linked, parent: &Timeline) -> Vec<Step> {
    let all = All { traced, linked };
    let calls: Vec<_> = traced.iter().map(|traced| traced.call.clone()).collect();
    let fork = super::first_unserved(&calls, parent);
    let tools: HashMap<(StepIndex, u32), StepIndex> = parent
        .steps
        .iter()
        .filter_map(|step| {
            let tool = step.tool()?;
            Some(((tool.called_by?, tool.call_index), step.number))
        })
        .collect();
    let inherited = |item: Item| {
        let number = match item {
            Item::Model(index) => served_step(traced, index),
            Item::Tool { owner, index } => {
                served_step(traced, owner).and_then(|owner| tools.get(&(owner, index)).copied())
            }
            Item::Alone(index) => linked.alone.get(index).and_then(served_group),
        };
        number.filter(|number| fork.is_none_or(|fork| *number < fork))
    };
    let mut items = all.items();
    items.sort_by_key(|item| {
        let number = inherited(*item);
        (number.is_none(), number, all.began(*item))
    });
    all.steps(&items)
}

fn served_step(traced: &[Traced], index: usize) -> Option<StepIndex> {
    let served = traced.get(index)?.call.served.as_ref();
    served.map(|served| served.step)
}

fn served_group(group: &Group) -> Option<StepIndex> {
    group.first()?.served.as_ref().map(|served| served.step)
}

impl All<'_> {
    fn items(self) -> Vec<Item> {
        let mut items = Vec::with_capacity(self.traced.len().saturating_mul(2));
        for (owner, one) in self.traced.iter().enumerate() {
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
        items.extend((0..self.linked.alone.len()).map(Item::Alone));
        items
    }

    /// Returns the sort key of an item: its beginning; of equal ones tools go first, then call order.
    fn began(self, item: Item) -> (u64, bool, usize, u32) {
        let time = |index: usize, of: fn(&Call) -> u64| {
            self.traced.get(index).map_or(0, |one| of(&one.call))
        };
        match item {
            Item::Model(index) => (time(index, |call| call.began_us), true, index, 0),
            // Also a captured one: parallel calls begin in another order in every run.
            Item::Tool { owner, index } => (time(owner, |call| call.ended_us), false, owner, index),
            Item::Alone(index) => {
                let captured = self.linked.alone.get(index).and_then(times);
                let began = captured.map_or(0, |(began, _ended)| began);
                (
                    began,
                    false,
                    usize::MAX,
                    u32::try_from(index).unwrap_or(u32::MAX),
                )
            }
        }
    }

    fn steps(self, items: &[Item]) -> Vec<Step> {
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
                    Item::Model(index) => Some(model_step(self.traced.get(index)?, own, number)),
                    Item::Tool { owner, index } => {
                        let group = self.linked.answering.get(&(owner, index));
                        let owner = (self.traced.get(owner)?, number(owner)?);
                        tool_step(owner, own, index, group, number)
                    }
                    Item::Alone(index) => {
                        let group = self.linked.alone.get(index)?;
                        self.own_step(group, own, number)
                    }
                }
            })
            .collect()
    }

    /// Returns the step of a captured call that no model asked for; it goes with the model call before it.
    fn own_step(
        self,
        group: &Group,
        number: StepIndex,
        number_of: impl Fn(usize) -> Option<StepIndex>,
    ) -> Option<Step> {
        let outer = group.first()?;
        let (began_us, ended_us) = times(group)?;
        let before = (0..)
            .zip(self.traced)
            .filter(|(_index, one)| one.call.ended_us <= began_us)
            .max_by_key(|(index, one)| (one.call.ended_us, *index));
        let near = before.map(|(_index, one)| one).or(self.traced.first());
        let tool = ToolStep {
            name: outer.name.clone(),
            arguments: outer.arguments.clone(),
            result: captured_result(group),
            called_by: None,
            call_index: 0,
            seen_by: None,
            captured: outer.boundary.into(),
            captures: group.clone(),
        };
        Some(Step {
            number,
            status: captured_status(group),
            kind: StepKind::Tool(tool),
            lane: near.map_or(LaneId(1), |near| near.lane),
            agent: near.map_or_else(|| AGENT.to_owned(), |near| near.agent.clone()),
            parent: before.and_then(|(index, _one)| number_of(index)),
            began_us,
            ended_us,
        })
    }
}

/// The agent of a run in which no model was asked.
const AGENT: &str = "agent";

/// Returns beginning and end of a captured call.
fn times(group: &Group) -> Option<(u64, u64)> {
    let began = group.iter().map(|one| one.began_us).min()?;
    let ended = group.iter().map(|one| one.ended_us).max()?;
    Some((began, ended))
}

/// Returns what the outermost boundary saw coming back, as the content of a result.
fn captured_result(group: &Group) -> Option<Vec<Part>> {
    let outcome = group.first()?.outcome.as_ref()?;
    let text = outcome.result.as_str().map(str::to_owned);
    let text = text.unwrap_or_else(|| outcome.result.to_string());
    Some(vec![Part::text(text)])
}

fn captured_status(group: &Group) -> Status {
    match group.first().and_then(|outer| outer.outcome.as_ref()) {
        None => Status::NoResult,
        Some(outcome) if outcome.is_error => Status::Error,
        Some(_) => Status::Ok,
    }
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
    (owner, called_by): (&Traced, StepIndex),
    number: StepIndex,
    call_index: u32,
    group: Option<&Group>,
    number_of: impl Fn(usize) -> Option<StepIndex>,
) -> Option<Step> {
    let output = owner.call.response.output.as_ref()?;
    let (name, arguments) = output.tool_calls().nth(call_index as usize)?;
    let result = owner.results.get(&call_index);
    let status = match (result, group) {
        (None, None) => Status::NoResult,
        (None, Some(group)) => captured_status(group),
        (Some(result), _) if result.is_error => Status::Error,
        // Most dialects don't say that a result is an error; whoever ran the tool knows.
        (Some(_), Some(group)) if captured_status(group) == Status::Error => Status::Error,
        (Some(_), _) => Status::Ok,
    };
    let told = result.map(|result| result.content.clone());
    let outer = group.and_then(|group| group.first());
    let tool = ToolStep {
        name: name.to_owned(),
        arguments: arguments.clone(),
        result: told.or_else(|| group.and_then(captured_result)),
        called_by: Some(called_by),
        call_index,
        seen_by: result.and_then(|result| number_of(result.seen_by)),
        captured: outer.map_or(Captured::Messages, |outer| outer.boundary.into()),
        captures: group.cloned().unwrap_or_default(),
    };
    let derived = (owner.call.ended_us, owner.call.ended_us);
    let (began_us, ended_us) = group.and_then(times).unwrap_or(derived);
    Some(Step {
        number,
        kind: StepKind::Tool(tool),
        lane: owner.lane,
        agent: owner.agent.clone(),
        parent: Some(called_by),
        status,
        began_us,
        ended_us,
    })
}
