//! What wrong dialect files get, as a person sees it.

use hil_model::Sources;

use crate::dialect::Dialect;

const GOOD: &str = include_str!("../../dialects/rigol-dp832.toml");

/// What is said of the good file after these changes.
fn said(changes: &[(&str, &str)]) -> String {
    changed(GOOD, changes)
}

fn changed(good: &str, changes: &[(&str, &str)]) -> String {
    let mut text = good.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let mut sources = Sources::default();
    let file = sources.add("my-supply.toml", text);
    let errors = Dialect::read(&sources, file).expect_err("wrong");
    errors.iter().map(|e| sources.render(e)).collect::<Vec<_>>().join("\n")
}

macro_rules! says {
    ($($name:ident: $($from:literal => $to:literal),+;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(stringify!($name), said(&[$(($from, $to)),+]));
            }
        )*
    };
}

says! {
    an_unknown_kind: "kind = \"source\"" => "kind = \"supply\"";
    an_unknown_command: "output-off = " => "output-of = ";
    a_command_that_its_kind_needs: "output-off = { send = \":OUTP CH{channel},OFF\", from = [\"instro\", \"scopehal\"] }\n" => "";
    a_field_of_another_command: ":SOUR{channel}:VOLT {volts:.3}" => ":SOUR{channel}:VOLT {amps:.3}";
    a_field_that_has_no_form: "{volts:.3}" => "{volts:3}";
    a_command_that_breaks_the_wire: ":OUTP CH{channel},ON" => ":OUTP CH{channel},ON\\n";
    a_source_that_is_not_there: "[\"instro\", \"scopehal\"]" => "[\"instro\", \"scopehall\"]";
    one_driver_is_not_enough: "[\"instro\", \"scopehal\"]" => "[\"instro\"]";
    an_unverified_command_in_a_verified_file: "from = [\"instro\", \"scopehal\"] }" => "from = [\"instro\"], unverified = true }";
    a_figure_of_another_dimension: "max = \"32 V\"" => "max = \"32 A\"";
    bounds_that_are_swapped: "min = \"0 V\"" => "min = \"60 V\"";
    half_an_accuracy: "offset = \"20 mV\"\n" => "";
    a_channel_that_it_has_not: "channels = [1, 2]" => "channels = [1, 4]";
    an_unknown_quirk: "[quirks.off-latency]" => "[quirks.off-latencies]";
    a_pause_without_a_unit: "gap = \"20 ms\"" => "gap = 20";
    a_transport_nobody_has: "\"raw-tcp\"" => "\"tcp\"";
    completion_that_is_told_too_early: "max-reply = " => "completes = { source = \"me\" }\nmax-reply = ", "[quirks.off-latency]" => "[quirks.complete-means-parsed]\nsource = \"me\"\n[quirks.off-latency]";
    completion_without_a_source: "max-reply = " => "completes = true\nmax-reply = ";
    several_at_once_with_a_pause_between: "max-reply = " => "pipelines = { source = \"me\" }\nmax-reply = ";
    several_at_once: "read-end = \"\\n\"" => "read-end = \"\"", "max = \"3.2 A\"" => "max = \"3.2 V\"", "channels = 3" => "channels = 0";
}

/// One that logs.
const LOGS: &str = include_str!("../../dialects/keysight-n6705c.toml");

#[test]
fn wrong_data_logs() {
    insta::assert_snapshot!(
        "a_log_with_no_multiple_of_its_resolution",
        changed(LOGS, &[("longest-period = \"60 s\"", "longest-period = \"110 us\"")])
    );
    insta::assert_snapshot!("a_log_that_does_not_ask", changed(LOGS, &[("fetch = \"FETC:ELOG? {count},", "fetch = \"FETC:ELOG {count},")]));
    insta::assert_snapshot!("a_log_of_no_channel", changed(LOGS, &[("start = \"INIT:ELOG (@{channel})\"", "start = \"INIT:ELOG\"")]));
    insta::assert_snapshot!(
        "a_log_without_its_field",
        changed(LOGS, &[("SENS:ELOG:PER {seconds},", "SENS:ELOG:PER {volts},"), ("\"INIT:ELOG (", "\"INIT:ELOG {count}(")])
    );
    insta::assert_snapshot!(
        "a_log_in_part",
        changed(
            LOGS,
            &[("buffer = \"20 s\"\n", ""), ("resolution = \"40.96 us\"", "resolution = \"40.96 uV\""), ("stop = \"ABOR", "stopp = \"ABOR")]
        )
    );
}
