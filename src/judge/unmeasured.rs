//! Why a judge has not measured.

/// Why there is no score. It is neither 0 nor a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasured {
    /// The run has nothing to judge.
    #[error("the timeline has no final answer to judge")]
    NoAnswer,
    /// What is judged is longer than a judge should be sent.
    #[error("what is to be judged has {found} bytes, more than the {limit} that a judge is sent")]
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The most bytes.
        limit: usize,
    },
    /// The judge's provider could not be reached, or its answer broke off.
    #[error("the judge did not answer: {0}")]
    NoReply(String),
    /// The judge's provider refused the request.
    #[error("the judge's provider answered with status {status}: {message}")]
    Status {
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The time of a vote was over.
    #[error("the judge had no verdict within {seconds} s{last}")]
    Deadline {
        /// The time allowed.
        seconds: u64,
        /// What happened last, with a separator before it; empty for nothing.
        last: String,
    },
    /// What may be spent is spent.
    #[error("the judge's budget is spent; raise `max_usd` in [judge]")]
    Budget,
    /// The judge refused to judge.
    #[error("the judge refused to judge this")]
    Refused,
    /// The judge's answer was cut off at its token limit.
    #[error("the judge's answer was cut off at its token limit")]
    Cut,
    /// The answer is not what was asked for, also after one repair.
    #[error("the judge's answer can't be used, also after one repair: {0}")]
    Malformed(Malformed),
    /// A quote does not stand in what was judged.
    #[error(
        "the judge quotes as evidence for `{statement}` what does not stand in the judged text"
    )]
    Evidence {
        /// The statement.
        statement: String,
    },
    /// A pass without any quote.
    #[error("the judge passes `{statement}` without quoting any evidence")]
    NoEvidence {
        /// The statement.
        statement: String,
    },
    /// The judge got wrong what is known.
    #[error("the judge failed a canary: {0}")]
    Canary(String),
    /// A program that judges has not judged.
    #[error("the program {0}")]
    Program(String),
    /// Too few judges of a panel have measured.
    #[error(
        "{measured} of {judges} judges were measured, which is no majority; the last other one, {last}"
    )]
    Panel {
        /// How many judges have a score.
        measured: usize,
        /// How many judges there are.
        judges: usize,
        /// Who of the others comes last, and why it has none.
        last: String,
    },
    /// Too few votes were measured.
    #[error(
        "{measured} of {votes} votes were measured, which is no majority; the last one: {last}"
    )]
    Votes {
        /// How many votes were measured.
        measured: usize,
        /// How many were asked for.
        votes: usize,
        /// Why the last one was not.
        last: String,
    },
}

/// What is wrong with an answer; names nothing that the judge wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not JSON of the schema.
    #[error("it is not one JSON object in the schema ({0})")]
    Schema(String),
    /// It says nothing on a statement.
    #[error("it has no verdict on `{0}`")]
    Missing(String),
    /// It has two verdicts on a statement.
    #[error("it has more than one verdict on `{0}`")]
    Twice(String),
    /// It has a verdict on a statement that was not asked for.
    #[error("it has a verdict on a statement that was not asked for")]
    Unasked,
    /// A score that is none.
    #[error("`score` of `{0}` is not a number from 0 to 1")]
    Range(String),
    /// Score and pass say different things.
    #[error(
        "`pass` of `{0}` contradicts its `score`: a score of 0.5 and more passes, one below does not"
    )]
    Contradiction(String),
    /// An empty quote.
    #[error("a quote in the evidence for `{0}` is empty")]
    EmptyQuote(String),
}
