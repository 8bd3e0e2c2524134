//! `prompt`: a question to a person. Without an answer it is an error of the
//! tester, never a pass. How long there is for one is the rest of the step's
//! time, on the clock of whoever asks: virtual time stands still meanwhile.

use hil_model::{Asked, Blame, Check};
use hil_record::{Datum, EventKind};

use crate::header::{Expects, Question};
use crate::judge::Taken;
use crate::scene::{Scene, Stop};

pub(super) async fn prompt(scene: &Scene<'_>, text: &str, asked: &Asked, name: &str, check: Option<&Check>) -> Result<(), Stop> {
    let expects = match asked {
        Asked::Words(words) => Expects::Words(words.clone()),
        Asked::Quantity(unit) => Expects::Quantity(unit.symbol.to_owned()),
        Asked::Text => Expects::Text,
    };
    let id = format!("{}.{name}", scene.step);
    let question = Question { id: id.clone(), text: text.to_owned(), expects, limit: scene.end.since(scene.now()) };
    let answer = scene.stage.ask(&question).await.map_err(|why| Stop::error(format!("no answer to `{id}`: {why}")))?;
    let value = asked.understand(&answer.text).map_err(|why| Stop::error(format!("answer to `{id}` is `{}`, {why}", answer.text)))?;
    let at = scene.now();
    let (datum, unit) = Datum::of(&value, None);
    scene.emit(EventKind::Answer {
        step: scene.step.to_owned(),
        name: name.to_owned(),
        prompt: text.to_owned(),
        value: datum,
        unit,
        by: answer.by.clone(),
        at_ns: scene.ns(at),
    })?;
    let Some(check) = check else {
        scene.keep_value(name, "operator", &value, None, at);
        return Ok(());
    };
    let taken = Taken { name, of: "operator".to_owned(), value, uncertainty: None, at, kind: None };
    scene.judge(&taken, check, Blame::Unit).await
}

#[cfg(test)]
mod tests {
    use hil_model::quantity::find_unit;
    use hil_model::{Act, Action, Value};
    use hil_record::{Disposition, Status, Verdict};

    use super::*;
    use crate::testdata::*;

    fn ask(asked: Asked, check: Option<Check>) -> Act {
        act("ask", Action::Prompt { text: "Is it?".into(), asked, name: "label".into(), check })
    }

    fn answered(act: Act, answer: Result<&str, &str>) -> Ran {
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        disturbed(&acts(vec![act]), |b| b, Disturb { answer: Some(answer), ..Disturb::default() })
    }

    fn verdict() -> Act {
        ask(Asked::Words(vec!["pass".into(), "fail".into()]), Some(Check::Equals(Value::Text("pass".into()))))
    }

    #[test]
    fn an_answer_is_recorded_and_judged() {
        let ran = answered(verdict(), Ok("pass"));
        assert_eq!(ran.verdict(), Verdict::Pass);
        let kinds = ran.kinds().join(" ");
        assert!(kinds.contains("action-started answer measurement"), "{kinds}");
        assert_eq!((ran.only().of.as_str(), ran.only().expected.as_deref()), ("operator", Some("pass")));
        assert_eq!(answered(verdict(), Ok("fail")).verdict(), Verdict::Fail);
    }

    #[test]
    fn without_an_answer_it_is_the_testers() {
        let ran = run(&acts(vec![verdict()]), |b| b);
        assert_eq!((ran.outcome.disposition, ran.outcome.status), (Disposition::None, Status::TesterError));
        assert_eq!(ran.problem().1, "`ask`: no answer to `one.label`: nobody is there to answer");
        assert_eq!(answered(verdict(), Err("no answer within 60 s")).verdict(), Verdict::Error);
        assert_eq!(
            answered(verdict(), Ok("perhaps")).problem().1,
            "`ask`: answer to `one.label` is `perhaps`, expected one of `pass`, `fail`"
        );
    }

    #[test]
    fn quantities_and_texts_are_understood() {
        let volts = || ask(Asked::Quantity(find_unit("mV").unwrap()), Some(limit("1 V", "2 V")));
        for (text, verdict) in [
            ("1500", Verdict::Pass),
            ("1.5 V", Verdict::Pass),
            ("0.5 V", Verdict::Fail),
            ("1.5 A", Verdict::Error),
            ("nan", Verdict::Error),
        ] {
            assert_eq!(answered(volts(), Ok(text)).verdict(), verdict, "{text}");
        }
        let free = || ask(Asked::Text, None);
        assert_eq!(answered(free(), Ok(" ")).verdict(), Verdict::Error);
        assert_eq!(answered(free(), Ok("Müller")).verdict(), Verdict::Inconclusive);
    }
}
