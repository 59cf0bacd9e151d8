//! Tokens from attributes.

use super::langfuse::tokens;
use crate::interop::span::Span;
use crate::model::Usage;

/// The names of the attributes that count tokens.
pub(crate) struct UsageNames {
    input: &'static [&'static str],
    cached: &'static [&'static str],
    written: &'static [&'static str],
    output: &'static [&'static str],
    reasoning: &'static [&'static str],
}

/// Those of OpenInference.
pub(super) const OPENINFERENCE: UsageNames = UsageNames {
    input: &["llm.token_count.prompt"],
    cached: &["llm.token_count.prompt_details.cache_read"],
    written: &["llm.token_count.prompt_details.cache_write"],
    output: &["llm.token_count.completion"],
    reasoning: &["llm.token_count.completion_details.reasoning"],
};

/// Those of the `GenAI` conventions, and of those before them.
pub(super) const GEN_AI: UsageNames = UsageNames {
    input: &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
    cached: &[
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens",
    ],
    written: &[
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ],
    output: &[
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
    ],
    reasoning: &[
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.reasoning_tokens",
    ],
};

/// Those of the Vercel AI SDK.
pub(super) const VERCEL: UsageNames = UsageNames {
    input: &["ai.usage.inputTokens", "ai.usage.promptTokens"],
    cached: &[
        "ai.usage.cachedInputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
    ],
    written: &["ai.usage.inputTokenDetails.cacheWriteTokens"],
    output: &["ai.usage.outputTokens", "ai.usage.completionTokens"],
    reasoning: &[
        "ai.usage.reasoningTokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
    ],
};

/// Returns the tokens that the attributes of these names count; `None` where neither side is counted.
pub(crate) fn usage_of(span: &Span, names: &UsageNames) -> Option<Usage> {
    if span.any(names.input).is_none() && span.any(names.output).is_none() {
        return None;
    }
    let count = |names: &[&str]| span.any(names).map_or(0, tokens);
    Some(Usage {
        input: count(names.input),
        cached_input: count(names.cached),
        cache_write: count(names.written),
        output: count(names.output),
        reasoning: count(names.reasoning),
    })
}
