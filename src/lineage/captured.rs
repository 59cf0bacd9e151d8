//! Finds which of the model's tool calls a captured call answers, and which captured calls are one.

use std::collections::HashMap;
use std::sync::Arc;

use super::links::Traced;
use crate::model::{Boundary, Response, ToolCapture};

/// A captured call, and those seen inside it: the outermost first.
pub(super) type Group = Vec<Arc<ToolCapture>>;

/// One of the model's tool calls: the index of the model call, and the place among its answer's calls.
type Place = (usize, u32);

/// Captured calls with their places.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// Those that answer a tool call of the model.
    pub(super) answering: HashMap<Place, Group>,
    /// Those that no model asked for, in the order of their beginning.
    pub(super) alone: Vec<Group>,
}

/// Returns the captured calls with their places.
pub(super) fn link(traced: &[Traced], captures: &[Arc<ToolCapture>]) -> Linked {
    let mut linked = Linked::default();
    if captures.is_empty() {
        return linked;
    }
    let asked = Asked::of(traced);
    for group in groups(captures) {
        let Some(outer) = group.first() else { continue };
        let place = asked.place(outer, &linked.answering);
        match place {
            Some(place) => linked.answering.entry(place).or_default().extend(group),
            None => linked.alone.push(group),
        }
    }
    linked.fold();
    linked
}

impl Linked {
    /// Puts a call that no model asked for into the only step that was being worked on all the while:
    /// a tool that calls another tool.
    fn fold(&mut self) {
        for group in std::mem::take(&mut self.alone) {
            let around = self.answering.iter().filter(|(_place, outer)| {
                let both = outer.first().zip(group.first());
                both.is_some_and(|(outer, inner)| {
                    depth(outer.boundary) <= depth(inner.boundary) && is_while(outer, inner)
                })
            });
            let mut around = around.map(|(place, _outer)| *place);
            let only = match (around.next(), around.next()) {
                (Some(only), None) => self.answering.get_mut(&only),
                (_, _) => None,
            };
            match only {
                Some(outer) => outer.extend(group),
                None => self.alone.push(group),
            }
        }
    }
}

/// Puts calls that were seen inside another one with it; the groups are in the order of their beginning.
///
/// A call belongs to the only one of an outer boundary that ran at the time. Where several ran, it
/// belongs to the one that is the same call, and otherwise to none: nobody can tell.
fn groups(captures: &[Arc<ToolCapture>]) -> Vec<Group> {
    let mut sorted: Vec<&Arc<ToolCapture>> = captures.iter().collect();
    sorted.sort_by_key(|one| (depth(one.boundary), one.began_us, one.ordinal));
    let mut groups: Vec<Group> = Vec::new();
    for one in sorted {
        let around: Vec<usize> = (0..)
            .zip(&groups)
            .filter(|(_index, group)| group.first().is_some_and(|outer| is_around(outer, one)))
            .map(|(index, _group)| index)
            .collect();
        let same = |index: &usize| {
            let outer = groups.get(*index).and_then(|group| group.first());
            outer.is_some_and(|outer| outer.name == one.name && outer.arguments == one.arguments)
        };
        let found = match around.as_slice() {
            [only] => Some(*only),
            several => several.iter().copied().find(same),
        };
        match found.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(Arc::clone(one)),
            None => groups.push(vec![Arc::clone(one)]),
        }
    }
    groups.sort_by_key(|group| group.first().map(|one| (one.began_us, one.ordinal)));
    groups
}

fn is_around(outer: &ToolCapture, inner: &ToolCapture) -> bool {
    depth(outer.boundary) < depth(inner.boundary) && is_while(outer, inner)
}

fn is_while(outer: &ToolCapture, inner: &ToolCapture) -> bool {
    outer.began_us <= inner.began_us && inner.ended_us <= outer.ended_us
}

fn depth(boundary: Boundary) -> u8 {
    match boundary {
        Boundary::Shim => 0,
        Boundary::Mcp => 1,
        Boundary::Http => 2,
    }
}

/// The tool calls that the model asked for.
struct Asked<'t> {
    traced: &'t [Traced],
    by_id: HashMap<&'t str, Place>,
    by_name: HashMap<&'t str, Vec<Place>>,
}

impl<'t> Asked<'t> {
    fn of(traced: &'t [Traced]) -> Self {
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<&str, Vec<Place>> = HashMap::new();
        for (owner, one) in traced.iter().enumerate() {
            let response = &one.call.response;
            for ((index, (name, _arguments)), id) in (0..).zip(calls(response)).zip(
                response
                    .call_ids
                    .iter()
                    .map(Some)
                    .chain(std::iter::repeat(None)),
            ) {
                by_name.entry(name).or_default().push((owner, index));
                if let Some(id) = id.filter(|id| !id.is_empty()) {
                    by_id.entry(id.as_str()).or_insert((owner, index));
                }
            }
        }
        Self {
            traced,
            by_id,
            by_name,
        }
    }

    /// Returns the tool call that a captured call answers.
    fn place(&self, one: &ToolCapture, taken: &HashMap<Place, Group>) -> Option<Place> {
        let named = one.call_id.as_deref().and_then(|id| self.by_id.get(id));
        if let Some(place) = named {
            return Some(*place);
        }
        if one.boundary == Boundary::Http {
            return self.around(one, taken);
        }
        let free = |place: &&Place| !taken.contains_key(place) && self.has_begun(**place, one);
        let fitting: Vec<Place> = self
            .by_name
            .iter()
            .filter(|(name, _places)| is_name(name, one))
            .flat_map(|(_name, places)| places.iter().filter(free))
            .copied()
            .collect();
        let equal = |place: &&Place| self.arguments(**place) == Some(&one.arguments);
        // The latest answer that asks for it, and of its calls the first.
        let latest = fitting.iter().filter(equal).map(|place| place.0).max();
        if let Some(owner) = latest {
            let of_it = fitting.iter().filter(equal);
            return of_it.filter(|place| place.0 == owner).min().copied();
        }
        // Defaults that were filled in, or values that were converted: only where nothing else fits.
        match fitting.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Returns the only tool call that was being worked on when this HTTP request went out.
    fn around(&self, one: &ToolCapture, taken: &HashMap<Place, Group>) -> Option<Place> {
        let is_http = |group: &Group| group.iter().all(|one| one.boundary == Boundary::Http);
        let places = self.by_name.values().flatten();
        let mut open = places.filter(|place| {
            let (owner, index) = **place;
            self.traced.get(owner).is_some_and(|owner| {
                let seen_by = owner.results.get(&index).map(|result| result.seen_by);
                let seen_by = seen_by.and_then(|seen_by| self.traced.get(seen_by));
                owner.call.ended_us <= one.began_us
                    && seen_by.is_some_and(|next| one.ended_us <= next.call.began_us)
            }) && taken.get(place).is_none_or(is_http)
        });
        match (open.next(), open.next()) {
            (Some(only), None) => Some(*only),
            (_, _) => None,
        }
    }

    /// Returns whether the model had begun to answer with the tool call when this one began.
    fn has_begun(&self, (owner, _index): Place, one: &ToolCapture) -> bool {
        let owner = self.traced.get(owner);
        owner.is_some_and(|owner| owner.call.began_us <= one.began_us)
    }

    fn arguments(&self, (owner, index): Place) -> Option<&serde_json::Value> {
        let owner = self.traced.get(owner)?;
        let (_name, arguments) = calls(&owner.call.response).nth(index as usize)?;
        Some(arguments)
    }
}

fn calls(response: &Response) -> impl Iterator<Item = (&str, &serde_json::Value)> {
    let output = response.output.iter();
    output.flat_map(|output| output.tool_calls())
}

/// Returns whether the model may know a captured tool under `name`: clients put the name of an MCP
/// server before that of its tool.
fn is_name(name: &str, one: &ToolCapture) -> bool {
    if name == one.name {
        return true;
    }
    let before = name.strip_suffix(one.name.as_str());
    one.boundary == Boundary::Mcp
        && before.is_some_and(|before| before.ends_with(['_', '-', '.', '/', ':']))
}

#[cfg(test)]
mod tests;
