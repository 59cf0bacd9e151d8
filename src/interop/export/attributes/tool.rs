//! A call of a tool.

use super::super::span::Span;
use crate::model::ToolStep;

/// Says which tool was called.
pub(in super::super) fn describe(span: &mut Span, called: &ToolStep) {
    span.text("gen_ai.operation.name", "execute_tool");
    span.text("gen_ai.tool.name", &called.name);
    span.text("gen_ai.tool.type", "function");
}
