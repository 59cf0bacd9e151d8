//! Puts the steps of a timeline together.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::error::Wrong;
use super::super::lines::{CallLine, CaptureWire, ModelLine, StepLine, WireLine};
use super::super::pool::{self, PoolReader};
use super::super::{FormatError, WIRE, steps};
use super::file::File;
use super::wire::{Wire, exchange};
use crate::model::{Call, LaneId, Pooled, Response, Step, StepIndex, StepKind, ThreadInterner};

/// Builds the steps of one timeline.
pub(super) struct Builder<'a> {
    pub(super) file: &'a File,
    pub(super) label: &'a str,
    pub(super) pool: &'a PoolReader,
    pub(super) wire: &'a mut Wire,
    pub(super) interner: &'a mut ThreadInterner,
}

impl Builder<'_> {
    pub(super) fn steps(mut self, lines: Vec<(usize, StepLine)>) -> Result<Vec<Step>, FormatError> {
        let count = lines.len();
        let mut calls: HashMap<u32, Arc<Call>> = HashMap::new();
        for (number, line) in &lines {
            if let Some(model) = &line.model {
                let usual = u32::try_from(calls.len()).unwrap_or(u32::MAX);
                let call = self.call(*number, line.step, model, (usual, &calls))?;
                calls.insert(line.step, Arc::new(call));
            }
        }
        lines
            .into_iter()
            .map(|(number, line)| {
                let wire = self.wire_of(line.step);
                if let Some((wire_number, WireLine { call: Some(_), .. })) = &wire {
                    let detail = "expected no `call`: the step is a tool step".to_owned();
                    return Err(self.wire.file.wrong(*wire_number, Wrong(detail)));
                }
                let (us, captures) = wire.map_or((None, Vec::new()), |(_number, wire)| {
                    (wire.us, wire.captures)
                });
                self.step(line, count, (us, captures), &calls)
                    .map_err(|wrong| self.file.wrong(number, wrong))
            })
            .collect()
    }

    fn wire_of(&mut self, step: u32) -> Option<(usize, WireLine)> {
        self.wire.steps.remove(&(self.label.to_owned(), step))
    }

    fn call(
        &mut self,
        number: usize,
        step: u32,
        line: &ModelLine,
        (usual, earlier): (u32, &HashMap<u32, Arc<Call>>),
    ) -> Result<Call, FormatError> {
        let wrong = |wrong: Wrong| self.file.wrong(number, wrong);
        let frame = self.pool.frame(&line.request).map_err(wrong)?;
        let provider = frame.0.provider.clone();
        let thread = steps::history(line, earlier, self.pool, self.interner).map_err(wrong)?;
        let key = (self.label.to_owned(), step);
        let Some((wire_number, wire)) = self.wire.steps.get_mut(&key) else {
            let detail = format!("{WIRE} has no line for this step; record the session again");
            return Err(wrong(Wrong(detail)));
        };
        let Some(wire_call) = wire.call.take() else {
            let detail = "expected `call` for a model step".to_owned();
            return Err(self.wire.file.wrong(*wire_number, Wrong(detail)));
        };
        let wire_number = *wire_number;
        let response = response(line, &wire_call, self.pool).map_err(wrong)?;
        let output = response.output.as_deref().map(Pooled::value);
        let exchange = exchange(wire_call.exchange, output)
            .map_err(|wrong| self.wire.file.wrong(wire_number, wrong))?;
        Ok(Call {
            ordinal: line.ordinal.unwrap_or(usual),
            provider,
            request: pool::request(frame, thread),
            no_ops: wire_call.no_ops,
            response,
            exchange,
            attempts: wire_call.attempts,
            began_us: wire_call.began_us,
            first_byte_us: wire_call.first_byte_us,
            ended_us: wire_call.ended_us,
            served: line.served.clone(),
            lost: line.lost.clone(),
        })
    }

    fn step(
        &self,
        line: StepLine,
        count: usize,
        (us, captures): (Option<(u64, u64)>, Vec<CaptureWire>),
        calls: &HashMap<u32, Arc<Call>>,
    ) -> Result<Step, Wrong> {
        let parent = line.parent.filter(|parent| {
            *parent == 0
                || *parent == line.step
                || usize::try_from(*parent).is_ok_and(|p| p > count)
        });
        if let Some(parent) = parent {
            return Err(Wrong(format!(
                "`parent`: {parent} is no other step of `{}`",
                self.label
            )));
        }
        let (kind, usual) = match (line.model, line.tool) {
            (Some(_model), None) => {
                let call = calls
                    .get(&line.step)
                    .ok_or_else(|| Wrong("its call is missing".to_owned()))?;
                let times = (call.began_us, call.ended_us);
                (StepKind::Model(Arc::clone(call)), Some(times))
            }
            (None, Some(tool)) => {
                let tool = steps::tool_step(tool, captures, calls, self.pool)?;
                let caller = tool.called_by.and_then(|by| calls.get(&by.0));
                let times = caller.map(|call| (call.ended_us, call.ended_us));
                (StepKind::Tool(tool), times)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(Wrong("expected either `model` or `tool`".to_owned()));
            }
        };
        let (began_us, ended_us) = us.or(usual).unwrap_or_default();
        Ok(Step {
            number: StepIndex(line.step),
            kind,
            lane: LaneId(line.lane),
            agent: line.agent,
            parent: line.parent.map(StepIndex),
            status: line.status,
            began_us,
            ended_us,
        })
    }
}

fn response(line: &ModelLine, wire: &CallLine, pool: &PoolReader) -> Result<Response, Wrong> {
    let output = line.output.as_deref();
    Ok(Response {
        output: output.map(|id| pool.message(id)).transpose()?,
        alternatives: line
            .alternatives
            .iter()
            .map(|id| pool.message(id))
            .collect::<Result<_, Wrong>>()?,
        finish: line.finish.clone(),
        model: line.answered_by.clone(),
        usage: line.usage.map(Into::into),
        error: line.error.clone(),
        id: wire.id.clone(),
        call_ids: wire.call_ids.clone(),
        volatile: wire.volatile.clone(),
    })
}
