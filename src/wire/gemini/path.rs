//! What the path of a request says: `/v1beta/models/MODEL:streamGenerateContent?alt=sse`.

use crate::wire::StreamForm;

/// Returns the model; `None` where the path names none.
pub(in crate::wire) fn model(path: &str) -> Option<String> {
    let (model, _verb) = parts(path)?;
    (!model.is_empty()).then(|| model.to_owned())
}

/// Returns whether a model is asked for an answer.
pub(in crate::wire) fn is_generation(last_segment: &str) -> bool {
    let verb = last_segment.rsplit_once(':').map(|(_model, verb)| verb);
    matches!(verb, Some(GENERATE | STREAM))
}

/// Returns whether tokens are to be counted.
pub(in crate::wire) fn is_count(last_segment: &str) -> bool {
    last_segment.ends_with(":countTokens")
}

/// Returns whether a stream is asked for, and in which form.
pub(in crate::wire) fn stream(path: &str) -> (bool, StreamForm) {
    let is_stream = parts(path).is_some_and(|(_model, verb)| verb == STREAM);
    let query = path.split_once('?').map_or("", |(_path, query)| query);
    let has_events = query
        .split('&')
        .any(|pair| pair == "alt=sse" || pair == "$alt=sse");
    let form = if is_stream && !has_events {
        StreamForm::Array
    } else {
        StreamForm::Events
    };
    (is_stream, form)
}

fn parts(path: &str) -> Option<(&str, &str)> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.rsplit_once(':')
}

const GENERATE: &str = "generateContent";
const STREAM: &str = "streamGenerateContent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_which_model_and_whether_to_stream() {
        let path = "/v1beta/models/gemini-3-pro:streamGenerateContent?key=x&alt=sse";
        assert_eq!(model(path).as_deref(), Some("gemini-3-pro"));
        assert_eq!(stream(path), (true, StreamForm::Events));
        let path = "/v1beta/models/gemini-3-pro:streamGenerateContent";
        assert_eq!(stream(path), (true, StreamForm::Array));
        let path = "/v1/models/gemini-3-pro:generateContent?alt=json";
        assert_eq!(stream(path), (false, StreamForm::Events));
        assert_eq!(model("/v1beta/models"), None);
    }
}
