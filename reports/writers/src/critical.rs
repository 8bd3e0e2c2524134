//! The critical path: what the bench time went to, piece by piece from the
//! run's beginning to its end; and what ran beside it, with how much longer it
//! could have been.

use hil_record::Event;

use crate::timing::{Act, Kind, Timing, Work};

/// A piece of the critical path. The pieces follow each other without a gap,
/// from the run's beginning to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Index among the works; `None` where nothing ran.
    pub(crate) work: Option<usize>,
    /// Index among the work's actions; `None` where none ran.
    pub(crate) act: Option<usize>,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Of a work that another one waited for less than it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Beside {
    /// Indices of the works of one lane.
    pub(crate) works: Vec<usize>,
    /// By how much it could have been longer.
    pub(crate) slack: u64,
}

/// A step's share of the critical path; the rows of a `for-each` together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Share {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// How many rows or attempts.
    pub(crate) times: usize,
    pub(crate) ns: u64,
    /// Its longest action on the path and its length.
    pub(crate) longest: Option<(String, u64)>,
}

impl Share {
    /// Of a run that took so long, rounded down. A journal says any time.
    pub(crate) fn per_cent(&self, of_ns: u64) -> u128 {
        u128::from(self.ns) * 100 / u128::from(of_ns.max(1))
    }
}

/// A piece of a run's critical path, for whoever makes something of his own of
/// it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Step id or phase; empty for the opening, the safe state and where nothing
    /// ran.
    pub name: String,
    /// Bench nanoseconds.
    pub from_ns: u64,
    /// Bench nanoseconds; that at which the next piece begins.
    pub to_ns: u64,
}

/// What the bench time of a run went to. The pieces follow each other without a
/// gap, from 0 to the last event.
pub fn critical_path(events: &[Event]) -> Vec<Piece> {
    let timing = Timing::of(events);
    let name = |part: &Part| part.work.and_then(|i| timing.works.get(i)).map_or_else(String::new, |w| w.name.clone());
    timing.critical().iter().map(|part| Piece { name: name(part), from_ns: part.from, to_ns: part.to }).collect()
}

impl Timing {
    /// The critical path: from the end back to the beginning, each time what
    /// ended last before the next piece began, of two what began first.
    pub(crate) fn critical(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut until = self.end;
        while until > 0 {
            let known = self.works.iter().enumerate().filter(|(_, w)| w.from < until && w.from < w.to);
            let Some((index, work)) = known.max_by_key(|(_, w)| (w.to.min(until), std::cmp::Reverse(w.from))) else { break };
            if work.to < until {
                parts.push(Part { work: None, act: None, from: work.to, to: until });
            }
            inside(index, work, work.to.min(until), &mut parts);
            until = work.from;
        }
        if until > 0 {
            parts.push(Part { work: None, act: None, from: 0, to: until });
        }
        parts.reverse();
        parts
    }

    /// The lanes off the critical path.
    pub(crate) fn beside(&self) -> Vec<Beside> {
        let mut found = Vec::new();
        for (host, work) in self.works.iter().enumerate() {
            let lane = |(_, w): &(usize, &Work)| w.beside.as_ref() == Some(&work.name);
            let lane: Vec<usize> = self.works.iter().enumerate().skip(host + 1).take_while(lane).map(|(i, _)| i).collect();
            let Some(last) = lane.last().map(|i| self.works[*i].to) else { continue };
            found.push(match last > work.to {
                true => Beside { works: vec![host], slack: last - work.to },
                false => Beside { works: lane, slack: work.to - last },
            });
        }
        found
    }

    /// What the path consists of, the largest first.
    pub(crate) fn shares(&self) -> Vec<Share> {
        let mut all: Vec<(Share, Vec<usize>)> = Vec::new();
        for part in self.critical() {
            let Some((index, work)) = part.work.and_then(|i| Some((i, self.works.get(i)?))) else { continue };
            let name = work.name.split_once('[').map_or(work.name.as_str(), |(base, _)| base);
            let at = all.iter().position(|(s, _)| s.kind == work.kind && s.name == name).unwrap_or(all.len());
            if at == all.len() {
                all.push((Share { kind: work.kind, name: name.to_owned(), times: 0, ns: 0, longest: None }, Vec::new()));
            }
            let (share, works) = &mut all[at];
            let ns = part.to - part.from;
            share.ns += ns;
            if !works.contains(&index) {
                works.push(index);
                share.times += 1;
            }
            let act = part.act.and_then(|i| work.acts.get(i));
            if let Some(act) = act.filter(|_| share.longest.as_ref().is_none_or(|(_, longest)| *longest < ns)) {
                share.longest = Some((act.text.clone(), ns));
            }
        }
        let mut shares: Vec<Share> = all.into_iter().map(|(share, _)| share).collect();
        shares.sort_by_key(|s| std::cmp::Reverse(s.ns));
        shares
    }
}

/// The path through a work up to `until`, last piece first.
fn inside(index: usize, work: &Work, mut until: u64, parts: &mut Vec<Part>) {
    let leaves: Vec<(usize, &Act)> = work.acts.iter().enumerate().filter(|(i, a)| a.from < a.to && !holds_branches(work, *i)).collect();
    while until > work.from {
        let known = leaves.iter().filter(|(_, a)| a.from < until);
        let Some((at, act)) = known.max_by_key(|(_, a)| (a.to.min(until), std::cmp::Reverse(a.from))) else { break };
        if act.to < until {
            parts.push(Part { work: Some(index), act: None, from: act.to, to: until });
        }
        parts.push(Part { work: Some(index), act: Some(*at), from: act.from, to: act.to.min(until) });
        until = act.from;
    }
    if until > work.from {
        parts.push(Part { work: Some(index), act: None, from: work.from, to: until });
    }
}

/// A `together` is no piece of the path: its branches are.
fn holds_branches(work: &Work, index: usize) -> bool {
    let outer = &work.acts[index];
    let deeper = |a: &Act| a.branch.len() > outer.branch.len() && a.branch.starts_with(&outer.branch);
    work.acts[index + 1..].iter().take_while(|a| a.from <= outer.to).any(|a| deeper(a) && a.to <= outer.to)
}

#[cfg(test)]
mod tests {
    use hil_record::EventKind;

    use super::*;

    /// Events `(second, kind)`.
    fn timing(kinds: Vec<(u64, EventKind)>) -> Timing {
        let events: Vec<Event> =
            kinds.into_iter().enumerate().map(|(i, (at, kind))| Event { seq: i as u64, bench_ns: at, wall: String::new(), kind }).collect();
        Timing::of(&events)
    }

    fn begins(step: &str, beside: Option<&str>) -> EventKind {
        EventKind::StepStarted {
            step: step.into(),
            title: String::new(),
            index: 1,
            of: 1,
            attempt: 1,
            requirements: vec![],
            beside: beside.map(Into::into),
        }
    }

    fn ends(step: &str) -> EventKind {
        EventKind::StepFinished { step: step.into(), attempt: 1, verdict: hil_record::Verdict::Pass, reason: None }
    }

    fn act(step: &str, text: &str, branch: &[usize]) -> EventKind {
        EventKind::ActionStarted { step: step.into(), action: 0, text: text.into(), branch: branch.to_vec() }
    }

    fn done(step: &str, branch: &[usize]) -> EventKind {
        EventKind::BranchFinished { step: step.into(), action: 0, branch: branch.to_vec() }
    }

    /// `name: text from..to` of each piece.
    fn told(timing: &Timing) -> Vec<String> {
        let parts = timing.critical();
        assert_eq!(parts.first().map_or(0, |p| p.from), 0);
        assert_eq!(parts.last().map_or(0, |p| p.to), timing.end);
        assert!(parts.windows(2).all(|p| p[0].to == p[1].from && p[0].from < p[0].to), "{parts:?}");
        let name = |p: &Part| p.work.map_or("-", |w| timing.works[w].name.as_str()).to_owned();
        let text = |p: &Part| p.act.map_or("-", |a| timing.works[p.work.unwrap()].acts[a].text.as_str()).to_owned();
        parts.iter().map(|p| format!("{}: {} {}..{}", name(p), text(p), p.from, p.to)).collect()
    }

    #[test]
    fn a_lane_that_is_shorter_is_beside() {
        let of = |host: u64| {
            timing(vec![
                (0, begins("host", None)),
                (0, act("host", "wait", &[])),
                (0, begins("one", Some("host"))),
                (3, ends("one")),
                (3, begins("two", Some("host"))),
                (host.min(7), if host < 7 { ends("host") } else { ends("two") }),
                (host.max(7), if host < 7 { ends("two") } else { ends("host") }),
                (12, begins("last", None)),
                (14, ends("last")),
            ])
        };
        assert_eq!(told(&of(10)), ["host: wait 0..10", "-: - 10..12", "last: - 12..14"]);
        assert_eq!(of(10).beside(), [Beside { works: vec![1, 2], slack: 3 }]);
        assert_eq!(told(&of(5)), ["one: - 0..3", "two: - 3..7", "-: - 7..12", "last: - 12..14"]);
        assert_eq!(of(5).beside(), [Beside { works: vec![0], slack: 2 }]);
    }

    #[test]
    fn the_longest_branch_is_on_the_path() {
        let timing = timing(vec![
            (0, begins("s[1]", None)),
            (1, act("s[1]", "together", &[])),
            (1, act("s[1]", "a", &[1])),
            (1, act("s[1]", "x", &[2])),
            (4, done("s[1]", &[1])),
            (5, act("s[1]", "y", &[2])),
            (8, done("s[1]", &[2])),
            (8, act("s[1]", "after", &[])),
            (9, ends("s[1]")),
            (9, begins("s[2]", None)),
            (10, ends("s[2]")),
        ]);
        assert_eq!(told(&timing), ["s[1]: - 0..1", "s[1]: x 1..5", "s[1]: y 5..8", "s[1]: after 8..9", "s[2]: - 9..10"]);
        let share = Share { kind: Kind::Step, name: "s".into(), times: 2, ns: 10, longest: Some(("x".into(), 4)) };
        assert_eq!(timing.shares(), [share]);
    }

    #[test]
    fn what_was_cut_short_lasts_to_the_end() {
        let timing =
            timing(vec![(0, begins("s", None)), (2, act("s", "wait", &[])), (5, EventKind::Interrupted { by: "x".into(), count: 1 })]);
        assert_eq!(told(&timing), ["s: - 0..2", "s: wait 2..5"]);
        assert!(Timing::default().critical().is_empty());
    }
}
