//! Whole runs, against small servers in the same process.
mod server;

use std::{
    future::pending,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, sync::Notify};

use super::{measurement::Measurement, *};
use server::{Service, serve};

fn bench(url: &str, line: &str) -> Bench {
    Bench::in_line(&[url].into_iter().chain(line.split_whitespace()).collect::<Vec<_>>())
}

async fn run(service: Service, line: &str) -> Result<Report> {
    let (address, _) = serve(service).await;
    let line = format!("--warmup 20ms --duration 200ms {line}");
    measure(&bench(&format!("http://{address}"), &line), true, pending()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_with_a_rate_gets_back_all_that_was_due() {
    let report = run(Service::echo(), "-c 4 --rate 500 --rooms 2").await.unwrap();
    let measured = &report.measured;
    // What is due is settled beforehand: each 500th of a second of the window, give or take its ends.
    assert!((99..=101).contains(&measured.sent), "{measured:?}");
    assert_eq!((measured.received, measured.lost, measured.unsent, measured.extra), (measured.sent, 0, 0, 0));
    assert_eq!((report.opened, report.errors), (4, 0));
    let latency = measured.latency_ms;
    assert!(0.0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.max, "{latency:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_heard_by_everybody() {
    let report = run(Service::broadcast(), "-c 5 --rate 100 --pattern broadcast").await.unwrap();
    assert_eq!((report.measured.received, report.measured.lost), (report.measured.sent * 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pattern_is_seen() {
    let report = run(Service::broadcast(), "-c 5 --rate 100").await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern broadcast")), "{report:?}");
    let report = run(Service::echo(), "-c 5 --rate 100 --pattern broadcast").await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern echo")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_is_no_measurement() {
    let counter = Service::answers(|_| ControlFlow::Continue(vec!["new value: 1".to_owned()]));
    let error = run(counter, "-c 1").await.unwrap_err().to_string();
    assert!(
        error.contains("none was answered") && error.contains("new value: 1") && error.contains("--template"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_answers_by_something_else_is_told_what_it_knows() {
    let counter = || Service::answers(|text| ControlFlow::Continue(vec![format!("{}", text == "increment")]));
    for line in ["-c 2 --rooms 2 --template increment", "-c 2 --rooms 2 --template increment --rate 200"] {
        let measured = run(counter(), line).await.unwrap().measured;
        assert!(measured.received > 2 && measured.lost + measured.extra == 0, "{line}: {measured:?}");
        assert_eq!(measured.strange.0, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_connections_end_is_said() {
    let closes = Service::answers(|_| ControlFlow::Break(()));
    let error = run(closes, "-c 2").await.unwrap_err().to_string();
    assert!(error.contains("2 connections ended: closed with 1009: too big"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_measure_ends_its_connection_and_not_the_run() {
    for length in [(64 << 20) + 1, 70_000_000_000_000, 1 << 62] {
        let error = run(Service::Announces(length), "-c 2").await.unwrap_err().to_string();
        assert!(error.contains("2 connections ended: the server sent a message of more than 64.0 MiB"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_answered_is_late() {
    let asked = AtomicU32::new(0);
    let lazy = Service::answers(move |text| {
        let answers = asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(10);
        ControlFlow::Continue(answers.then(|| text.to_owned()).into_iter().collect())
    });
    let report = run(lazy, "-c 2 --rate 500").await.unwrap();
    assert!(report.measured.received > 0 && report.measured.lost > 0, "{:?}", report.measured);
    let faults = report.faults(Some(Duration::from_secs(60)), Some(1_000_000));
    assert!(faults[0].contains("more than 1 % of the messages were never answered"), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_read_is_lost_or_not_sent() {
    // Together they are more than what the system takes in the server's place.
    let report = run(Service::Stalls(5), "-c 1 --rate 200 --size 1MiB").await.unwrap();
    let Measurement { sent, unsent, received, lost, .. } = report.measured;
    assert!((39..=41).contains(&(sent + unsent)) && unsent > 0, "{:?}", report.measured);
    assert_eq!(received + lost, sent);
    assert_eq!(report.faults(Some(Duration::from_secs(60)), None).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_does_not_make_up_for_what_does_not_come() {
    let asked = AtomicU32::new(0);
    let every_second_twice = Service::answers(move |text| {
        let times = if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 0 } else { 2 };
        ControlFlow::Continue(vec![text.to_owned(); times])
    });
    let measured = run(every_second_twice, "-c 1 --rate 500").await.unwrap().measured;
    assert!(measured.received.abs_diff(measured.lost) <= 1, "{measured:?}");
    assert_eq!((measured.received + measured.lost, measured.extra), (measured.sent, measured.received));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in() {
    let error = run(Service::Refuses, "-c 2").await.unwrap_err().to_string();
    assert!(error.contains("no connection could be opened\n  2 × HTTP 503 Service Unavailable: not today"), "{error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/a", listener.local_addr().unwrap());
    drop(listener);
    let error = measure(&bench(&url, ""), true, pending()).await.unwrap_err().to_string();
    assert!(error.contains("10 × connection refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ramp_ends_with_a_knee_and_is_reported_everywhere() {
    let report = run(Service::echo(), "-c 4 --ramp --rate 200 --p99-under 1us").await.unwrap();
    let ramp = report.ramp.as_ref().unwrap();
    assert_eq!((ramp.steps.len(), ramp.knee), (2, None));
    assert_eq!(report.faults(Some(Duration::from_micros(1)), Some(0)).len(), 1);
    assert!(report.text().contains("not even the first step held"));
    assert!(report.page().contains("not even the first step held"));
    assert!(serde_json::to_value(&report).unwrap()["ramp"]["steps"][0]["rate"] == 200.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_spread_over_rooms() {
    let (address, paths) = serve(Service::echo()).await;
    let bench = bench(&format!("ws://{address}/ws/"), "-c 4 --rooms 2 --duration 20ms --warmup 0");
    measure(&bench, true, pending()).await.unwrap();
    let mut paths = paths.lock().unwrap().clone();
    paths.sort();
    assert_eq!(paths, ["/ws/1", "/ws/1", "/ws/2", "/ws/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rate_who_is_answered_says_more_until_it_is_stopped() {
    let (stop, asked) = (Arc::new(Notify::new()), AtomicU32::new(0));
    let stopping = stop.clone();
    // Each answer is there twice, within an object: what comes twice is answered once.
    let twice = Service::answers(move |text| {
        if asked.fetch_add(1, Ordering::Relaxed) == 100 {
            stopping.notify_one();
        }
        ControlFlow::Continue(vec![format!("{{\"said\":\"{text}\",\"again\":\"{text}\"}}")])
    });
    let (address, _) = serve(twice).await;
    let bench = bench(&format!("ws://{address}/ws/"), "-c 2 --duration 1m --warmup 0");
    let report = measure(&bench, true, async move { stop.notified().await }).await.unwrap();
    let measured = &report.measured;
    assert!(measured.sent > 100 && measured.seconds < 60.0, "{measured:?}");
    // All that is sent is answered before the next; of the last two messages, the run may not hear.
    assert!(measured.received + 2 >= measured.sent && measured.received <= measured.sent, "{measured:?}");
    assert_eq!(measured.extra, measured.received);
    assert!(measured.notes.iter().any(|note| note.contains("repeats")), "{:?}", measured.notes);
}

#[tokio::test]
async fn one_room_is_not_two() {
    for (url, says) in [("ws://127.0.0.1:1/ws/a", "{room}"), ("127.0.0.1", "no scheme")] {
        let error = measure(&bench(url, "--rooms 2"), true, pending()).await.unwrap_err();
        assert!(error.downcast::<clap::Error>().unwrap().to_string().contains(says));
    }
}
