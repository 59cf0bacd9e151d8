//! The steps of a timeline as a tree: agents, their model calls, the tools those call, and the
//! sub-agents that run under a tool.

use std::collections::BTreeMap;

use crate::lineage::{Origin, origins};
use crate::model::{LaneId, Step, StepIndex, Timeline};

/// A line of the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Item<'a> {
    /// An agent: one conversation, or the part of it that is this agent's.
    Agent(&'a str),
    /// A step.
    Step(&'a Step),
}

/// A line of the tree with the lines that draw its branch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line<'a> {
    /// What stands there.
    pub(super) item: Item<'a>,
    /// The branch before it, such as `│  ├─ `.
    pub(super) branch: String,
}

struct Node<'a> {
    item: Item<'a>,
    children: Vec<usize>,
}

/// Returns the lines of the tree from top to bottom.
pub(super) fn lines(timeline: &Timeline) -> Vec<Line<'_>> {
    let (nodes, roots) = build(timeline);
    let mut lines = Vec::with_capacity(nodes.len());
    // A stack instead of recursion: sub-agents may be nested as deep as a session is long.
    let mut open: Vec<(usize, String, Place)> = roots
        .into_iter()
        .rev()
        .map(|root| (root, String::new(), Place::Root))
        .collect();
    while let Some((index, prefix, place)) = open.pop() {
        let Some(node) = nodes.get(index) else {
            continue;
        };
        let (own, below) = match place {
            Place::Root => ("", ""),
            Place::Inner => ("├─ ", "│  "),
            Place::Last => ("└─ ", "   "),
        };
        lines.push(Line {
            item: node.item,
            branch: format!("{prefix}{own}"),
        });
        let deeper = if prefix.chars().count() < MAX_INDENT {
            format!("{prefix}{below}")
        } else {
            prefix
        };
        let last = node.children.last().copied();
        open.extend(node.children.iter().rev().map(|child| {
            let place = if Some(*child) == last {
                Place::Last
            } else {
                Place::Inner
            };
            (*child, deeper.clone(), place)
        }));
    }
    lines
}

#[derive(Clone, Copy)]
enum Place {
    Root,
    Inner,
    Last,
}

fn build(timeline: &Timeline) -> (Vec<Node<'_>>, Vec<usize>) {
    let origins = origins(&timeline.steps);
    let mut nodes: Vec<Node<'_>> = Vec::with_capacity(timeline.steps.len().saturating_mul(2));
    let mut roots = Vec::new();
    let mut of_step: BTreeMap<StepIndex, usize> = BTreeMap::new();
    // The node of the agent that a lane is at.
    let mut of_lane: BTreeMap<LaneId, (usize, &str)> = BTreeMap::new();
    for step in &timeline.steps {
        let number = nodes.len();
        nodes.push(Node {
            item: Item::Step(step),
            children: Vec::new(),
        });
        of_step.insert(step.number, number);
        let parent = match step.tool() {
            Some(tool) => (tool.called_by.or(step.parent)).and_then(|by| of_step.get(&by).copied()),
            None => match of_lane.get(&step.lane) {
                Some((agent, name)) if *name == step.agent => Some(*agent),
                Some(_) | None => {
                    let agent = nodes.len();
                    nodes.push(Node {
                        item: Item::Agent(&step.agent),
                        children: Vec::new(),
                    });
                    of_lane.insert(step.lane, (agent, &step.agent));
                    let started_by = match origins.get(&step.lane) {
                        Some(Origin::Tool(by) | Origin::Branch(by)) => of_step.get(by).copied(),
                        Some(Origin::Root) | None => None,
                    };
                    attach(&mut nodes, &mut roots, started_by, agent);
                    Some(agent)
                }
            },
        };
        attach(&mut nodes, &mut roots, parent, number);
    }
    (nodes, roots)
}

fn attach(nodes: &mut [Node<'_>], roots: &mut Vec<usize>, parent: Option<usize>, child: usize) {
    match parent.and_then(|parent| nodes.get_mut(parent)) {
        Some(parent) => parent.children.push(child),
        None => roots.push(child),
    }
}

/// Beyond this many characters the tree is not indented any further.
const MAX_INDENT: usize = 36;
