//! The real clock, also when bench time is a multiple of it.

#![expect(clippy::disallowed_methods, reason = "real time is what is tested here")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hil_timebase::{Elapsed, Runtime};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn sleeps_last_no_less_than_asked_and_scale() {
    for scale in [1.0, 20.0] {
        let runtime = Runtime::scaled(scale).unwrap();
        let clock = runtime.clock();
        let begun = Instant::now();
        runtime
            .block_on(async {
                for _ in 0..20 {
                    let due = clock.now() + ms(20);
                    clock.sleep(ms(20)).await;
                    assert!(clock.now() >= due);
                }
            })
            .unwrap();
        let shortest = ms(400).div_f64(scale);
        assert!(begun.elapsed() >= shortest && begun.elapsed() < shortest + ms(2_000), "{scale}: {:?}", begun.elapsed());
    }
}

#[test]
fn many_sleeps_end_in_order_and_a_dropped_one_disturbs_nobody() {
    let runtime = Runtime::scaled(10.0).unwrap();
    let clock = runtime.clock();
    let ended = runtime
        .block_on(async {
            drop(clock.sleep(ms(1)));
            assert_eq!(clock.timeout(ms(5), std::future::pending::<()>()).await, Err(Elapsed));
            assert_eq!(clock.timeout(ms(5_000), async { 7 }).await, Ok(7));
            let sleeps = (0..50_u64).rev().map(|n| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(20 * n)).await;
                    clock.now()
                }
            });
            join_all(sleeps).await
        })
        .unwrap();
    assert!(ended.is_sorted_by(|a, b| a >= b), "{ended:?}");
}

#[test]
fn a_partner_outside_has_real_time() {
    let slow = Runtime::scaled(1.0).unwrap().clock();
    let fast = Runtime::scaled(20.0).unwrap().clock();
    let of_virtual = Runtime::virtual_time().unwrap().clock();
    for clock in [&slow, &of_virtual] {
        assert_eq!(clock.patience(ms(500), ms(300)), ms(500));
    }
    assert_eq!(fast.patience(ms(500), ms(300)), ms(6_000), "300 ms of real time");
    assert_eq!(fast.patience(ms(50), ms(300)), ms(1_000), "no longer than the limit itself");
    assert_eq!(fast.patience(ms(60_000), ms(300)), ms(60_000));
    assert_eq!((fast.real(ms(10)), of_virtual.real(ms(10))), (ms(200), ms(10)));
}
