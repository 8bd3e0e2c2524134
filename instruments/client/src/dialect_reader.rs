//! The text of a dialect file to a [`Dialect`]: all errors in one pass.

use std::collections::BTreeMap;

use hil_model::reader::node::Node;
use hil_model::reader::table::Table;
use hil_model::{Dimension, Quantity};

use crate::command::{self, Command, Source, SourceKind};
use crate::dialect::{Accuracy, Dialect, Fact, Function, Kind, LinkFacts, Model, ReadRange, Reference, SetRange};
use crate::quirks::Quirks;
use crate::verb::Verb;
use crate::{data_log_reader, digitizer_reader, quirks_reader};

/// Transports that a model may have.
const TRANSPORTS: [&str; 10] = ["can", "canopen", "gpib", "hislip", "modbus-tcp", "raw-tcp", "rs232", "usb-cdc", "usbtmc", "vxi11"];

/// No instrument has more channels.
const MOST_CHANNELS: usize = 64;

/// The file's sources by name.
type Known = BTreeMap<String, Source>;

/// A quantity's range of sense: which, and what that is called.
type Sense = (fn(f64) -> bool, &'static str);

const ANY: Sense = (|_| true, "a value");
const NOT_NEGATIVE: Sense = (|si| si >= 0.0, "a value of at least zero");
const POSITIVE: Sense = (|si| si > 0.0, "a value above zero");

pub(crate) fn read(root: Table<'_>) -> Option<Dialect> {
    let kind = root.required("kind").and_then(|n| n.word(&Kind::WORDS.map(|w| w.0)));
    let kind = kind.and_then(|word| Kind::WORDS.iter().find(|w| w.0 == word)).map(|w| w.1);
    let verified = root.required("confidence").and_then(|n| n.word(&["unverified", "verified"])).map(|word| word == "verified");
    let channels = root.optional("channels").map_or(Some(1), |n| channel_count(&n));
    let identity = root.table("identity").map(|t| t.at("identity")).and_then(identity);
    let link = root.table("link").map(|t| t.at("link"));
    let completes = link.as_ref().and_then(|t| t.peek("completes").cloned());
    let link = link.and_then(self::link);
    let reference = root.optional_table("reference").map(|t| reference(t.at("reference")));
    let sources = root.table("sources").map(|t| t.at("sources")).and_then(|t| sources(&t));
    let commands = root.table("commands").map(|t| t.at("commands"));
    let commands = commands.and_then(|t| self::commands(&t, kind, channels, verified, sources.as_ref()));
    let sets: Vec<_> = root.tables("set", "function").into_iter().map(|t| set_range(t, channels)).collect();
    let reads: Vec<_> = root.tables("read", "function").into_iter().map(|t| read_range(t, channels)).collect();
    let digitizer = root.optional_table("digitizer").map(|t| digitizer_reader::read(t.at("digitizer")));
    let chosen = commands.as_ref().is_some_and(|all| all.contains_key(&Verb::SelectChannel));
    let say_channel = channels.is_some_and(|n| n > 1) && !chosen;
    let data_log = root.optional_table("data-log").map(|t| data_log_reader::read(t.at("data-log"), say_channel));
    let quirks = quirks_reader::read(&root);
    if let (Some(node), Some(commands), Some(quirks)) = (completes, &commands, &quirks) {
        tells_completion(&node, commands, quirks);
    }
    root.finish();
    Some(Dialect {
        kind: kind?,
        verified: verified?,
        channels: channels?,
        identity: identity?,
        link: link?,
        reference: match reference {
            Some(read) => Some(read?),
            None => None,
        },
        sources: sources?,
        commands: commands?,
        sets: sets.into_iter().collect::<Option<_>>()?,
        reads: reads.into_iter().collect::<Option<_>>()?,
        digitizer: match digitizer {
            Some(read) => Some(read?),
            None => None,
        },
        data_log: match data_log {
            Some(read) => Some(read?),
            None => None,
        },
        quirks: quirks?,
    })
}

fn channel_count(node: &Node<'_>) -> Option<u32> {
    let found = node.count(1)?;
    if found > MOST_CHANNELS {
        node.expected(&format!("at most {MOST_CHANNELS}"), None);
        return None;
    }
    u32::try_from(found).ok()
}

/// `assumption = true` where no document of the maker confirms it.
fn assumption(table: &Table<'_>) -> Option<bool> {
    table.optional("assumption").map_or(Some(false), |n| n.boolean())
}

fn owned(table: &Table<'_>, key: &'static str) -> Option<String> {
    table.string(key).map(str::to_owned)
}

fn identity(table: Table<'_>) -> Option<Model> {
    let (maker, model) = (owned(&table, "maker"), owned(&table, "model"));
    let (idn_maker, idn_model) = (owned(&table, "idn-maker"), owned(&table, "idn-model"));
    let (source, assumption) = (owned(&table, "source"), assumption(&table));
    table.finish();
    let (idn_maker, idn_model) = (idn_maker?, idn_model?);
    Some(Model { maker: maker?, model: model?, idn_maker, idn_model, source: source?, assumption: assumption? })
}

fn link(table: Table<'_>) -> Option<LinkFacts> {
    let transports = table.required("transports").and_then(|n| n.items()).and_then(|items| {
        let words: Vec<_> = items.iter().map(|n| n.word(&TRANSPORTS).map(str::to_owned)).collect();
        words.into_iter().collect::<Option<Vec<_>>>()
    });
    let port = table.optional("port").map(|n| {
        let found = n.count(1).and_then(|p| u16::try_from(p).ok());
        found.or_else(|| {
            n.expected("a TCP port from 1 to 65535", None);
            None
        })
    });
    let write_end = table.required("write-end").and_then(|n| line_end(&n));
    let read_end = table.required("read-end").and_then(|n| read_end(&n));
    let gap = table.required("gap").and_then(|n| n.duration());
    let latency = table.required("latency").and_then(|n| n.duration());
    let reply_within = table.required("reply-within").and_then(|n| n.positive_duration());
    let quiet = table.required("quiet").and_then(|n| n.positive_duration());
    let max_reply = table.required("max-reply").and_then(|n| n.count(1));
    let (completes, pipelines) = (fact(&table, "completes"), fact(&table, "pipelines"));
    if let (Some(node), Some(gap)) = (table.peek("pipelines"), gap.filter(|gap| !gap.is_zero())) {
        node.error(format!("`pipelines` with a `gap` of {} ms: no message may follow another at once", gap.as_millis()), None);
    }
    let source = owned(&table, "source");
    let assumption = match table.optional("assumption") {
        Some(node) => Some(node.filled()?.to_owned()),
        None => None,
    };
    table.finish();
    Some(LinkFacts {
        transports: transports?,
        port: match port {
            Some(port) => Some(port?),
            None => None,
        },
        write_end: write_end?,
        read_end: read_end?,
        gap: gap?,
        latency: latency?,
        reply_within: reply_within?,
        quiet: quiet?,
        max_reply: max_reply?,
        completes: completes?,
        pipelines: pipelines?,
        source: source?,
        assumption,
    })
}

/// `{ source = "…", assumption = true }` of something that is so; the outer `None` when
/// it is wrong.
fn fact(table: &Table<'_>, key: &'static str) -> Option<Option<Fact>> {
    let Some(fact) = table.optional_table(key) else { return Some(None) };
    let (source, assumption) = (owned(&fact, "source"), assumption(&fact));
    fact.finish();
    Some(Some(Fact { source: source?, assumption: assumption? }))
}

/// One that says when its output has settled can be asked, and says nothing else elsewhere.
fn tells_completion(node: &Node<'_>, commands: &BTreeMap<Verb, Command>, quirks: &Quirks) {
    if !commands.contains_key(&Verb::QueryComplete) {
        node.error("`completes` without the command `query-complete`", None);
    }
    if quirks.complete_means_parsed.is_some() {
        node.error("`completes`, but the quirk `complete-means-parsed` says that the answer comes earlier", None);
    }
}

/// What ends a command: not empty, ASCII.
fn line_end(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() || !text.is_ascii() {
        node.expected("some ASCII characters, such as `\\n`", None);
        return None;
    }
    Some(text.to_owned())
}

fn read_end(node: &Node<'_>) -> Option<char> {
    let mut characters = node.text()?.chars();
    match (characters.next(), characters.next()) {
        (Some(end), None) if end.is_ascii() => Some(end),
        _ => {
            node.expected("one ASCII character, such as `\\n`", None);
            None
        }
    }
}

fn reference(table: Table<'_>) -> Option<Reference> {
    let temperature = table.quantity("temperature", Dimension::TEMPERATURE);
    let within = table.required("within").and_then(|n| {
        let found = n.difference(Some(Dimension::TEMPERATURE))?;
        sensible(&n, found, NOT_NEGATIVE)
    });
    let percent_per_kelvin = table.required("percent-per-kelvin").and_then(|n| percent(&n, 1.0));
    let (source, assumption) = (owned(&table, "source"), assumption(&table));
    table.finish();
    Some(Reference {
        temperature: temperature?,
        within: within?,
        percent_per_kelvin: percent_per_kelvin?,
        source: source?,
        assumption: assumption?,
    })
}

fn percent(node: &Node<'_>, most: f64) -> Option<f64> {
    let found = node.number()?;
    if !(0.0..=most).contains(&found) {
        node.expected(&format!("a number from 0 to {most}"), None);
        return None;
    }
    Some(found)
}

fn sensible(node: &Node<'_>, found: Quantity, (makes_sense, legal): Sense) -> Option<Quantity> {
    if !makes_sense(found.si) {
        node.expected(legal, None);
        return None;
    }
    Some(found)
}

fn sources(table: &Table<'_>) -> Option<Known> {
    let one = |node: &Node<'_>| {
        let table = node.table()?;
        let kind = table.required("kind").and_then(|n| n.word(&SourceKind::WORDS.map(|w| w.0)));
        let title = owned(&table, "title");
        table.finish();
        let kind = SourceKind::WORDS.iter().find(|w| Some(w.0) == kind)?.1;
        Some(Source { kind, title: title? })
    };
    let read = table.entries().iter().map(|entry| Some((entry.key.to_owned(), one(&entry.node)?)));
    // All are read, so that all that is wrong is said.
    let read: Vec<_> = read.collect();
    read.into_iter().collect()
}

fn commands(
    table: &Table<'_>,
    kind: Option<Kind>,
    channels: Option<u32>,
    verified: Option<bool>,
    sources: Option<&Known>,
) -> Option<BTreeMap<Verb, Command>> {
    let mut whole = Some(BTreeMap::new());
    for entry in table.entries() {
        let verb = Verb::parse(entry.key);
        if verb.is_none() {
            entry.at_key().unknown("command", entry.key, Verb::ALL.iter().map(|v| v.name()));
        }
        let read = verb.and_then(|verb| Some((verb, command(&entry.node, verb, sources)?)));
        whole = whole.zip(read).map(|(mut all, (verb, command))| {
            all.insert(verb, command);
            all
        });
    }
    let whole = whole?;
    if let Some(channels) = channels {
        for (verb, command) in &whole {
            say_their_channel(table, *verb, command, &whole, channels);
        }
    }
    let kind = kind?;
    for verb in kind.needs().iter().filter(|v| !whole.contains_key(v)) {
        table.absence(format!("missing command `{}`, which a {} needs", verb.name(), kind.word()), None);
    }
    if verified? {
        for verb in kind.needs().iter().filter(|v| whole.get(v).is_some_and(|c| c.unverified)) {
            let hint = "write `confidence = \"unverified\"`, or find its sources";
            let body = format!("`{}` is unverified, expected a verified command in a file whose `confidence` is `verified`", verb.name());
            match table.peek(verb.name()) {
                Some(node) => node.error(body, Some(hint.into())),
                None => table.error(body, Some(hint.into())),
            }
        }
    }
    Some(whole)
}

/// Of several channels a command must say which is meant, and a register has a bit for
/// each: another channel's state is never taken for this one's.
fn say_their_channel(table: &Table<'_>, verb: Verb, command: &Command, whole: &BTreeMap<Verb, Command>, channels: u32) {
    let complain = |body: String, hint: &str| match table.peek(verb.name()) {
        Some(node) => node.error(format!("{}: {body}", node.what), Some(hint.into())),
        None => table.error(body, Some(hint.into())),
    };
    if !command.bits.is_empty() && command.bits.len() != channels as usize {
        complain(format!("{} `bits`, expected {channels}, one for each channel", command.bits.len()), "write `bits = [4, 5]`");
    }
    let says = command.send.fields().contains(&"channel") || !command.bits.is_empty();
    let chosen = |by| whole.contains_key(&by);
    let waveform = matches!(verb, Verb::QueryPreamble | Verb::FetchWaveform) && chosen(Verb::SelectWaveform);
    if channels > 1 && !says && !verb.is_of_the_whole() && !chosen(Verb::SelectChannel) && !waveform {
        let hint = "write `{channel}` in what it sends, or give the file a `select-channel`, or a register `bits`, one for each channel";
        complain(format!("`{}` does not say which of {channels} channels it is for", command.send.text()), hint);
    }
}

/// `{ send = "VOLT {volts}", from = ["guide 4.5.1"] }`
fn command(node: &Node<'_>, verb: Verb, sources: Option<&Known>) -> Option<Command> {
    let table = node.table()?.at(format!("command `{}`", verb.name()));
    let send = table.required("send").and_then(|n| {
        let found = quirks_reader::template(&n)?;
        has_its_fields(&n, &found.fields(), verb)?;
        Some(found)
    });
    let from = table.required("from");
    let unverified = table.optional("unverified").map_or(Some(false), |n| n.boolean());
    let answer = table.optional("answer").map(|n| n.filled().map(str::to_owned));
    let bits = table.optional("bits").map_or(Some(Vec::new()), |n| bits(&n));
    table.finish();
    let (send, from_node, unverified) = (send?, from?, unverified?);
    let from = citations(&from_node, sources?)?;
    let cited: Vec<&Source> = from.iter().filter_map(|c| cited(c, sources?)).collect();
    if !unverified && !command::is_enough(&cited, verb, &send) {
        let hint = "name the maker's guide, or two drivers of different projects, or write `unverified = true`";
        from_node.error(format!("{} is not enough to rely on, expected a verified command", from_node.what), Some(hint.into()));
        return None;
    }
    let answer = match answer {
        Some(answer) => Some(answer?),
        None => None,
    };
    Some(Command { send, from, unverified, answer, bits: bits? })
}

fn has_its_fields(node: &Node<'_>, found: &[&str], verb: Verb) -> Option<()> {
    let may = |field: &&str| verb.fields().contains(field) || verb.optional_fields().contains(field) || *field == "channel";
    let strange = found.iter().find(|f| !may(f));
    let missing = verb.fields().iter().find(|f| !found.contains(f));
    if strange.is_none() && missing.is_none() {
        return Some(());
    }
    let list = |fields: &[&str]| fields.iter().map(|f| format!("`{{{f}}}`")).collect::<Vec<_>>().join(", ");
    let has = if found.is_empty() { "no field".into() } else { format!("field {}", list(found)) };
    let legal = if verb.fields().is_empty() { "none".into() } else { list(verb.fields()) };
    node.error(format!("{} has {has}, expected {legal}", node.what), None);
    None
}

fn bits(node: &Node<'_>) -> Option<Vec<u8>> {
    let bit = |n: &Node<'_>| {
        let found = n.count(0)?;
        u8::try_from(found).ok().filter(|b| *b < 32).or_else(|| {
            n.expected("a bit from 0 to 31", None);
            None
        })
    };
    let read: Vec<_> = node.items()?.iter().map(bit).collect();
    read.into_iter().collect()
}

/// Names of sources that exist, each perhaps with its place there.
fn citations(node: &Node<'_>, sources: &Known) -> Option<Vec<String>> {
    let one = |n: &Node<'_>| {
        let text = n.filled()?;
        if cited(text, sources).is_none() {
            let name = text.split(' ').next().unwrap_or(text);
            n.unknown("source", name, sources.keys().map(String::as_str));
            return None;
        }
        Some(text.to_owned())
    };
    let read: Vec<_> = node.items()?.iter().map(one).collect();
    read.into_iter().collect()
}

/// The source that a citation begins with.
fn cited<'s>(citation: &str, sources: &'s Known) -> Option<&'s Source> {
    sources.get(citation.split(' ').next()?)
}

/// What `[[set]]` and `[[read]]` have in common.
struct Row {
    function: Function,
    max: Quantity,
    resolution: Quantity,
    accuracy: Option<Accuracy>,
    channels: Vec<u32>,
    source: String,
    assumption: bool,
}

fn function(table: &Table<'_>) -> Option<Function> {
    let word = table.required("function")?.word(&Function::WORDS.map(|w| w.0))?;
    Function::WORDS.iter().find(|w| w.0 == word).map(|w| w.1)
}

fn quantity(table: &Table<'_>, key: &'static str, function: Function, sense: Sense) -> Option<Quantity> {
    let node = table.required(key)?;
    let found = node.quantity(Some(function.dimension()))?;
    sensible(&node, found, sense)
}

fn row(table: &Table<'_>, channels: Option<u32>) -> Option<Row> {
    let function = function(table);
    let of = |key, sense| function.and_then(|f| quantity(table, key, f, sense));
    let (max, resolution) = (of("max", POSITIVE), of("resolution", POSITIVE));
    let accuracy = accuracy(table, function);
    let channels = table.optional("channels").map_or(Some(Vec::new()), |n| channel_list(&n, channels));
    let (source, assumption) = (owned(table, "source"), assumption(table));
    let (function, max, resolution) = (function?, max?, resolution?);
    Some(Row { function, max, resolution, accuracy: accuracy?, channels: channels?, source: source?, assumption: assumption? })
}

/// `percent` and `offset`, both or neither; the outer `None` after an error.
fn accuracy(table: &Table<'_>, function: Option<Function>) -> Option<Option<Accuracy>> {
    let (share, offset) = (table.optional("percent"), table.optional("offset"));
    match (share, offset) {
        (None, None) => Some(None),
        (Some(share), Some(offset)) => {
            let found = offset.quantity(function.map(Function::dimension)).and_then(|q| sensible(&offset, q, NOT_NEGATIVE));
            Some(Some(Accuracy { percent: percent(&share, 100.0)?, offset: found? }))
        }
        (Some(_), None) => {
            table.absence("`percent` without `offset`, expected both or neither", None);
            None
        }
        (None, Some(_)) => {
            table.absence("`offset` without `percent`, expected both or neither", None);
            None
        }
    }
}

fn channel_list(node: &Node<'_>, channels: Option<u32>) -> Option<Vec<u32>> {
    let one = |n: &Node<'_>| {
        let found = n.count(1).and_then(|c| u32::try_from(c).ok())?;
        if channels.is_some_and(|most| found > most) {
            n.expected(&format!("a channel from 1 to {}", channels.unwrap_or(1)), None);
            return None;
        }
        Some(found)
    };
    let read: Vec<_> = node.items()?.iter().map(one).collect();
    read.into_iter().collect()
}

fn set_range(table: Table<'_>, channels: Option<u32>) -> Option<SetRange> {
    let row = row(&table, channels);
    let min = row.as_ref().and_then(|r| quantity(&table, "min", r.function, ANY));
    let settle = table.optional("settle").map_or(Some(std::time::Duration::ZERO), |n| n.duration());
    // A row that is wrong has said so already, and may not have asked for these.
    if row.is_none() {
        let _ = table.optional("min");
    }
    let node = table.peek("min").cloned();
    table.finish();
    let (Row { function, max, resolution, accuracy, channels, source, assumption }, min) = (row?, min?);
    if min.si >= max.si {
        node?.expected(&format!("less than {max}"), None);
        return None;
    }
    Some(SetRange { function, min, max, resolution, settle: settle?, accuracy, channels, source, assumption })
}

fn read_range(table: Table<'_>, channels: Option<u32>) -> Option<ReadRange> {
    let row = row(&table, channels);
    let range = row.as_ref().and_then(|r| quantity(&table, "range", r.function, POSITIVE));
    if row.is_none() {
        let _ = table.optional("range");
    }
    table.finish();
    let (Row { function, max, resolution, accuracy, channels, source, assumption }, range) = (row?, range?);
    Some(ReadRange { function, range, max, resolution, accuracy, channels, source, assumption })
}
