//! How a model logs: what its dialect file says of it.

use std::time::Duration;

use crate::dialect::{Dialect, Function};
use crate::samples::RECTANGULAR;
use crate::template::Template;

/// How a model logs what it measures, one value a period, each the mean over the
/// period.
///
/// Records wait in the instrument's buffer, from which a fetch takes them. A fetch is
/// answered with a block of 32-bit numbers, the high byte first; what is not fetched in
/// time is overwritten, and nothing tells of that.
#[derive(Clone, PartialEq, Debug)]
pub struct DataLogFacts {
    /// Least period.
    pub shortest_period: Duration,
    /// The most.
    pub longest_period: Duration,
    /// It is a whole multiple of this.
    pub resolution: Duration,
    /// So much time of records it keeps at least.
    pub buffer: Duration,
    /// What is logged: voltage, yes …
    pub voltage_on: Template,
    /// … or no; it may be able to log but one at a time.
    pub voltage_off: Template,
    /// Current, yes …
    pub current_on: Template,
    /// … or no.
    pub current_off: Template,
    /// What else it must be told before.
    pub prepare: Vec<Template>,
    /// Sets the period: `{seconds}`.
    pub set_period: Template,
    /// Its read-back.
    pub query_period: Template,
    /// Begins, with an empty buffer.
    pub start: Template,
    /// Takes at most `{count}` records out of the buffer.
    pub fetch: Template,
    /// Ends it.
    pub stop: Template,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

impl DataLogFacts {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let asks = |template: &Template| template.text().contains('?');
        if self.resolution.is_zero() || self.longest_period < self.shortest_period || self.least_multiple() > self.most_multiple() {
            Some("between `shortest-period` and `longest-period` must be a multiple of `resolution`")
        } else if !(asks(&self.query_period) && asks(&self.fetch)) {
            Some("`query-period` and `fetch` must ask")
        } else if self.tells().any(asks) {
            Some("only `query-period` and `fetch` may ask")
        } else {
            None
        }
    }

    /// Commands that have no answer.
    fn tells(&self) -> impl Iterator<Item = &Template> {
        let chosen = [&self.voltage_on, &self.voltage_off, &self.current_on, &self.current_off];
        chosen.into_iter().chain(&self.prepare).chain([&self.set_period, &self.start, &self.stop])
    }

    /// Each command that is for one channel, as a dialect file calls it.
    pub(crate) fn of_a_channel(&self) -> [(&'static str, &Template); 9] {
        [
            ("voltage-on", &self.voltage_on),
            ("voltage-off", &self.voltage_off),
            ("current-on", &self.current_on),
            ("current-off", &self.current_off),
            ("set-period", &self.set_period),
            ("query-period", &self.query_period),
            ("start", &self.start),
            ("fetch", &self.fetch),
            ("stop", &self.stop),
        ]
    }

    /// The same for one channel, counted from 1.
    #[must_use]
    pub fn for_channel(&self, channel: u32) -> Self {
        let own = |template: &Template| template.for_channel(channel);
        Self {
            voltage_on: own(&self.voltage_on),
            voltage_off: own(&self.voltage_off),
            current_on: own(&self.current_on),
            current_off: own(&self.current_off),
            prepare: self.prepare.iter().map(own).collect(),
            set_period: own(&self.set_period),
            query_period: own(&self.query_period),
            start: own(&self.start),
            fetch: own(&self.fetch),
            stop: own(&self.stop),
            ..self.clone()
        }
    }

    fn least_multiple(&self) -> u128 {
        self.shortest_period.as_nanos().div_ceil(self.resolution.as_nanos().max(1))
    }

    fn most_multiple(&self) -> u128 {
        self.longest_period.as_nanos() / self.resolution.as_nanos().max(1)
    }

    /// The period that it really has when this one is wanted: the nearest multiple of
    /// its resolution. Rounded here, so that it does not matter how the instrument rounds.
    pub fn period(&self, wanted: Duration) -> Duration {
        let step = self.resolution.as_nanos().max(1);
        let multiple = (wanted.as_nanos() + step / 2) / step;
        let most = self.most_multiple();
        let nanos = multiple.clamp(self.least_multiple().min(most), most) * step;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What makes it log this function, and nothing else; `None` for one it does not log.
    pub(crate) fn choose(&self, function: Function) -> Option<[&Template; 2]> {
        match function {
            Function::Voltage => Some([&self.current_off, &self.voltage_on]),
            Function::Current => Some([&self.voltage_off, &self.current_on]),
            _ => None,
        }
    }

    /// U (k = 2) of an edge's time, as long as records come as promptly as answers: from
    /// the command that begins the log to the answer that has its first record, and the
    /// record that the edge is in. What it really is, each edge tells.
    pub fn worst_time(&self, dialect: &Dialect, wanted: Duration) -> Duration {
        let period = self.period(wanted);
        (dialect.link.latency + dialect.link.gap + period / 2 + period).mul_f64(RECTANGULAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DataLogFacts {
        Dialect::built_in("keysight-n6705c").expect("listed").expect("good").data_log.expect("it logs")
    }

    #[test]
    fn a_period_is_a_multiple_of_the_resolution() {
        let facts = facts();
        let micros = |n: f64| Duration::from_nanos((n * 1e3).round() as u64);
        for (wanted, period) in [(1000.0, 983.04), (1010.0, 1024.0), (102.4, 122.88), (0.0, 122.88), (40_960.0, 40_960.0)] {
            assert_eq!(facts.period(micros(wanted)), micros(period), "{wanted} us");
        }
        let most = facts.period(Duration::from_secs(100));
        assert!(most <= facts.longest_period && most + facts.resolution > facts.longest_period, "{most:?}");
    }

    #[test]
    fn facts_that_make_no_sense_are_refused() {
        assert_eq!(facts().problem(), None);
        let broken = |change: fn(&mut DataLogFacts)| {
            let mut facts = facts();
            change(&mut facts);
            facts.problem().is_some()
        };
        assert!(broken(|f| f.resolution = Duration::ZERO));
        assert!(broken(|f| f.longest_period = f.shortest_period));
        assert!(broken(|f| f.fetch = f.start.clone()));
        assert!(broken(|f| f.stop = f.query_period.clone()));
    }
}
