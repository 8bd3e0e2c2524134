//! Who answers a plan's questions: `--answer ID=VALUE`, or a person at the
//! terminal. With neither, a question is an error of the tester.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hil_channel::BoxFuture;
use hil_engine::{Answer, Expects, Operator, Question};
use hil_model::{Plan, Quantity};
use hil_timebase::Clock;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// How often somebody who waits for a line looks whether he still should.
const GLANCE: Duration = Duration::from_millis(100);

/// Answers that are no answer before the question is given up.
const TRIES: u32 = 3;

/// Answers that were given beforehand, by id or by name alone.
pub type Answers = BTreeMap<String, String>;

/// Reads `--answer ID=VALUE` and holds each against the plan's questions.
///
/// # Errors
/// An answer to nothing, or one that is none of the legal ones.
pub fn answers(given: &[String], plan: &Plan) -> Result<Answers, Failure> {
    let prompts = plan.prompts();
    let mut found = Answers::new();
    for given in given {
        let Some((id, text)) = given.split_once('=').map(|(id, text)| (id.trim(), text.trim())) else {
            return Err(Failure::invalid(format!("--answer: `{given}`, expected ID=VALUE"), Some("write --answer label=pass")));
        };
        let mut asked = prompts.iter().filter(|(full, _)| full == id || name(full) == id).peekable();
        if asked.peek().is_none() {
            let legal: Vec<&str> = prompts.iter().map(|(full, _)| full.as_str()).collect();
            let listed = hil_model::reader::report::one_of(id, &legal);
            let hint = hil_model::diagnostic::nearest(id, legal).map(|n| format!("did you mean `{n}`"));
            return Err(Failure::invalid(format!("--answer: `{id}` answers no question of this plan, expected {listed}"), hint.as_deref()));
        }
        for (full, asked) in asked {
            asked.understand(text).map_err(|why| Failure::invalid(format!("--answer: `{full}` is `{text}`, {why}"), None))?;
        }
        found.insert(id.to_owned(), text.to_owned());
    }
    Ok(found)
}

/// The part after the step's id; ids of rows may contain dots.
fn name(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, name)| name)
}

/// True when a person can be asked.
pub fn has_terminal() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Answers from the command line and, where there is one, from the terminal.
pub struct Desk {
    answers: Answers,
    clock: Clock,
    /// Lines typed; `None` when nobody is there.
    lines: Option<Arc<Mutex<Receiver<String>>>>,
}

impl Desk {
    /// With a thread that reads standard input if `terminal`.
    pub fn new(answers: Answers, clock: Clock, terminal: bool) -> Self {
        let lines = terminal.then(|| {
            let (sender, receiver) = channel();
            std::thread::spawn(move || {
                for line in stdin().lock().lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
            Arc::new(Mutex::new(receiver))
        });
        Self { answers, clock, lines }
    }
}

impl Operator for Desk {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let given = self.answers.get(&question.id).or_else(|| self.answers.get(name(&question.id)));
            if let Some(text) = given {
                return Ok(Answer { text: text.clone(), by: "option".to_owned() });
            }
            let Some(lines) = self.lines.clone() else {
                return Err(format!("no terminal to ask on, and no `--answer {}=…`", question.id));
            };
            // Time of the bench stands still while a person thinks; dropping
            // this future lets it go on and calls the asking thread back.
            let _hold = self.clock.hold();
            let recall = Recall::default();
            let (sender, receiver) = oneshot::channel();
            let (question, recalled) = (question.clone(), Arc::clone(&recall.0));
            std::thread::spawn(move || {
                let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = sender.send(ask_for(&question, &lines, &mut stderr(), &recalled));
            });
            receiver.await.unwrap_or_else(|_| Err("the terminal is gone".to_owned()))
        })
    }
}

/// Set when nobody waits for an answer any more.
#[derive(Default)]
struct Recall(Arc<AtomicBool>);

impl Drop for Recall {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks until there is an answer, in real time.
fn ask_for(question: &Question, lines: &Receiver<String>, out: &mut impl Write, recalled: &AtomicBool) -> Result<Answer, String> {
    // What was typed before the question is no answer to it.
    while lines.try_recv().is_ok() {}
    for _ in 0..TRIES {
        let legal = legal(&question.expects);
        write!(out, "\n{}\n{legal}> ", question.text).and_then(|()| out.flush()).map_err(|e| e.to_string())?;
        let line = line(question.limit, lines, recalled)?;
        let text = line.trim();
        if fits(&question.expects, text) {
            return Ok(Answer { text: text.to_owned(), by: "terminal".to_owned() });
        }
        writeln!(out, "`{text}` is no answer").map_err(|e| e.to_string())?;
    }
    Err(format!("{TRIES} answers that were none"))
}

fn line(limit: Duration, lines: &Receiver<String>, recalled: &AtomicBool) -> Result<String, String> {
    let glances = limit.as_millis().div_ceil(GLANCE.as_millis()).max(1);
    for _ in 0..glances {
        if recalled.load(Ordering::Relaxed) {
            return Err("recalled".to_owned());
        }
        match lines.recv_timeout(GLANCE.min(limit)) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("standard input is closed".to_owned()),
        }
    }
    Err(format!("no answer within {}", Quantity::seconds(limit.as_secs_f64())))
}

fn legal(expects: &Expects) -> String {
    match expects {
        Expects::Words(words) => format!("[{}] ", words.join(" | ")),
        Expects::Quantity(unit) => format!("[{unit}] "),
        Expects::Text => String::new(),
        Expects::GoOn => "[Enter to go on] ".to_owned(),
    }
}

/// What the engine will understand, as far as a person is told to say it again.
fn fits(expects: &Expects, text: &str) -> bool {
    match expects {
        Expects::Words(words) => words.iter().any(|w| w == text),
        Expects::Quantity(_) => text.parse::<f64>().is_ok() || Quantity::parse(text).is_ok(),
        Expects::Text => !text.is_empty(),
        Expects::GoOn => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(expects: Expects, ms: u64) -> Question {
        Question { id: "s.n".into(), text: "Well?".into(), expects, limit: Duration::from_millis(ms) }
    }

    /// Asks; a person types `lines` after the question has appeared.
    fn asked(question: &Question, lines: &[&str]) -> (Result<String, String>, String) {
        let (sender, receiver) = channel();
        sender.send("typed too early".to_owned()).unwrap();
        let mut out = Typist { shown: Vec::new(), sender, lines: lines.iter().rev().map(|l| (*l).to_owned()).collect() };
        let answer = ask_for(question, &receiver, &mut out, &AtomicBool::new(false));
        (answer.map(|a| a.text), String::from_utf8(out.shown).unwrap())
    }

    /// Types a line whenever a question is complete.
    struct Typist {
        shown: Vec<u8>,
        sender: std::sync::mpsc::Sender<String>,
        lines: Vec<String>,
    }

    impl Write for Typist {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.shown.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            if let Some(line) = self.lines.pop() {
                let _ = self.sender.send(line);
            }
            Ok(())
        }
    }

    #[test]
    fn asks_again_for_what_is_no_answer() {
        let words = question(Expects::Words(vec!["pass".into(), "fail".into()]), 1000);
        let (answer, shown) = asked(&words, &["perhaps", " pass "]);
        assert_eq!(
            (answer.as_deref(), shown.as_str()),
            (Ok("pass"), "\nWell?\n[pass | fail] > `perhaps` is no answer\n\nWell?\n[pass | fail] > ")
        );
        assert_eq!(asked(&words, &["a", "b", "c", "pass"]).0, Err("3 answers that were none".into()));
        assert_eq!(asked(&question(Expects::Quantity("V".into()), 1000), &["twelve", "12.5"]).0.as_deref(), Ok("12.5"));
        assert_eq!(asked(&question(Expects::GoOn, 1000), &[""]).0.as_deref(), Ok(""));
    }

    #[test]
    fn nobody_is_waited_for_longer_than_the_limit() {
        assert_eq!(asked(&question(Expects::Text, 30), &[]).0, Err("no answer within 30 ms".into()));
        let (_sender, receiver) = channel();
        let recalled = AtomicBool::new(true);
        let answer = ask_for(&question(Expects::Text, 60_000), &receiver, &mut Vec::new(), &recalled);
        assert_eq!(answer, Err("recalled".into()));
    }
}
