//! One method a kind of event.

use hil_record::{Datum, Event, EventKind, Measurement, Outcome, PartIdentity, SafeOutput, Verdict};

use crate::text::interlock;

use super::{Answer, Attempt, Edge, Lid, Phase, Problem, Reading, Run, SafeState, Step, Stimulus, clean};

impl Run {
    pub(super) fn take(&mut self, event: &Event) {
        let now = event.bench_ns;
        self.ended = clean(&event.wall);
        self.bench_ns = self.bench_ns.max(now);
        match &event.kind {
            EventKind::RunStarted { .. } => self.run_started(event),
            EventKind::BenchOpened { parts, safeguards } => {
                self.parts = parts.iter().map(clean_part).collect();
                self.safeguards = safeguards.iter().map(|(what, there)| (clean(what), clean(there))).collect();
            }
            EventKind::PhaseStarted { phase } => self.phase_started(clean(phase), now),
            EventKind::PhaseFinished { phase, error } => self.phase_finished(&clean(phase), error.as_deref(), now),
            EventKind::StepStarted { step, title, attempt, requirements, .. } => {
                self.step_started(step, title, *attempt, requirements, now)
            }
            // What ran when is told by `crate::timing`.
            EventKind::ActionStarted { .. } | EventKind::BranchFinished { .. } => {}
            // For who reads the journal itself.
            EventKind::Wire { .. } => {}
            EventKind::Stimulus { step, signal, value, unit, at_ns, .. } => {
                let stimulus = Stimulus { signal: clean(signal), value: clean_datum(value), unit: clean(unit), at_ns: *at_ns };
                self.work(step).stimuli.push(stimulus);
            }
            EventKind::Reading { step, name, signal, value, unit, .. } => {
                let reading = Reading { name: clean(name), signal: clean(signal), value: clean_datum(value), unit: clean(unit) };
                self.work(step).readings.push(reading);
            }
            EventKind::Edge { step, name, signal, trigger, at_ns, uncertainty_ns, source } => {
                let [name, signal, trigger, source] = [name, signal, trigger, source].map(|t| clean(t));
                let samples = Vec::new();
                let edge =
                    Edge { name, signal, trigger, at_ns: *at_ns, uncertainty_ns: *uncertainty_ns, source, unit: String::new(), samples };
                self.work(step).edges.push(edge);
            }
            EventKind::Waveform { step, name, unit, at_ns, values, .. } => {
                let (name, unit) = (clean(name), clean(unit));
                if let Some(edge) = self.work(step).edges.iter_mut().rfind(|e| e.name == name) {
                    let number = |v: &Datum| if let Datum::Number(x) = v { Some(*x) } else { None };
                    edge.unit = unit;
                    edge.samples = at_ns.iter().zip(values).filter_map(|(at, v)| Some((*at, number(v)?))).collect();
                }
            }
            EventKind::Measurement(m) => self.work(&m.step).measurements.push(clean_measurement(m)),
            EventKind::Answer { step, prompt, value, unit, by, .. } => {
                let answer = Answer { prompt: clean(prompt), value: clean_datum(value), unit: clean(unit), by: clean(by) };
                self.work(step).answers.push(answer);
            }
            EventKind::Call { step, program, action, results, .. } => {
                let signal = format!("{program}.{action}");
                let readings = results.iter().map(|r| {
                    let name = r.name.as_ref().unwrap_or(&r.result);
                    Reading { name: clean(name), signal: clean(&signal), value: clean_datum(&r.value), unit: clean(&r.unit) }
                });
                self.work(step).readings.extend(readings);
            }
            EventKind::StepExcluded { step, by, .. } => self.step(step).excluded = Some(*by),
            EventKind::Retry { step, failure, .. } => self.work(step).retried_as = Some(clean(failure)),
            EventKind::Problem { step, verdict, message } => self.problem(step.as_deref(), *verdict, message),
            EventKind::StepFinished { step, attempt, verdict, reason } => {
                self.step_finished(step, *attempt, *verdict, reason.as_deref(), now)
            }
            EventKind::Interrupted { by, count } => self.interrupted = Some((clean(by), *count)),
            EventKind::InterlockOpened { input, .. } => self.interrupted = Some((clean(&interlock(input)), 1)),
            EventKind::Lid { unlocked, reason, .. } => {
                self.lid = Some(Lid { unlocked: *unlocked, reason: clean(reason.as_deref().unwrap_or_default()) });
            }
            EventKind::SafeState { outputs, confirmed, took_ns } => {
                let outputs = outputs.iter().map(clean_output).collect();
                self.safe_state = Some(SafeState { outputs, confirmed: *confirmed, took_ns: *took_ns });
            }
            EventKind::RunFinished { disposition, status, safe, exit_code: _, retried, not_judged } => {
                self.not_judged = not_judged.iter().map(|requirement| clean(requirement)).collect();
                self.retried = retried.iter().map(|step| clean(step)).collect();
                self.outcome = Some(Outcome { disposition: *disposition, status: *status, safe: *safe });
            }
        }
    }

    fn run_started(&mut self, event: &Event) {
        let EventKind::RunStarted {
            schema: _,
            run,
            plan,
            title,
            product,
            serial,
            bench,
            seed,
            version,
            digests,
            parameters,
            calibration,
            operator,
            defects,
            steps,
            clauses,
        } = &event.kind
        else {
            return;
        };
        let pairs = |from: &std::collections::BTreeMap<String, String>| from.iter().map(|(k, v)| (clean(k), clean(v))).collect();
        self.began = clean(&event.wall);
        [self.id, self.plan, self.title, self.product, self.bench, self.version] =
            [run, plan, title, product, bench, version].map(|t| clean(t));
        self.serial = serial.as_deref().map(clean);
        self.clauses = pairs(clauses);
        self.seed = *seed;
        self.digests = pairs(digests);
        self.parameters = pairs(parameters);
        self.calibration = pairs(calibration);
        self.operator = operator.as_deref().map(clean);
        self.defects = defects.iter().map(|d| clean(d)).collect();
        for step in steps {
            self.step(step);
        }
    }

    fn phase_started(&mut self, name: String, now: u64) {
        self.phases.push(Phase { name, work: Attempt { number: 1, began_ns: now, ..Attempt::default() } });
    }

    fn phase_finished(&mut self, name: &str, error: Option<&str>, now: u64) {
        if let Some(phase) = self.phases.iter_mut().rev().find(|p| p.name == name) {
            phase.work.ended_ns = Some(now);
            phase.work.reason = error.map(clean);
        }
    }

    fn step_started(&mut self, step: &str, title: &str, attempt: u32, requirements: &[String], now: u64) {
        let step = self.step(step);
        step.title = without_row(clean(title), &step.id);
        step.requirements = requirements.iter().map(|r| clean(r)).collect();
        step.attempts.push(Attempt { number: attempt, began_ns: now, ..Attempt::default() });
    }

    fn step_finished(&mut self, step: &str, attempt: u32, verdict: Verdict, reason: Option<&str>, now: u64) {
        let step = self.step(step);
        let reason = reason.map(clean);
        match step.attempts.iter_mut().rev().find(|a| a.number == attempt && a.ended_ns.is_none()) {
            Some(attempt) => {
                attempt.ended_ns = Some(now);
                attempt.verdict = Some(verdict);
                attempt.reason = reason;
            }
            // It never began.
            None => step.skipped = Some(reason.unwrap_or_default()),
        }
    }

    fn problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) {
        let problem = Problem { verdict, lines: message.lines().map(clean).collect() };
        match step {
            None => self.problems.push(problem),
            Some(step) => self.work(step).problems.push(problem),
        }
    }

    /// What goes on under this name: a phase that runs, else the step, else a
    /// phase that is over.
    fn work(&mut self, name: &str) -> &mut Attempt {
        let name = clean(name);
        let is_step = self.places.contains_key(&name);
        let of_phase = |p: &Phase| p.name == name && (p.work.ended_ns.is_none() || !is_step);
        if let Some(at) = self.phases.iter().rposition(of_phase) {
            return &mut self.phases[at].work;
        }
        let attempts = &mut self.step(&name).attempts;
        if attempts.is_empty() {
            attempts.push(Attempt { number: 1, ..Attempt::default() });
        }
        let last = attempts.len() - 1;
        &mut attempts[last]
    }

    fn step(&mut self, id: &str) -> &mut Step {
        let id = clean(id);
        let at = match self.places.get(&id) {
            Some(at) => *at,
            None => {
                self.places.insert(id.clone(), self.steps.len());
                self.steps.push(Step::new(id));
                self.steps.len() - 1
            }
        };
        &mut self.steps[at]
    }
}

/// The row of a table stands in the id; a title need not repeat it.
fn without_row(title: String, id: &str) -> String {
    let row = id.find('[').map(|at| format!(" {}", &id[at..]));
    row.and_then(|row| title.strip_suffix(&row).map(str::to_owned)).unwrap_or(title)
}

fn clean_datum(value: &Datum) -> Datum {
    match value {
        Datum::Number(x) => Datum::Number(*x),
        Datum::Text(text) => Datum::Text(clean(text)),
    }
}

fn clean_part(p: &PartIdentity) -> PartIdentity {
    let [name, model, serial, firmware, calibration] = [&p.name, &p.model, &p.serial, &p.firmware, &p.calibration].map(|t| clean(t));
    PartIdentity { name, model, serial, firmware, calibration }
}

fn clean_output(o: &SafeOutput) -> SafeOutput {
    SafeOutput { part: clean(&o.part), off: o.off, readback: clean(&o.readback) }
}

fn clean_measurement(m: &Measurement) -> Measurement {
    let mut m = m.clone();
    for text in [&mut m.step, &mut m.name, &mut m.of, &mut m.unit, &mut m.source, &mut m.owner] {
        *text = clean(text);
    }
    m.value = clean_datum(&m.value);
    m.expected = m.expected.as_deref().map(clean);
    m.limit = m.limit.as_deref().map(clean);
    m.requirements = m.requirements.iter().map(|r| clean(r)).collect();
    m
}
