//! What no journal, log, report or record may show: the values of signals that
//! the product declares `secret = true`, such as PINs. Its word `none` is no
//! secret.

use std::collections::BTreeSet;

use crate::condition::{Condition, Trigger};
use crate::plan::{Act, Action, Check, Plan, Setpoint};
use crate::product::Product;
use crate::signal::{SignalId, SignalKind};
use crate::value::Value;

/// The word of a secret signal that may be shown.
pub const PUBLIC_WORD: &str = "none";

/// Shorter words cannot be hidden in a text without hiding others.
pub const SHORTEST: usize = 4;

/// Stands where a secret stood.
pub const HIDDEN: &str = "***";

/// Secret signals, and the words that are known to be theirs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Secrets {
    signals: BTreeSet<SignalId>,
    words: BTreeSet<String>,
}

impl Secrets {
    /// What a product declares, and what a plan writes to it.
    pub fn of(product: &Product, plan: &Plan) -> Self {
        let secret = product.signals.values().filter(|s| s.secret);
        let mut all = Self::default();
        for signal in secret {
            all.signals.insert(signal.id.clone());
            if let SignalKind::Choice { words } = &signal.kind {
                words.iter().for_each(|word| all.learn(word));
            }
        }
        if !all.signals.is_empty() {
            let acts = [&plan.setup, &plan.recover, &plan.teardown].into_iter().chain(plan.steps.iter().map(|s| &s.acts));
            acts.flatten().for_each(|act| all.take(act));
        }
        all
    }

    /// Nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Whether no value of this signal may be shown.
    pub fn covers(&self, signal: &str) -> bool {
        self.signals.iter().any(|s| s.as_str() == signal)
    }

    /// From now on this is hidden too.
    pub fn learn(&mut self, word: &str) {
        if word != PUBLIC_WORD && word.len() >= SHORTEST {
            self.words.insert(word.to_owned());
        }
    }

    /// The text without secrets; `None` if there is none in it. Digits that are
    /// part of a longer number are none.
    pub fn hide(&self, text: &str) -> Option<String> {
        let mut hidden: Option<String> = None;
        for word in &self.words {
            let now = hidden.as_deref().unwrap_or(text);
            if now.contains(word.as_str()) {
                hidden = without(now, word).or(hidden);
            }
        }
        hidden
    }

    fn take(&mut self, act: &Act) {
        match &act.action {
            Action::Set { assignments, .. } => {
                for (signal, to) in assignments {
                    if let Setpoint::Fixed(value) = to {
                        self.take_value(signal, value);
                    }
                }
            }
            Action::Write { entries, .. } => {
                for entry in entries {
                    if let Setpoint::Fixed(value) = &entry.setpoint {
                        self.take_value(&entry.signal, value);
                    }
                }
            }
            Action::Profile { signal, points, .. } => points.iter().for_each(|(_, value)| self.take_value(signal, value)),
            Action::Measure { signal, check: Check::Equals(value), .. } => self.take_value(signal, value),
            Action::Watch { signal, trigger: Trigger::Becomes(value), .. } => self.take_value(signal, value),
            Action::Expect { conditions, .. } => {
                for (signal, condition) in conditions {
                    if let Condition::Is(value) = condition {
                        self.take_value(signal, value);
                    }
                }
            }
            Action::Together { branches } => branches.iter().flatten().for_each(|act| self.take(act)),
            // Quantities are no secrets, and what a program is told is no signal's.
            Action::Ramp { .. }
            | Action::Wait { .. }
            | Action::Settle { .. }
            | Action::Measure { .. }
            | Action::Watch { .. }
            | Action::Require { .. }
            | Action::Read { .. }
            | Action::Prompt { .. }
            | Action::Call(_) => {}
        }
    }

    fn take_value(&mut self, signal: &SignalId, value: &Value) {
        if let Value::Text(text) = value
            && self.signals.contains(signal)
        {
            self.learn(text);
        }
    }
}

/// `None` if the word stands there only within longer numbers.
fn without(text: &str, word: &str) -> Option<String> {
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let (mut out, mut from, mut found) = (String::new(), 0, false);
    for (at, _) in text.match_indices(word) {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let within = before.is_some_and(|c| c.is_ascii_digit() || c == '.') || after.is_some_and(|c| c.is_ascii_digit());
        if is_number && within {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(HIDDEN);
        from = at + word.len();
        found = true;
    }
    out.push_str(&text[from..]);
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hidden_where_they_stand() {
        let mut secrets = Secrets::default();
        for word in ["000000", "hunter2", "none", "abc"] {
            secrets.learn(word);
        }
        let hide = |text: &str| secrets.hide(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(hide("set ble.pin = 000000, then hunter2000000"), "set ble.pin = ***, then ***000000");
        assert_eq!(hide("PIN000000\n"), "PIN***\n");
        assert_eq!(hide("13.000000 V, 10000000, none, abc"), "13.000000 V, 10000000, none, abc");
        assert_eq!(hide("000000"), "***");
        assert_eq!(secrets.hide("nothing"), None);
    }
}
