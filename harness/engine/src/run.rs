//! One run, from its first event to its last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hil_channel::{Bench, Lid, PartId, SafeReport};
use hil_model::{Plan, Step};
use hil_record::{Datum, EventKind, Outcome, PartIdentity, SafeOutput, SinkError, Status, StudVolts, Verdict, Way};
use hil_timebase::Clock;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::course::Course;
use crate::dispatcher::{Dispatcher, Log};
use crate::guard::{guarded, until_interrupt};
use crate::header::{Control, Operator, RunHeader, Selection, Sinks, Unattended};
use crate::interlock::{Opened, until_open};
use crate::lacking::judged;
use crate::preflight::check_opened;
use crate::scene::{PHASE_LIMIT, Scene, Stage};
use crate::step::{NO_JOURNAL, finish_step, run_acts, run_acts_after};

/// Bench time that opening may take, external programs and a second attempt at
/// each link included.
const OPEN_LIMIT: Duration = Duration::from_secs(120);

/// Bench time that teardown may take.
pub const TEARDOWN_LIMIT: Duration = Duration::from_secs(10);

/// Bench time that the safe state may take; after it, the bench counts as not
/// safe. A bench's own deadlines are shorter.
pub const SAFE_STATE_LIMIT: Duration = Duration::from_secs(60);

/// Bench time that closing may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// Bench time for studs to be dead, and to say so.
const LID_LIMIT: Duration = Duration::from_secs(30);

/// How often a safe state that was cut short by a halt is begun again.
const SAFE_STATE_TRIES: u32 = 3;

/// One run of a plan on a bench. Its state outlives the future of
/// [`Engine::run`], so that [`Engine::recover`] can end what was cut short.
pub struct Engine<'a> {
    plan: &'a Plan,
    bench: &'a dyn Bench,
    clock: Clock,
    log: Log,
    header: RunHeader,
    control: UnboundedReceiver<Control>,
    safe_tries: u32,
    selection: Selection,
    lacking: BTreeMap<String, String>,
    operator: Box<dyn Operator>,
}

/// Notes in the journal what passed on an instrument's link, while the run lasts.
#[derive(Clone)]
pub struct Wiretap(Log);

impl Wiretap {
    /// Notes it; before the first event and after the last there is no journal for it.
    pub fn note(&self, instrument: &str, direction: Way, text: String) {
        let during = {
            let log = self.0.look();
            log.state.started && log.state.outcome.is_none()
        };
        if during {
            self.0.note(EventKind::Wire { instrument: instrument.to_owned(), direction, text });
        }
    }
}

impl<'a> Engine<'a> {
    /// A run that has not begun; bench time counts from here.
    pub fn new(
        plan: &'a Plan,
        bench: &'a dyn Bench,
        clock: Clock,
        sinks: Sinks,
        header: RunHeader,
        control: UnboundedReceiver<Control>,
    ) -> Self {
        let log = Log::new(Dispatcher::new(sinks, clock.clone(), &header));
        Self {
            plan,
            bench,
            clock,
            log,
            header,
            control,
            safe_tries: 0,
            selection: Selection::default(),
            lacking: BTreeMap::new(),
            operator: Box::new(Unattended),
        }
    }

    /// For who hears what passes on the instruments' links.
    pub fn wiretap(&self) -> Wiretap {
        Wiretap(self.log.clone())
    }

    /// Which steps run, and how often; all once without this.
    pub fn select(&mut self, selection: Selection) {
        self.selection = selection;
    }

    /// Steps that the bench cannot judge, and why: they are left out, and no unit
    /// passes. See [`crate::lacking`].
    pub fn leave_out(&mut self, lacking: BTreeMap<String, String>) {
        self.lacking = lacking;
    }

    /// Who answers the plan's questions; nobody without this.
    pub fn attend(&mut self, operator: Box<dyn Operator>) {
        self.operator = operator;
    }

    /// From the first event to the last. Always ends in the safe state. The
    /// outcome is what the last event says, but a tester error if the journal
    /// could not take that event.
    pub async fn run(&mut self) -> Outcome {
        self.begin();
        let (cut, why) = self.work().await;
        self.close(cut, &why);
        // Without an interlock that can be watched nothing is done but the safe state.
        if cut != Verdict::Error {
            self.teardown().await;
        }
        self.finish().await
    }

    /// For when `Runtime::block_on` returned a halt instead of an outcome:
    /// records the problem, skips what is left, teardown too, and ends in the
    /// safe state. May be called again if that halts too; does nothing twice.
    pub async fn recover(&mut self, message: &str) -> Outcome {
        if let Some(outcome) = self.outcome() {
            return outcome;
        }
        self.begin();
        let place = self.log.look().state.place();
        self.log.note(EventKind::Problem { step: place, verdict: Verdict::Error, message: message.to_owned() });
        self.close(Verdict::Error, message);
        self.finish().await
    }

    /// Sinks that failed, with the first error of each, the journal included.
    /// One that failed at the last event is only known here.
    pub fn sink_failures(&self) -> Vec<SinkError> {
        self.log.look().failures()
    }

    fn begin(&self) {
        if self.log.look().state.started {
            return;
        }
        let h = &self.header;
        self.log.note(EventKind::RunStarted {
            schema: hil_record::event::SCHEMA,
            run: h.run.clone(),
            plan: self.plan.id.clone(),
            title: self.plan.title.clone(),
            product: self.plan.product.clone(),
            serial: h.serial.clone(),
            bench: h.bench.clone(),
            seed: h.seed,
            version: h.version.clone(),
            digests: h.digests.clone(),
            parameters: self.plan.parameters.iter().map(|(k, v)| (k.clone(), v.to_string())).collect(),
            calibration: h.calibration.clone(),
            operator: h.operator.clone(),
            defects: h.defects.clone(),
            steps: self.plan.steps.iter().map(|s| s.id.clone()).collect(),
            clauses: h.clauses.clone(),
        });
    }

    /// Opens, sets up and steps through the plan, unless somebody asks to stop.
    /// What that makes of a step that ran, and why it ended; empty if it went to its
    /// end.
    async fn work(&mut self) -> (Verdict, String) {
        let Self { plan, bench, clock, log, header, control, selection, lacking, operator, .. } = self;
        let stage =
            Stage { bench: *bench, clock: clock.clone(), log: log.clone(), header, rule: plan.judging.rule, operator: operator.as_ref() };
        let work = until_open(log, *bench, guarded(work(&stage, plan, selection, lacking)));
        match until_interrupt(log, control, 1, work).await {
            Ok(Ok(Ok(Ok(())))) => (Verdict::Aborted, String::new()),
            Ok(Ok(Ok(Err(why)))) => (Verdict::Aborted, why),
            Ok(Ok(Err(panic))) => {
                let step = log.look().state.place();
                log.note(EventKind::Problem { step, verdict: Verdict::Error, message: panic.clone() });
                (Verdict::Aborted, panic)
            }
            Ok(Err(Opened { verdict, why })) => (verdict, why),
            Err(by) => (Verdict::Aborted, format!("interrupted by {by}")),
        }
    }

    /// Ends the phase and the step that were cut short, and skips what is left.
    fn close(&self, cut: Verdict, why: &str) {
        let stage = self.stage();
        self.end_phase(Some(why.to_owned()));
        let running: Vec<String> = self.log.look().state.open.iter().map(|o| o.id.clone()).collect();
        for step in running {
            // What the journal could not take has been noted by the dispatcher.
            let _ = finish_step(&stage, &step, Some(cut), why);
        }
        let left = |step: &&Step| self.log.look().state.result(&step.id).is_none();
        for step in self.plan.steps.iter().filter(left) {
            self.log.note(EventKind::StepFinished {
                step: step.id.clone(),
                attempt: 1,
                verdict: Verdict::Skipped,
                reason: Some(why.to_owned()),
            });
        }
    }

    async fn teardown(&mut self) {
        if self.plan.teardown.is_empty() || !self.may_tear_down() {
            return;
        }
        let error = self.teardown_acts().await.err();
        self.end_phase(error);
    }

    /// The bench answered and has power, and what is done to it will be in the
    /// journal.
    fn may_tear_down(&self) -> bool {
        let look = self.log.look();
        look.state.opened && !look.state.interlocked && !look.journal_failed()
    }

    async fn teardown_acts(&mut self) -> Result<(), String> {
        let Self { plan, bench, clock, log, header, control, operator, .. } = self;
        let stage =
            Stage { bench: *bench, clock: clock.clone(), log: log.clone(), header, rule: plan.judging.rule, operator: operator.as_ref() };
        log.note(EventKind::PhaseStarted { phase: "teardown".into() });
        let scene = Scene::new(&stage, "teardown", &[], true);
        let acts = clock.timeout(TEARDOWN_LIMIT, guarded(run_acts_after(&scene, &plan.teardown)));
        let problem = match until_interrupt(log, control, 2, until_open(log, *bench, acts)).await {
            Ok(Ok(Ok(Ok(done)))) => return done,
            Ok(Ok(Ok(Err(panic)))) => panic,
            Ok(Err(Opened { why, .. })) => return Err(why),
            Ok(Ok(Err(_))) => format!("teardown did not end within {} s", TEARDOWN_LIMIT.as_secs()),
            Err(by) => return Err(format!("interrupted by {by}")),
        };
        log.note(EventKind::Problem { step: Some("teardown".into()), verdict: Verdict::Error, message: problem.clone() });
        Err(problem)
    }

    fn end_phase(&self, error: Option<String>) {
        let phase = self.log.look().state.phase.clone();
        if let Some(phase) = phase {
            self.log.note(EventKind::PhaseFinished { phase, error });
        }
    }

    /// The safe state and the last event, each once.
    async fn finish(&mut self) -> Outcome {
        if self.log.look().state.safe.is_none() {
            self.safe_state().await;
            self.release_lid().await;
            self.close_bench().await;
        }
        let outcome = self.log.look().state.verdict();
        let retried = self.log.look().state.retried().to_vec();
        self.log.note(EventKind::RunFinished {
            disposition: outcome.disposition,
            status: outcome.status,
            safe: outcome.safe,
            exit_code: outcome.exit_code(),
            retried,
            not_judged: self.not_judged(),
        });
        self.outcome().unwrap_or(outcome)
    }

    /// Requirements of the steps that the bench cannot judge, in order.
    fn not_judged(&self) -> Vec<String> {
        let look = self.log.look();
        let steps = self.plan.steps.iter().filter(|s| look.state.is_beyond_the_bench(&s.id));
        let mut seen = BTreeSet::new();
        steps.flat_map(|s| &s.requirements).filter(|r| seen.insert(r.as_str())).cloned().collect()
    }

    async fn safe_state(&mut self) {
        let begin = self.clock.now();
        self.safe_tries += 1;
        let report = if self.safe_tries > SAFE_STATE_TRIES {
            Err("the safe state was cut short again and again".to_owned())
        } else {
            let Self { bench, clock, log, control, .. } = self;
            let work = clock.timeout(SAFE_STATE_LIMIT, guarded(async { bench.safe_state().await }));
            match until_interrupt(log, control, u32::MAX, work).await {
                Ok(Ok(Ok(report))) => Ok(report),
                Ok(Ok(Err(panic))) => Err(panic),
                Ok(Err(_)) => Err(format!("the safe state did not end within {} s", SAFE_STATE_LIMIT.as_secs())),
                Err(by) => Err(format!("interrupted by {by}")),
            }
        };
        let took = self.clock.now().since(begin);
        let report = report.unwrap_or_else(|message| {
            self.log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message });
            SafeReport { parts: Vec::new(), took }
        });
        self.log.note(safe_event(&report));
    }

    /// The lid opens only when every stud is measured to be dead.
    async fn release_lid(&self) {
        if self.log.look().state.safe != Some(true) {
            return;
        }
        let work = self.clock.timeout(LID_LIMIT, guarded(async { self.bench.release_lid().await }));
        let lid = match work.await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(lid))) => lid,
            Ok(Err(why)) => Lid::Locked { why },
            Err(_) => Lid::Locked { why: format!("it was not known within {} s whether every stud is dead", LID_LIMIT.as_secs()) },
        };
        self.log.note(lid_event(lid));
    }

    /// After the safe state; what does not end as it should is the tester's.
    async fn close_bench(&self) {
        let work = self.clock.timeout(CLOSE_LIMIT, guarded(async { self.bench.close().await }));
        let message = match work.await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(panic)) => panic,
            Err(_) => format!("the bench did not close within {} s", CLOSE_LIMIT.as_secs()),
        };
        self.log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message });
    }

    fn outcome(&self) -> Option<Outcome> {
        let look = self.log.look();
        let outcome = look.state.outcome?;
        Some(if look.journal_failed() { Outcome { status: Status::TesterError, ..outcome } } else { outcome })
    }

    fn stage(&self) -> Stage<'_> {
        Stage {
            bench: self.bench,
            clock: self.clock.clone(),
            log: self.log.clone(),
            header: &self.header,
            rule: self.plan.judging.rule,
            operator: self.operator.as_ref(),
        }
    }
}

/// Everything that an interrupt cancels. The error is why the rest is skipped;
/// what went wrong is journalled.
async fn work(stage: &Stage<'_>, plan: &Plan, selection: &Selection, lacking: &BTreeMap<String, String>) -> Result<(), String> {
    let broken = |_| NO_JOURNAL.to_owned();
    if stage.log.look().journal_failed() {
        return Err(NO_JOURNAL.into());
    }
    let opened = match stage.clock.timeout(OPEN_LIMIT, stage.bench.open()).await {
        Ok(opened) => opened.map_err(|e| e.to_string()),
        Err(_) => Err(format!("the bench did not open within {} s", OPEN_LIMIT.as_secs())),
    };
    let parts = match opened {
        Ok(parts) => parts,
        Err(message) => {
            stage.log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message });
            return Err("the bench could not be opened".into());
        }
    };
    let unfit = check_opened(&judged(plan, lacking), stage.bench);
    if !unfit.is_empty() {
        for message in unfit {
            stage.log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message });
        }
        return Err("the bench does not offer what the plan asks for".into());
    }
    let identity = |PartId { name, model, serial, firmware, calibration }| PartIdentity { name, model, serial, firmware, calibration };
    let parts = parts.into_iter().map(identity).collect();
    stage.log.emit(EventKind::BenchOpened { parts, safeguards: stage.bench.safeguards() }).map_err(broken)?;
    if !plan.setup.is_empty() {
        stage.log.emit(EventKind::PhaseStarted { phase: "setup".into() }).map_err(broken)?;
        let scene = Scene::new(stage, "setup", &[], true);
        let error = match stage.clock.timeout(PHASE_LIMIT, run_acts(&scene, &plan.setup)).await {
            Ok(done) => done.err(),
            Err(_) => {
                let message = format!("setup did not end within {} s", PHASE_LIMIT.as_secs());
                let problem = EventKind::Problem { step: Some("setup".into()), verdict: Verdict::Error, message: message.clone() };
                stage.log.emit(problem).map_err(broken)?;
                Some(message)
            }
        };
        drop(scene);
        stage.log.emit(EventKind::PhaseFinished { phase: "setup".into(), error: error.clone() }).map_err(broken)?;
        if error.is_some() {
            return Err("setup failed".into());
        }
    }
    Course::new(stage, plan, selection, lacking).run().await
}

fn lid_event(lid: Lid) -> EventKind {
    match lid {
        Lid::Unlocked { studs } => {
            let studs = studs.into_iter().map(|(signal, volts)| StudVolts { signal, value: Datum::number(volts) }).collect();
            EventKind::Lid { unlocked: true, studs, reason: None }
        }
        Lid::Locked { why } => EventKind::Lid { unlocked: false, studs: Vec::new(), reason: Some(why) },
    }
}

fn safe_event(report: &SafeReport) -> EventKind {
    EventKind::SafeState {
        outputs: report.parts.iter().map(|p| SafeOutput { part: p.name.clone(), off: p.off, readback: p.readback.clone() }).collect(),
        confirmed: report.confirmed(),
        took_ns: u64::try_from(report.took.as_nanos()).unwrap_or(u64::MAX),
    }
}
