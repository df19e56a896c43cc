//! When each model was worked on within a phase.

use chrono::{DateTime, SubsecRound as _, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Event, Phase};

/// When a model was read, or its changes were written, within a phase of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// The model.
    pub model: String,
    /// When its read began, or its first batch was about to be sent.
    pub started: DateTime<Utc>,
    /// When its read ended, or the last of its changes had an outcome; of what did not come to its end, when it was last heard of.
    pub ended: DateTime<Utc>,
}

/// What is known of the streams of the phases under way.
#[derive(Debug, Default)]
pub(super) struct Streams {
    known: Vec<(Phase, Stream)>,
}

impl Streams {
    /// Takes over what an event tells.
    pub fn add(&mut self, event: &Event, at: DateTime<Utc>) {
        if let Event::PhaseStarted { phase } = event {
            self.known.retain(|(known, _)| known != phase);
        }
        let Some((phase, model, began)) = event.work() else { return };
        // As exact as every history keeps it.
        let (started, ended) = (began.trunc_subsecs(6), at.trunc_subsecs(6));
        match self.known.iter_mut().find(|(known, stream)| *known == phase && stream.model == model) {
            Some((_, stream)) => stream.ended = ended,
            None => self.known.push((phase, Stream { model: model.to_owned(), started, ended })),
        }
    }

    /// Those of a phase, in the order in which they began.
    pub fn take(&mut self, phase: Phase) -> Vec<Stream> {
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.known).into_iter().partition(|(known, _)| *known == phase);
        self.known = left;
        let mut taken: Vec<_> = taken.into_iter().map(|(_, stream)| stream).collect();
        taken.sort_by(|one, other| (one.started, &one.model).cmp(&(other.started, &other.model)));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Events, Side};
    use super::*;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_763_683_200 + second, 0).unwrap()
    }

    fn read(model: &'static str, began: i64) -> Event {
        Event::Read { side: Side::Source, model, records: 1, expected: None, began: second(began) }
    }

    fn told(streams: &[Stream]) -> Vec<(&str, i64, i64)> {
        let since = |at: DateTime<Utc>| (at - second(0)).num_seconds();
        streams.iter().map(|stream| (&*stream.model, since(stream.started), since(stream.ended))).collect()
    }

    #[test]
    fn a_stream_goes_from_its_begin_to_what_was_last_heard_of_it() {
        let mut streams = Streams::default();
        streams.add(&Event::PhaseStarted { phase: Phase::LoadSource }, second(1));
        streams.add(&read("site", 2), second(3));
        streams.add(&read("device", 1), second(4));
        let ended = |began| Event::ReadFinished { side: Side::Source, model: "site", records: 1, partial: None, began };
        streams.add(&ended(Some(second(2))), second(7));
        let other = Event::ReadFinished { side: Side::Target, model: "vlan", records: 0, partial: None, began: None };
        streams.add(&other, second(8));
        assert_eq!(told(&streams.take(Phase::LoadSource)), [("device", 1, 4), ("site", 2, 7)]);
        assert_eq!(told(&streams.take(Phase::LoadSource)), []);
        assert_eq!(told(&streams.take(Phase::LoadTarget)), [], "nobody began to read it");
    }

    #[test]
    fn a_phase_that_begins_anew_knows_nothing_of_before() {
        let events = Events::new();
        events.emit(read("site", 0));
        let applied = |began| Event::Applied { model: "site", done: 1, total: 2, failed: 0, began };
        events.emit(applied(None));
        events.emit(applied(Some(second(9))));
        events.emit(Event::PhaseStarted { phase: Phase::LoadSource });
        assert!(events.take_streams(Phase::LoadSource).is_empty());
        let applied = events.take_streams(Phase::ExecuteSync);
        assert_eq!((applied.len(), applied[0].started), (1, second(9)));
    }
}
