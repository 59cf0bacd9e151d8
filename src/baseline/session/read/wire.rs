//! `wire.jsonl`: what differs with each recording.

use std::collections::HashMap;

use camino::Utf8Path;

use super::super::error::Wrong;
use super::super::lines::{ExchangeLine, WireHead, WireLine};
use super::super::manifest::Manifest;
use super::super::{FormatError, WIRE};
use super::file::File;
use crate::model::{Ancillary, Exchange, Message};
use crate::wirecodec::{self, Known};

/// What `wire.jsonl` says, until it is used.
pub(super) struct Wire {
    pub(super) file: File,
    pub(super) head: WireHead,
    pub(super) steps: HashMap<(String, u32), (usize, WireLine)>,
    pub(super) ancillary: HashMap<String, Vec<Ancillary>>,
}

impl Wire {
    pub(super) fn read(dir: &Utf8Path, manifest: &Manifest) -> Result<Self, FormatError> {
        let file = File::open(dir, WIRE)?;
        let Some((_number, first)) = file.lines().next() else {
            let detail = "expected a line with `session` and `recorded_at`, found nothing";
            return Err(file.wrong(1, Wrong(detail.to_owned())));
        };
        let head: WireHead = file.parse(1, first)?;
        if head.started_at.len() != manifest.timelines.len() {
            let expected = manifest.timelines.len();
            let detail =
                format!("expected {expected} times in `started_at`, one for each timeline");
            return Err(file.wrong(1, Wrong(detail)));
        }
        let mut steps = HashMap::new();
        let mut ancillary: HashMap<String, Vec<Ancillary>> = HashMap::new();
        for (number, line) in file.lines().skip(1) {
            let line: WireLine = file.parse(number, line)?;
            let wrong = |detail: String| file.wrong(number, Wrong(detail));
            if !manifest
                .timelines
                .iter()
                .any(|entry| entry.label == line.timeline)
            {
                return Err(wrong(format!(
                    "`{}` is no timeline of session.toml",
                    line.timeline
                )));
            }
            match (line.step, line.ancillary) {
                (Some(step), None) => {
                    let key = (line.timeline.clone(), step);
                    let line = WireLine {
                        ancillary: None,
                        ..line
                    };
                    if steps.insert(key, (number, line)).is_some() {
                        return Err(wrong(format!("step {step} is there twice")));
                    }
                }
                (None, Some(found)) => {
                    let exchange = exchange(found.exchange, None)
                        .map_err(|error| file.wrong(number, error))?;
                    ancillary.entry(line.timeline).or_default().push(Ancillary {
                        provider: found.provider,
                        body: found.body,
                        exchange,
                    });
                }
                (Some(_), Some(_)) | (None, None) => {
                    return Err(wrong("expected either `step` or `ancillary`".to_owned()));
                }
            }
        }
        Ok(Self {
            file,
            head,
            steps,
            ancillary,
        })
    }

    /// Fails for lines that belong to no step.
    pub(super) fn check_empty(&self) -> Result<(), FormatError> {
        let left_over = self
            .steps
            .iter()
            .map(|(key, (number, _line))| (*number, key))
            .min();
        left_over.map_or(Ok(()), |(number, (label, step))| {
            let detail = format!("`{label}` has no step {step} in steps.jsonl");
            Err(self.file.wrong(number, Wrong(detail)))
        })
    }
}

/// Returns the exchange of a line; `output` is the call's answer.
pub(super) fn exchange(line: ExchangeLine, output: Option<&Message>) -> Result<Exchange, Wrong> {
    let known = Known {
        output,
        ..Known::default()
    };
    let body = line
        .body
        .map(|body| wirecodec::decode(&body, known))
        .transpose();
    Ok(Exchange {
        method: line.method,
        path: line.path,
        fingerprint: line.fingerprint,
        status: line.status,
        headers: line.headers,
        body: body.map_err(|error| Wrong(format!("`body`: {error}")))?,
        truncated: line.truncated,
    })
}
