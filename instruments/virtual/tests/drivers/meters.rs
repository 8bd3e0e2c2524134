//! Meters: accuracy, overflow, ranges.

use hil_client::ErrorKind;

use crate::support::{Resistor, kind, on_bench};

#[test]
fn the_dmm_measures_within_its_data_sheet() {
    for volts in [0.0, 0.005, 0.9, -0.9, 12.8, 14.4, 60.0] {
        on_bench("keithley-dmm6500", Resistor::new(volts, 2.0), |bench| async move {
            let meter = bench.meter();
            meter.open().await.expect("opens");
            for range in [0.1, 1.0, 10.0, 100.0, 1000.0].into_iter().filter(|r| volts.abs() <= r * 1.1) {
                let begun = bench.clock.now();
                let reading = meter.read_volts(range).await.expect("reads");
                // The data sheet's limit itself is the rectangle's half width.
                let limit = reading.uncertainty * 3_f64.sqrt() / 2.0;
                assert!((reading.value - volts).abs() <= limit, "{volts} V in {range} V: {reading:?}");
                assert!(bench.clock.now().since(begun) >= meter.reading_time());
            }
        });
    }
}

#[test]
fn an_overflow_is_an_error_and_the_range_is_not_forgotten() {
    on_bench("keithley-dmm6500", Resistor::new(14.4, 2.0), |bench| async move {
        let meter = bench.meter();
        meter.open().await.expect("opens");
        let ErrorKind::Garbled { answer, expected, .. } = kind(meter.read_volts(10.0).await) else { panic!("no overflow") };
        assert_eq!((answer.as_str(), expected.as_str()), ("9.900000E+37", "a number, not an overflow"));
        // Two readers, two ranges, one meter.
        for _ in 0..5 {
            let (a, b) = futures_join(meter.read_volts(10.0), meter.read_volts(100.0)).await;
            assert!(a.is_err());
            assert!((b.expect("reads").value - 14.4).abs() < 2e-3);
        }
        assert!(matches!(kind(meter.read_volts(1e4).await), ErrorKind::OutOfRange { .. }));
    });
}

async fn futures_join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    tokio::join!(biased; a, b)
}
