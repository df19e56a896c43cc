//! How many records the last runs of a sync read, drawn by model: a read that lost half of them is seen at once.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use syncline_core::history::RecordCounts;
use syncline_render::words;

use super::show::{Count, Icon};

/// How high a chart is, in its own units; a run is as wide as [`STEP`].
const HEIGHT: u64 = 32;
const STEP: usize = 12;
/// A loss of so many hundredths from one run to the next is worth a word.
const LOSS: u64 = 10;

/// The records of a model, run by run.
#[derive(Debug, Template)]
#[template(path = "parts/chart.html")]
pub struct Chart {
    /// Its id among those of the page.
    id: String,
    model: String,
    side: &'static str,
    width: usize,
    bars: Vec<Bar>,
    most: Count,
}

impl HtmlSafe for Chart {}

/// A model with its charts.
#[derive(Debug)]
pub struct ChartLine {
    /// The model, for people.
    pub name: String,
    /// What the source had, and what the target had.
    pub sides: [Option<Side>; 2],
}

/// One side of a model.
#[derive(Debug)]
pub struct Side {
    pub chart: Chart,
    /// What the last run read.
    pub last: Count,
    /// What is to be said of the way there.
    pub trend: Option<Trend>,
}

/// What is to be said of the way to the last count.
#[derive(Debug)]
pub struct Trend {
    pub class: &'static str,
    pub icon: Icon,
    pub text: String,
}

/// A run in a chart.
#[derive(Debug)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
    class: &'static str,
    told: String,
}

/// The charts of the models that runs read, by the numbers of the runs, the oldest first.
pub fn charts(counts: &[RecordCounts]) -> Vec<ChartLine> {
    let mut runs: Vec<i64> = counts.iter().map(|count| count.run.number()).collect();
    runs.sort_unstable();
    runs.dedup();
    let mut models: BTreeMap<&str, Vec<&RecordCounts>> = BTreeMap::new();
    for count in counts {
        models.entry(&count.model).or_default().push(count);
    }
    let lines = models.into_iter().map(|(model, counts)| ChartLine {
        name: words::plural_of(model),
        sides: [
            side(model, "source", &runs, &counts, |count| count.source),
            side(model, "target", &runs, &counts, |count| count.target),
        ],
    });
    lines.filter(|line| line.sides.iter().any(Option::is_some)).collect()
}

fn side(
    model: &str,
    side: &'static str,
    runs: &[i64],
    counts: &[&RecordCounts],
    of: impl Fn(&RecordCounts) -> Option<u64>,
) -> Option<Side> {
    let read: Vec<(i64, u64, bool)> =
        counts.iter().filter_map(|count| Some((count.run.number(), of(count)?, count.is_partial))).collect();
    let (_, last, _) = *read.last()?;
    let most = read.iter().map(|(_, records, _)| *records).max().unwrap_or_default();
    let mut before: Option<u64> = None;
    let mut bars = Vec::new();
    for (run, records, is_partial) in &read {
        let is_loss = before.is_some_and(|before| loss(before, *records) >= LOSS);
        // Something is never nothing to the eye.
        let height = if *records == 0 { 1 } else { (*records * HEIGHT / most.max(1)).max(2) };
        let class = match (is_loss, is_partial) {
            (true, _) => "loss",
            (false, true) => "also",
            (false, false) => "",
        };
        let partial = if *is_partial { ", not complete" } else { "" };
        bars.push(Bar {
            x: runs.binary_search(run).unwrap_or_default() * STEP,
            y: HEIGHT - height,
            height,
            class,
            told: format!("run {run}: {}{partial}", Count(*records)),
        });
        before = Some(*records);
    }
    let chart = Chart {
        id: format!("chart-{side}-{model}"),
        model: words::plural_of(model),
        side,
        width: runs.len() * STEP,
        bars,
        most: Count(most),
    };
    Some(Side { chart, last: Count(last), trend: trend(&read) })
}

/// How many hundredths were lost.
fn loss(before: u64, after: u64) -> u64 {
    before.saturating_sub(after).saturating_mul(100).checked_div(before).unwrap_or_default()
}

/// The last great loss, or else how the last count came from the one before.
fn trend(read: &[(i64, u64, bool)]) -> Option<Trend> {
    let steps = read.windows(2).rev();
    let mut losses = steps.filter(|step| loss(step[0].1, step[1].1) >= LOSS);
    if let Some([(_, before, _), (run, after, _)]) = losses.next() {
        let lost = loss(*before, *after);
        let text = format!("−{lost} % in run {run}: {} → {}", Count(*before), Count(*after));
        return Some(Trend { class: "bad", icon: Icon("partial"), text });
    }
    let [.., (_, before, _), (_, after, _)] = read else { return None };
    let (sign, by) = if after >= before { ('+', after - before) } else { ('−', before - after) };
    (by > 0).then(|| Trend { class: "dim", icon: Icon("changed"), text: format!("{sign}{}", Count(by)) })
}

impl Chart {
    /// What is drawn, in words.
    fn told(&self) -> String {
        self.bars.iter().map(|bar| bar.told.as_str()).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use syncline_core::history::RunId;

    use super::*;

    fn counts(model: &str, source: &[Option<u64>]) -> Vec<RecordCounts> {
        let count = |(number, source): (usize, &Option<u64>)| RecordCounts {
            run: RunId::new(i64::try_from(number).unwrap() + 1),
            at: Utc::now(),
            model: model.to_owned(),
            source: *source,
            target: None,
            is_partial: false,
        };
        source.iter().enumerate().map(count).collect()
    }

    #[test]
    fn a_cliff_is_told_and_drawn() {
        let told = |source: &[Option<u64>]| {
            let lines = charts(&counts("device", source));
            let side = lines[0].sides[0].as_ref().unwrap();
            side.trend.as_ref().map(|trend| format!("{} {}", trend.class, trend.text))
        };
        assert_eq!(told(&[Some(100), Some(95)]).as_deref(), Some("dim −5"));
        assert_eq!(
            told(&[Some(1_000), Some(1_200), Some(600), Some(610)]).as_deref(),
            Some("bad −50 % in run 3: 1,200 → 600")
        );
        assert_eq!(told(&[Some(100), None, Some(0)]).as_deref(), Some("bad −100 % in run 3: 100 → 0"));
        assert_eq!(told(&[Some(100), Some(100)]), None);
        assert_eq!(told(&[Some(0), Some(100)]).as_deref(), Some("dim +100"));
        assert!(charts(&counts("device", &[None])).is_empty());

        let lines = charts(&counts("device", &[Some(4), None, Some(1)]));
        insta::assert_snapshot!(lines[0].sides[0].as_ref().unwrap().chart, @r##"<svg class="counts" width="36" height="34" viewBox="0 0 36 34" role="img" aria-labelledby="chart-source-device" aria-describedby="chart-source-device-told"><title id="chart-source-device">devices of the source in the last runs, at most 4</title><desc id="chart-source-device-told">run 1: 4; run 3: 1</desc><rect x="0" y="0" width="9" height="32"/><rect class="loss" x="24" y="24" width="9" height="8"/><path d="M0 33h36"/></svg>"##);
    }
}
