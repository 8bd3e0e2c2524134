//! A meter's digitizer: samples at even distances into the meter's own buffer,
//! fetched in blocks while it goes on, scaled, with the time of each.
//!
//! No more is kept than one block; what is not fetched waits in the meter, up to
//! the length of the record. The first sample's time is known from between when
//! and when it was taken: between the command and the answer that counts samples
//! already, and every further count narrows that down.
//!
//! Not here: what the samples mean, and triggers by a line of the fixture.

use std::rc::Rc;
use std::time::Duration;

use hil_model::Quantity;
use hil_timebase::Nanos;

use crate::dialect::{Dialect, Function};
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Move, Outcome};
use crate::meter::Meter;
use crate::samples::{RECTANGULAR, Samples, back, nth};
use crate::scpi;

/// Most samples of one block.
pub const BLOCK: usize = 4096;
/// From one look for new samples to the next.
const LOOK: Duration = Duration::from_millis(20);
/// Counts are of use for the time of the first sample as long as the meter's own
/// clock cannot have drifted: this share of the time since then.
const DRIFT: f64 = 100e-6;
/// How a model digitizes. In its commands stand `{volts}`, `{hertz}`, `{samples}`,
/// `{first}` and `{last}`, the last two counted from 1.
#[derive(Clone, PartialEq, Debug)]
pub struct DigitizerFacts {
    /// Least time from one sample to the next.
    pub shortest_interval: Duration,
    /// The most.
    pub longest_interval: Duration,
    /// Samples of one record.
    pub record: usize,
    /// Make it ready.
    pub prepare: Vec<String>,
    /// Begins a record.
    pub start: String,
    /// Ends it.
    pub stop: String,
    /// How many samples there are.
    pub count: String,
    /// Fetches some, as a block of 64-bit numbers, the low byte first.
    pub fetch: String,
    /// Back to how a voltmeter answers.
    pub leave: Vec<String>,
    /// What a sample's accuracy has beyond a reading's, in percent of the range.
    pub percent_of_range: f64,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

impl DigitizerFacts {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let asks = |text: &str| text.contains('?');
        let lines = self.prepare.iter().chain(&self.leave).chain([&self.start, &self.stop, &self.count, &self.fetch]);
        let printable = |text: &String| !text.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !lines.clone().all(printable) {
            Some("every command must be a line of printable ASCII")
        } else if self.shortest_interval.is_zero() || self.longest_interval < self.shortest_interval || self.record == 0 {
            Some("`shortest-interval` and `record` must not be zero, and `longest-interval` not below the shortest")
        } else if !(asks(&self.count) && asks(&self.fetch) && ["{first}", "{last}"].iter().all(|field| self.fetch.contains(field))) {
            Some("`count` and `fetch` must ask, and `fetch` for `{first}` to `{last}`")
        } else if !(0.0..=100.0).contains(&self.percent_of_range) {
            Some("`percent-of-range` must be 0 to 100")
        } else {
            None
        }
    }

    /// U (k = 2) of a sample, in V.
    pub fn uncertainty(&self, dialect: &Dialect, range: f64, volts: f64) -> Option<f64> {
        let own = range * self.percent_of_range / 100.0 * RECTANGULAR;
        Some(dialect.reading_uncertainty(Function::DcVoltage, range, volts)? + own)
    }

    /// U (k = 2) of a sample's time at worst, before anything is measured: from the
    /// command that begins a record to the answer that counts its samples.
    pub fn worst_time(&self, dialect: &Dialect, interval: Duration) -> Duration {
        (dialect.link.latency + dialect.link.gap + interval / 2).mul_f64(RECTANGULAR)
    }
}

/// A record under way, or over.
pub struct Digitizer {
    meter: Rc<Meter>,
    facts: DigitizerFacts,
    /// In V.
    range: f64,
    interval: Duration,
    record: usize,
    fetched: usize,
    began: Began,
}

/// Between when and when a record began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Began {
    earliest: Nanos,
    latest: Nanos,
}

impl Began {
    /// Between `asked` and `answered`, there were `samples`, and not one more.
    fn narrowed(self, asked: Nanos, answered: Nanos, samples: usize, interval: Duration) -> Self {
        let drift = answered.since(self.earliest).mul_f64(DRIFT);
        let (least, most) = (nth(interval, samples), nth(interval, samples + 1));
        let narrow =
            Self { earliest: self.earliest.max(back(asked, most + drift)), latest: self.latest.min(back(answered, least) + drift) };
        // What contradicts itself tells nothing.
        if narrow.earliest <= narrow.latest { narrow } else { self }
    }
}

impl Digitizer {
    /// Begins a record in the smallest range that has at least `range_volts`. The
    /// meter is no voltmeter until its next reading, which makes it one again.
    ///
    /// # Errors
    /// `Unsupported` for a meter without, `OutOfRange`, `Refused`, and the link's.
    pub async fn arm(meter: Rc<Meter>, range_volts: f64, interval: Duration) -> Result<Self, ClientError> {
        let driver = meter.driver();
        let Some(facts) = driver.dialect.digitizer.clone() else {
            return Err(driver.link.error(ErrorKind::Unsupported { what: "digitize".into() }));
        };
        let Some(range) = driver.dialect.read_range(Function::DcVoltage, range_volts).map(|r| r.range.si) else {
            let kind = ErrorKind::OutOfRange { found: format!("range {range_volts} V"), legal: "a range that it has".into() };
            return Err(driver.link.error(kind));
        };
        let (least, most) = (facts.shortest_interval, facts.longest_interval);
        if !(least..=most).contains(&interval) {
            let seconds = |d: Duration| Quantity::seconds(d.as_secs_f64());
            let kind = ErrorKind::OutOfRange {
                found: format!("a sample every {}", seconds(interval)),
                legal: format!("{} .. {}", seconds(least), seconds(most)),
            };
            return Err(driver.link.error(kind));
        }
        let began = begin(&meter, &facts, range, interval).await?;
        let record = facts.record;
        Ok(Self { meter, facts, range, interval, record, fetched: 0, began })
    }

    /// U (k = 2) of a sample of `volts`, in V.
    pub fn accuracy(&self, volts: f64) -> Option<f64> {
        self.facts.uncertainty(self.meter.dialect(), self.range, volts)
    }

    /// What that has beyond a reading's, in V.
    pub fn extra(&self) -> f64 {
        self.range * self.facts.percent_of_range / 100.0 * RECTANGULAR
    }

    /// Waits for the next samples, at most [`BLOCK`]; `None` once the record is
    /// over. A future of it that is dropped loses none.
    ///
    /// # Errors
    /// `Garbled` for an overflow or what is no number, and the link's.
    pub async fn next(&mut self) -> Result<Option<Samples>, ClientError> {
        loop {
            if self.fetched == self.record {
                return Ok(None);
            }
            let (asked, answered, count) = count(&self.meter, &self.facts).await?;
            if count < self.fetched || count > self.record {
                let found = format!("{count} samples after {}", self.fetched);
                return Err(self.meter.driver().garbled(&self.facts.count, found.as_bytes(), "as many samples as before, or more"));
            }
            if count < self.record {
                self.began = self.began.narrowed(asked, answered, count, self.interval);
            }
            if count > self.fetched {
                let volts = self.fetch(count.min(self.fetched + BLOCK)).await?;
                let first = self.first() + nth(self.interval, self.fetched);
                self.fetched += volts.len();
                return Ok(Some(Samples { first, uncertainty: self.uncertainty(), interval: self.interval, values: volts }));
            }
            self.meter.driver().link.clock().sleep(LOOK).await;
        }
    }

    /// The middle of the record's first sample.
    fn first(&self) -> Nanos {
        self.began.earliest + self.began.latest.since(self.began.earliest) / 2 + self.interval / 2
    }

    fn uncertainty(&self) -> Duration {
        (self.began.latest.since(self.began.earliest) / 2).mul_f64(RECTANGULAR)
    }

    async fn fetch(&self, last: usize) -> Result<Vec<f64>, ClientError> {
        let driver = self.meter.driver();
        let wanted = last - self.fetched;
        let query = self.facts.fetch.replace("{first}", &(self.fetched + 1).to_string()).replace("{last}", &last.to_string());
        let outcomes = driver.link.run(Lane::Normal, vec![Move::AskBlock { query: query.clone(), length: wanted * 8 }]).await?;
        let [Outcome::Answered { reply, .. }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
        let numbers = scpi::block(reply).ok().filter(|body| body.len() == wanted * 8);
        let Some(numbers) = numbers else {
            return Err(driver.garbled(&query, reply, &format!("a block of {wanted} numbers")));
        };
        let most = driver.dialect.read_range(Function::DcVoltage, self.range).map_or(0.0, |row| row.max.si);
        let (numbers, _) = numbers.as_chunks::<8>();
        let mut volts = Vec::with_capacity(wanted);
        for bytes in numbers {
            let value = f64::from_le_bytes(*bytes);
            scpi::sane(value).map_err(|why| driver.no_value(&query, value.to_string().as_bytes(), why))?;
            if value.abs() > most {
                return Err(driver.garbled(&query, value.to_string().as_bytes(), &format!("at most {}", Quantity::volts(most))));
            }
            volts.push(value);
        }
        Ok(volts)
    }
}

/// Makes it ready, begins, and counts for the first time.
async fn begin(meter: &Meter, facts: &DigitizerFacts, range: f64, interval: Duration) -> Result<Began, ClientError> {
    let driver = meter.driver();
    meter.digitizes();
    let hertz = 1.0 / interval.as_secs_f64();
    let filled = |text: &String| {
        let text = text.replace("{volts}", &range.to_string()).replace("{hertz}", &hertz.to_string());
        text.replace("{samples}", &facts.record.to_string())
    };
    let prepare: Vec<String> = [&facts.stop].into_iter().chain(&facts.prepare).map(filled).collect();
    let moves =
        prepare.iter().map(Move::tell).chain([Move::Errors, Move::tell(filled(&facts.start)), Move::ask(&facts.count), Move::Errors]);
    let outcomes = driver.link.run(Lane::Normal, moves.collect()).await?;
    let [.., Outcome::Errors(before), Outcome::Told { at }, Outcome::Answered { reply, asked, answered }, Outcome::Errors(after)] =
        outcomes.as_slice()
    else {
        return Err(driver.incomplete());
    };
    driver.accepted(&prepare.join("; "), before)?;
    driver.accepted(&facts.start, after)?;
    let samples = whole(meter, facts, reply)?;
    Ok(Began { earliest: *at, latest: *answered }.narrowed(*asked, *answered, samples, interval))
}

async fn count(meter: &Meter, facts: &DigitizerFacts) -> Result<(Nanos, Nanos, usize), ClientError> {
    let driver = meter.driver();
    let outcomes = driver.link.run(Lane::Normal, vec![Move::ask(&facts.count)]).await?;
    let [Outcome::Answered { reply, asked, answered }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
    Ok((*asked, *answered, whole(meter, facts, reply)?))
}

fn whole(meter: &Meter, facts: &DigitizerFacts, reply: &[u8]) -> Result<usize, ClientError> {
    let found = scpi::whole(reply).ok().and_then(|n| usize::try_from(n).ok());
    found.ok_or_else(|| meter.driver().garbled(&facts.count, reply, "a number of samples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Nanos {
        Nanos(n * 1_000_000)
    }

    #[test]
    fn counts_narrow_the_beginning_down() {
        let interval = Duration::from_millis(1);
        let began = Began { earliest: ms(0), latest: ms(10) };
        // Ten samples between 12 and 14: it began between 12 - 11 and 14 - 10.
        let narrow = began.narrowed(ms(12), ms(14), 10, interval);
        let drift = Duration::from_nanos(1400);
        assert_eq!(narrow, Began { earliest: Nanos(1_000_000 - 1400), latest: ms(4) + drift });
        // A count that contradicts what is known is of no use.
        assert_eq!(narrow.narrowed(ms(20), ms(21), 1, interval), narrow);
    }

    #[test]
    fn facts_that_make_no_sense_are_refused() {
        let facts = Dialect::built_in("keithley-dmm6500").expect("listed").expect("good").digitizer.expect("it digitizes");
        assert_eq!(facts.problem(), None);
        let broken = |change: fn(&mut DigitizerFacts)| {
            let mut facts = facts.clone();
            change(&mut facts);
            facts.problem().is_some()
        };
        assert!(broken(|f| f.fetch = "DATA? {first}".into()));
        assert!(broken(|f| f.count = "COUNT".into()));
        assert!(broken(|f| f.prepare.push("A\n".into())));
        assert!(broken(|f| f.shortest_interval = Duration::ZERO));
        assert!(broken(|f| f.percent_of_range = f64::NAN));
    }
}
