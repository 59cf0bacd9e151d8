//! Parallel workers whose requests come in any order.

use proptest::prelude::*;

use super::*;

const TOPICS: [&str; 8] = [
    "rome", "oslo", "lima", "cairo", "tokyo", "paris", "quito", "seoul",
];

/// Calls of a worker: two lookups and its note.
const CALLS: usize = 3;

/// A worker and how many answers it has had.
struct Worker {
    topic: &'static str,
    agent: Agent,
    answered: usize,
}

impl Worker {
    fn all() -> Vec<Self> {
        TOPICS
            .iter()
            .map(|topic| Self {
                topic,
                agent: Agent::new("You are a city worker.", &format!("Tell me about {topic}")),
                answered: 0,
            })
            .collect()
    }

    /// What the model says to this worker next.
    fn answer(&self) -> Message {
        match self.answered {
            0 => call("lookup", self.topic),
            // The second question is the same for all: only the history tells them apart.
            1 => call("lookup", "more"),
            _ => text(&format!("a note on {}", self.topic)),
        }
    }

    /// Goes on after an answer: what the tools say is the same for all workers.
    fn goes_on(&mut self) {
        self.answered += 1;
        if self.answered < CALLS {
            self.agent = self.agent.clone().says(result("facts"));
        }
    }
}

/// Returns the recording of the workers whose calls began in this order.
fn recorded(order: &[usize]) -> Arc<Timeline> {
    let mut workers = Worker::all();
    let calls: Vec<Arc<Call>> = (0_u64..)
        .zip(order)
        .map(|(at, worker)| {
            let worker = &mut workers[*worker];
            let answer = worker.answer();
            let call = worker.agent.recorded(at * 3, answer);
            worker.goes_on();
            call
        })
        .collect();
    recording(&calls, "done")
}

/// Returns any order in which eight workers can ask their questions, each its own one after the other.
fn orders() -> impl Strategy<Value = Vec<usize>> {
    let turns: Vec<usize> = (0..TOPICS.len() * CALLS)
        .map(|turn| turn % TOPICS.len())
        .collect();
    Just(turns).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_the_order_each_worker_gets_its_own_answers(before in orders(), now in orders()) {
        let timeline = recorded(&before);
        let matcher = matcher(&timeline, Fork::Never, Rules::default());
        let mut workers = Worker::all();
        for turn in now {
            let worker = &mut workers[turn];
            let expected = worker.answer();
            match worker.agent.asks(&matcher) {
                Decision::Serve(served) => {
                    prop_assert_eq!(served.rung, Rung::Exact);
                    let call = matcher.recording().call(served.step).unwrap();
                    let output = call.response.output.as_ref().unwrap().value();
                    prop_assert_eq!(output, &expected, "what {} was given", worker.topic);
                }
                other @ (Decision::Live { .. } | Decision::Refuse(_)) => prop_assert!(false, "{} is not served: {:?}", worker.topic, other),
            }
            worker.goes_on();
        }
        let report = conclude(&matcher, ToolsEnd::default(), &ending("done"));
        prop_assert!(report.is_unaffected, "{:?}", report);
        prop_assert_eq!(report.served, 24);
    }

    #[test]
    fn whatever_the_order_a_changed_prompt_is_drift_and_swaps_no_answers(
        before in orders(),
        now in orders(),
    ) {
        let timeline = recorded(&before);
        let last = u32::try_from(timeline.steps.len()).unwrap();
        let matcher = matcher(&timeline, Fork::At(StepIndex(last + 1)), Rules::default());
        let mut workers = Worker::all();
        for worker in &mut workers {
            worker.agent.system = "You are a careful city worker.".to_owned();
        }
        for turn in now {
            let worker = &mut workers[turn];
            let expected = worker.answer();
            match worker.agent.asks(&matcher) {
                Decision::Serve(served) => {
                    prop_assert_eq!(served.rung, Rung::Drift);
                    let call = matcher.recording().call(served.step).unwrap();
                    let output = call.response.output.as_ref().unwrap().value();
                    prop_assert_eq!(output, &expected, "what {} was given", worker.topic);
                }
                other @ (Decision::Live { .. } | Decision::Refuse(_)) => prop_assert!(false, "{} is not served: {:?}", worker.topic, other),
            }
            worker.goes_on();
        }
        prop_assert_eq!(conclude(&matcher, ToolsEnd::default(), &ending("done")).drift, [Drift::SystemPrompt]);
    }
}
