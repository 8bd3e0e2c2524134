//! What goes over the wire, byte by byte, and what breaks on it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{Lane, Trace};
use hil_timebase::Runtime;

use crate::support::{Bench, Resistor, SERIAL, on_bench};

/// All bytes of a run, with their times.
fn transcript(seed: u64) -> Vec<String> {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let trace: Trace = {
        let seen = Rc::clone(&seen);
        Rc::new(move |_, direction, bytes, at| seen.borrow_mut().push(format!("{} {direction:?} {}", at.0, bytes.escape_ascii())))
    };
    let run = async {
        let bench = Bench::new(clock, "ea-psb-10060-120", Resistor::new(10.0, 2.0), seed, Some(trace));
        let source = bench.source();
        source.open().await.expect("opens");
        source.set_voltage(12.8).await.expect("sets");
        source.set_source_limit(5.0).await.expect("sets");
        source.output(true).await.expect("switches");
        for _ in 0..20 {
            source.volts().await.expect("reads");
            source.amps().await.expect("reads");
        }
        source.off_confirmed().await.expect("off");
    };
    runtime.block_on(run).expect("no halt");
    seen.take()
}

#[test]
fn a_seed_decides_every_byte_and_time() {
    assert_eq!(transcript(1), transcript(1));
    assert_ne!(transcript(1), transcript(2));
}

#[test]
fn no_message_breaks_an_instrument() {
    let messages = [
        "",
        ";",
        ";;;",
        ":",
        "*",
        "?",
        "VOLT",
        "VOLT ",
        "VOLT ,",
        "VOLT 1,2",
        "VOLT?1",
        "VOLT #",
        "VOLT #H",
        "VOLT #15",
        "VOLT \"",
        "VOLT '",
        "VOLT (",
        "VOLT (@1",
        "VOLT 1e999",
        "VOLT NAN",
        "VOLT INF",
        "VOLT MAX",
        "VOLT 1 V",
        "OUTP 2",
        "OUTP MAYBE",
        ":SENS:FUNC \"",
        ":READ?;:READ?",
        ":READ? 1",
        "\u{e9}",
        "A:B:C:D",
        "*IDN?;*IDN?;BOGUS?",
        "SYST:COMM:LAN:TIM -1",
        "SYST:COMM:LAN:TIM 1",
        ":SENS:VOLT:NPLC 0",
        ":SENS:VOLT:RANG 1e9",
        "*OPC;*OPC?",
        "*TST?",
    ];
    for dialect in ["ea-psb-10060-120", "keithley-dmm6500"] {
        on_bench(dialect, Resistor::new(10.0, 2.0), |bench| async move {
            for message in messages {
                bench.link.run(Lane::Normal, vec![Move::tell(message)]).await.expect("taken");
                bench.clock.sleep(Duration::from_millis(100)).await;
            }
            // Replies nobody asked for are cleared away, and so are the errors.
            assert!(bench.link.ask("*IDN?").await.expect("still there").contains(SERIAL), "{dialect}");
        });
    }
}

#[test]
fn cls_empties_the_error_queue_and_opc_does_not_fill_it() {
    on_bench("keithley-dmm6500", Resistor::new(10.0, 2.0), |bench| async move {
        let moves = ["BOGUS", "*CLS", "*OPC"].map(Move::tell).into_iter().chain([
            Move::Errors,
            Move::ask("*ESR?"),
            Move::tell("BOGUS"),
            Move::Errors,
        ]);
        let outcomes = bench.link.run(Lane::Normal, moves.collect()).await.expect("answers");
        let [_, _, _, Outcome::Errors(none), Outcome::Answered { reply, .. }, _, Outcome::Errors(one)] = outcomes.as_slice() else {
            panic!("{outcomes:?}")
        };
        assert!(none.is_empty(), "{none:?}");
        assert_eq!(reply.as_slice(), b"1");
        assert!(one.len() == 1 && one[0].code == -113 && one[0].text.starts_with("Undefined header;1;"), "{one:?}");
    });
}
