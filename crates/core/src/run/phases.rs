//! How long each phase took.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tracing::instrument::{Instrument as _, Instrumented};

use super::{MemoryMeter, measure};
use crate::event::{Event, Events, Phase};
use crate::history::PhaseRecord;

/// A phase that is under way.
pub struct PhaseClock<'a> {
    phase: Phase,
    started_at: DateTime<Utc>,
    started: Instant,
    memory: Option<&'a dyn MemoryMeter>,
    events: &'a Events,
    span: tracing::Span,
}

impl<'a> PhaseClock<'a> {
    /// Starts the clock. The peak is counted from here when `fresh`, that is when no other phase is under way.
    pub fn start(phase: Phase, events: &'a Events, memory: Option<&'a dyn MemoryMeter>, fresh: bool) -> Self {
        if let Some(memory) = memory.filter(|_| fresh) {
            memory.reset_peak();
        }
        events.emit(Event::PhaseStarted { phase });
        Self {
            phase,
            started_at: Utc::now(),
            started: Instant::now(),
            memory,
            events,
            span: measure::phase_span(phase),
        }
    }

    /// Lets work stand in the phase's span.
    pub fn around<F: Future>(&self, work: F) -> Instrumented<F> {
        work.instrument(self.span.clone())
    }

    /// Stops the clock.
    pub fn stop(self) -> PhaseRecord {
        let record = PhaseRecord {
            phase: self.phase,
            started: self.started_at,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            memory_final: self.memory.map(MemoryMeter::current),
            memory_peak: self.memory.map(MemoryMeter::peak),
            streams: self.events.take_streams(self.phase),
        };
        let PhaseRecord { phase, started, duration_ms, memory_final, memory_peak, streams } = record.clone();
        self.events.emit(Event::PhaseFinished { phase, started, duration_ms, memory_final, memory_peak, streams });
        record
    }
}
