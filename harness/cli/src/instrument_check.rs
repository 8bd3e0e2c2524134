//! `hil instrument check`: whether a dialect file is right, what its model can be used
//! for, and whether an instrument does what the file says: the virtual one that is
//! made of it, or the one at an address.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use hil_client::ability::{Standing, USES};
use hil_client::dialect::Verb;
use hil_client::serial::Line;
use hil_client::trial::{Reach, Tried, try_out};
use hil_client::{Address, Dialect, Link, Stream};
use hil_model::Sources;
use hil_timebase::{Clock, Runtime};
use hil_virtual::{Dummy, Identity, Instrument, Model};

use crate::assemble::no_runtime;
use crate::failure::Failure;
use crate::project::read;
use crate::say;
use crate::wire;

/// To connect to an instrument.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// `hil instrument check`.
#[derive(Args, Debug)]
pub struct InstrumentCheck {
    /// A dialect file, such as instruments/dialects/rigol-dp832.toml.
    pub file: PathBuf,
    /// Tries the instrument at this VISA address too. Switches nothing on.
    #[arg(long, value_name = "VISA")]
    pub address: Option<String>,
    /// Which of its channels, counted from 1.
    #[arg(long, default_value_t = 1)]
    pub channel: u32,
    /// Also switches its output on for a moment: at most 5 V and 0.1 A.
    #[arg(long, requires = "address")]
    pub power: bool,
}

/// Prints what the file says and what was tried; returns the exit code.
///
/// # Errors
/// A file that is wrong (exit code 2), an instrument that cannot be reached (3).
pub fn check(arguments: &InstrumentCheck) -> Result<u8, Failure> {
    let mut sources = Sources::default();
    let id = sources.add(arguments.file.display().to_string(), read(&arguments.file, "dialect")?);
    let dialect = Dialect::read(&sources, id).map_err(|errors| Failure::diagnostics(&sources, &errors))?;
    if !(1..=dialect.channels).contains(&arguments.channel) {
        let text = format!("--channel is {}, expected 1 to {}", arguments.channel, dialect.channels);
        return Err(Failure::invalid(text, None));
    }
    say(&described(&dialect));
    let mut good = told("the virtual instrument", &on_the_virtual_one(arguments, &dialect)?);
    if let Some(address) = &arguments.address {
        good &= told(&format!("the instrument at {address}"), &on_the_real_one(arguments, &dialect, address)?);
    }
    Ok(if good { 0 } else { 3 })
}

/// Prints what was tried; whether all was good.
fn told(who: &str, all: &[Tried]) -> bool {
    let mut text = format!("\n{who}\n");
    for tried in all {
        let (mark, found) = match &tried.found {
            Ok(found) => ("ok", found),
            Err(found) => ("WRONG", found),
        };
        text.push_str(&format!("  {mark:<6} {:<12} {found}\n", tried.what));
    }
    say(&text);
    all.iter().all(|tried| tried.found.is_ok())
}

/// What the model can be used for, and how much of that is certain.
fn described(dialect: &Dialect) -> String {
    let model = &dialect.identity;
    let channels = if dialect.channels == 1 { "1 channel".into() } else { format!("{} channels", dialect.channels) };
    let confidence = if dialect.verified { "verified" } else { "unverified" };
    let mut text = format!("{} {}: {}, {channels}, {confidence}\n", model.maker, model.model, dialect.kind.word());
    let mut row = |use_of: &str, standing: &Standing, driven: bool| {
        let note = if driven || matches!(standing, Standing::Missing(_)) { "" } else { " (no bench can use it yet)" };
        text.push_str(&format!("  {use_of:<26} {}{note}\n", words(standing)));
    };
    row(&format!("as a {}", dialect.kind.word()), &dialect.standing(dialect.kind.needs()), true);
    for wanted in USES.iter().filter(|u| u.kinds.contains(&dialect.kind)) {
        row(wanted.name, &dialect.ability(wanted), wanted.driven);
    }
    let rows = dialect.sets.iter().map(|r| r.accuracy.is_some()).chain(dialect.reads.iter().map(|r| r.accuracy.is_some()));
    let (known, all) = rows.fold((0, 0), |(known, all), has| (known + usize::from(has), all + 1));
    let assumed = dialect.sets.iter().filter(|r| r.assumption).count() + dialect.reads.iter().filter(|r| r.assumption).count();
    text.push_str(&format!("  {:<26} known of {known} of {all} ranges, {assumed} of them assumed\n", "accuracy"));
    text
}

fn words(standing: &Standing) -> String {
    let names = |verbs: &[Verb]| verbs.iter().map(|v| format!("`{}`", v.name())).collect::<Vec<_>>().join(", ");
    match standing {
        Standing::Verified => "yes, verified".into(),
        Standing::Unverified(verbs) if verbs.is_empty() => "yes, but nobody has confirmed it".into(),
        Standing::Unverified(verbs) => format!("yes, but nobody has confirmed {}", names(verbs)),
        Standing::Missing(verbs) if verbs.is_empty() => "no".into(),
        Standing::Missing(verbs) => format!("no: {} missing", names(verbs)),
    }
}

fn on_the_virtual_one(arguments: &InstrumentCheck, dialect: &Dialect) -> Result<Vec<Tried>, Failure> {
    let runtime = Runtime::virtual_time().map_err(|e| no_runtime(&e))?;
    let clock = runtime.clock();
    let model = Model::Described { dialect: Rc::new(dialect.clone()), channel: arguments.channel };
    let tried = runtime.block_on(async {
        let identity = Identity::new("VIRTUAL-1");
        let instrument = Instrument::power_up(model, &identity, Arc::new(Dummy::default()), clock.clone(), 1, Duration::ZERO);
        let (near, far) = tokio::io::duplex(16 * 1024);
        tokio::task::spawn_local(async move { instrument.attend(far).await });
        on(near, arguments.channel, dialect, &clock, Reach { power: true }).await
    });
    tried.map_err(|halt| Failure::tester(halt.to_string(), None))
}

fn on_the_real_one(arguments: &InstrumentCheck, dialect: &Dialect, address: &str) -> Result<Vec<Tried>, Failure> {
    let address: Address =
        address.parse().map_err(|e: hil_client::AddressError| Failure::invalid(format!("--address is {e}"), e.hint().as_deref()))?;
    let runtime = Runtime::real_time().map_err(|e| no_runtime(&e))?;
    let clock = runtime.clock();
    let tried = runtime.block_on(async {
        let stream = address.open(Line::default(), &clock, CONNECT_WITHIN).await?;
        Ok(on(stream, arguments.channel, dialect, &clock, Reach { power: arguments.power }).await)
    });
    let lost = |e: String| Failure::tester(e, Some("is it on, and connected?"));
    tried.map_err(|halt| Failure::tester(halt.to_string(), None))?.map_err(lost)
}

async fn on(stream: impl Stream + 'static, channel: u32, dialect: &Dialect, clock: &Clock, reach: Reach) -> Vec<Tried> {
    let one = Rc::new(dialect.for_channel(channel));
    let link = Link::spawn("instrument", stream, one.link_settings(), clock.clone(), Some(wire::trace()));
    try_out(&link, &one, reach).await
}
