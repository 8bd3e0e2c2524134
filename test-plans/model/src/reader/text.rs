//! One faithful line for people about an action.

use std::time::Duration;

use crate::plan::{Action, Asked, Blame, Call, Check, Statistic};
use crate::quantity::Quantity;

/// `ramp alternator.voltage to 14 V at 20 mV/s until alternator.current > 500 mA`.
pub(super) fn describe(action: &Action) -> String {
    match action {
        Action::Set { assignments, refusable, .. } => {
            let all = list(assignments.iter().map(|(s, v)| format!("{s} = {v}")));
            format!("set {all}{}", if *refusable { ", which may be refused" } else { "" })
        }
        Action::Ramp { signal, from, to, rate, until, capture, check, .. } => {
            let from = from.map(|q| format!(" from {q}")).unwrap_or_default();
            let until = until.as_ref().map(|(s, c)| format!(" until {}", state(s, c))).unwrap_or_default();
            let capture = capture.as_ref().map(|s| format!(", capture {s}")).unwrap_or_default();
            let check = check.as_ref().map(|c| format!(" {}", judged(c))).unwrap_or_default();
            format!("ramp {signal}{from} to {to} at {rate}{until}{capture}{check}")
        }
        Action::Profile { signal, points, linear, .. } => {
            let shape = if *linear { "slide" } else { "step" };
            let points = points.iter().map(|(t, v)| format!("{v} at {}", time(*t)));
            format!("{shape} {signal} through {}", list(points))
        }
        Action::Wait { duration } => format!("wait {}", time(*duration)),
        Action::Settle { signal, within, over, timeout } => {
            format!("settle {signal} within {within} over {}, at most {}", time(*over), time(*timeout))
        }
        Action::Measure { signal, statistic, over, check, blame, .. } => {
            let over = if over.is_zero() { String::new() } else { format!(" ({} over {})", word(*statistic), time(*over)) };
            format!("measure {signal}{over} {}{}", judged(check), guard(*blame))
        }
        Action::Watch { signal, trigger, name } => format!("watch {signal} {trigger} as {name}"),
        Action::Require { expression, check, blame, .. } => format!("require {expression} {}{}", judged(check), guard(*blame)),
        Action::Expect { conditions, within, hold } => {
            let states = list(conditions.iter().map(|(s, c)| state(s, c)));
            let within = if within.is_zero() { String::new() } else { format!(" within {}", time(*within)) };
            let hold = if hold.is_zero() { String::new() } else { format!(" for {}", time(*hold)) };
            format!("expect {states}{within}{hold}")
        }
        Action::Read { signal, name } => format!("read {signal} as {name}"),
        Action::Prompt { text, asked, check, .. } => {
            let asked = match asked {
                Asked::Words(words) => words.join(" | "),
                Asked::Quantity(unit) => unit.symbol.to_owned(),
                Asked::Text => "text".to_owned(),
            };
            let check = check.as_ref().map(|c| format!(" {}", judged(c))).unwrap_or_default();
            format!("ask \"{text}\" ({asked}){check}")
        }
        Action::Write { entries, .. } => {
            let all = list(entries.iter().map(|e| format!("{} = {}", e.signal, e.setpoint)));
            format!("write {all}, and read it back")
        }
        Action::Call(call) => self::call(call),
        Action::Together { branches } => {
            let branch = |acts: &Vec<crate::Act>| format!("[{}]", acts.iter().map(|a| a.text.as_str()).collect::<Vec<_>>().join("; "));
            format!("together {}", branches.iter().map(branch).collect::<Vec<_>>().join(" beside "))
        }
    }
}

/// `call chamber.defrost with for = 60 s, take tank in % as first.tank`.
fn call(call: &Call) -> String {
    let with = list(call.arguments.iter().map(|(name, value)| format!("{name} = {value}")));
    let with = if with.is_empty() { with } else { format!(" with {with}") };
    let takes = call.results.iter().map(|wanted| {
        let unit = wanted.unit.map_or_else(|| "text", |unit| unit.symbol);
        let name = if wanted.name == wanted.result { String::new() } else { format!(" as {}", wanted.name) };
        format!(", take {} in {unit}{name}", wanted.result)
    });
    format!("call {}.{}{with}{}", call.program, call.action, takes.collect::<String>())
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn state(signal: &crate::SignalId, condition: &crate::Condition) -> String {
    match condition {
        crate::Condition::Is(value) => format!("{signal} = {value}"),
        crate::Condition::Within(..) => format!("{signal} in {condition}"),
        crate::Condition::Above(_) | crate::Condition::Below(_) => format!("{signal} {condition}"),
    }
}

fn judged(check: &Check) -> String {
    match check {
        Check::Equals(value) => format!("= {value}"),
        Check::Computed { low, high } => {
            let bounds = [low.as_ref().map(|e| format!(">= {e}")), high.as_ref().map(|e| format!("<= {e}"))];
            list(bounds.into_iter().flatten())
        }
        Check::Limit(limit) => {
            let link = if limit.low.is_some() && limit.high.is_some() { "in " } else { "" };
            let id = limit.id.as_ref().map(|id| format!(" (limits.{id})")).unwrap_or_default();
            format!("{link}{limit}{id}")
        }
    }
}

const fn word(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Mean => "mean",
        Statistic::Min => "min",
        Statistic::Max => "max",
        Statistic::PeakToPeak => "peak-to-peak",
    }
}

const fn guard(blame: Blame) -> &'static str {
    match blame {
        Blame::Unit => "",
        Blame::Tester => ", or the tester is at fault",
    }
}

/// A time as a quantity prints it.
pub(super) fn time(duration: Duration) -> String {
    Quantity::seconds(duration.as_secs_f64()).to_string()
}
