//! Whole runs against small servers in the same process.
mod server;

use std::{
    future::pending,
    num::NonZeroU32,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{net::TcpListener, sync::Notify};

use super::*;
use server::{Service, serve};

/// Settings of a short run: `connections` in one room.
fn short(connections: u32) -> Config {
    Config {
        connections: number(connections),
        duration: Duration::from_millis(200),
        warmup: Duration::from_millis(20),
        ..Config::new("")
    }
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

async fn run_against(service: Service, config: Config) -> Result<Report, Error> {
    let (address, _) = serve(service).await;
    run_without_progress(&Config { url: format!("http://{address}"), ..config }).await
}

async fn run_without_progress(config: &Config) -> Result<Report, Error> {
    run(config, |_| {}, pending()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_answers_every_message_at_a_fixed_rate() {
    let config = Config { rate: Some(500.0), rooms: number(2), ..short(4) };
    let report = run_against(Service::echo(), config).await.unwrap();
    let measured = &report.measured;
    // The schedule is fixed: one message every 2 ms of the window, give or take its ends.
    assert!((99..=101).contains(&measured.sent), "{measured:?}");
    assert_eq!((measured.received, measured.lost, measured.unsent, measured.extra), (measured.sent, 0, 0, 0));
    assert_eq!((report.opened, report.errors), (4, 0));
    let latency = measured.latency_ms;
    assert!(0.0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.max, "{latency:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcast_reaches_everyone_in_the_room() {
    let config = Config { rate: Some(100.0), pattern: Pattern::Broadcast, ..short(5) };
    let report = run_against(Service::broadcast(), config).await.unwrap();
    assert_eq!((report.measured.received, report.measured.lost), (report.measured.sent * 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn note_suggests_the_pattern_that_fits() {
    let config = Config { rate: Some(100.0), ..short(5) };
    let report = run_against(Service::broadcast(), config.clone()).await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern broadcast")), "{report:?}");
    let report = run_against(Service::echo(), Config { pattern: Pattern::Broadcast, ..config }).await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern echo")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_that_does_not_answer_is_diagnosed() {
    let counter = Service::answers(|_| ControlFlow::Continue(vec!["new value: 1".to_owned()]));
    let error = run_against(counter, short(1)).await.unwrap_err().to_string();
    for expected in ["none of them answered", "new value: 1", "--template"] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn template_without_placeholder_takes_the_next_message_as_response() {
    let counter = || Service::answers(|text| ControlFlow::Continue(vec![format!("{}", text == "increment")]));
    for rate in [None, Some(200.0)] {
        let config = Config { rooms: number(2), template: "increment".to_owned(), rate, ..short(2) };
        let measured = run_against(counter(), config).await.unwrap().measured;
        assert!(measured.received > 2 && measured.lost + measured.extra == 0, "{rate:?}: {measured:?}");
        assert_eq!(measured.unexpected.count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn close_code_and_reason_are_reported() {
    let closes = Service::answers(|_| ControlFlow::Break(()));
    let error = run_against(closes, short(2)).await.unwrap_err().to_string();
    assert!(error.contains("2 connections lost: closed with code 1009: too big"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_message_ends_its_connection_but_not_the_run() {
    for length in [(64 << 20) + 1, 70_000_000_000_000, 1 << 62] {
        let error = run_against(Service::Announces(length), short(2)).await.unwrap_err().to_string();
        assert!(error.contains("2 connections lost: the server sent a message longer than"), "{error}");
        assert!(error.contains("64.0 MiB"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_messages_exceed_any_p99() {
    let received = AtomicU32::new(0);
    let lossy = Service::answers(move |text| {
        let is_answered = received.fetch_add(1, Ordering::Relaxed).is_multiple_of(10);
        ControlFlow::Continue(is_answered.then(|| text.to_owned()).into_iter().collect())
    });
    let report = run_against(lossy, Config { rate: Some(500.0), ..short(2) }).await.unwrap();
    assert!(report.measured.received > 0 && report.measured.lost > 0, "{:?}", report.measured);
    let exceeded = report.exceeded_thresholds(Some(Duration::from_secs(60)), Some(1_000_000));
    assert!(exceeded[0].contains("more than 1 % of messages were not answered"), "{exceeded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_the_server_does_not_read_are_lost_or_unsent() {
    // In total more than the socket buffers of the system.
    let config = Config { rate: Some(200.0), size: 1 << 20, ..short(1) };
    let report = run_against(Service::Stalls(5), config).await.unwrap();
    let Measurement { sent, unsent, received, lost, .. } = report.measured;
    assert!((39..=41).contains(&(sent + unsent)) && unsent > 0, "{:?}", report.measured);
    assert_eq!(received + lost, sent);
    assert_eq!(report.exceeded_thresholds(Some(Duration::from_secs(60)), None).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_do_not_make_up_for_lost_responses() {
    let received = AtomicU32::new(0);
    let every_second_twice = Service::answers(move |text| {
        let copies = if received.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 0 } else { 2 };
        ControlFlow::Continue(vec![text.to_owned(); copies])
    });
    let config = Config { rate: Some(500.0), ..short(1) };
    let measured = run_against(every_second_twice, config).await.unwrap().measured;
    assert!(measured.received.abs_diff(measured.lost) <= 1, "{measured:?}");
    assert_eq!((measured.received + measured.lost, measured.extra), (measured.sent, measured.received));
}

#[tokio::test(flavor = "multi_thread")]
async fn run_without_connections_fails_with_the_reasons() {
    let error = run_against(Service::Refuses, short(2)).await.unwrap_err().to_string();
    let expected = "failed to open any connection\n  2 × HTTP 503 Service Unavailable: not today";
    assert!(error.contains(expected), "{error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/a", listener.local_addr().unwrap());
    drop(listener);
    let error = run_without_progress(&Config::new(url)).await.unwrap_err().to_string();
    assert!(error.contains("10 × connection refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ramp_appears_in_every_format() {
    let p99_under = Some(Duration::from_micros(1));
    let config = Config { ramp: true, rate: Some(200.0), p99_under, ..short(4) };
    let report = run_against(Service::echo(), config).await.unwrap();
    let ramp = report.ramp.as_ref().unwrap();
    assert_eq!((ramp.steps.len(), ramp.knee), (2, None));
    assert_eq!(report.exceeded_thresholds(p99_under, Some(0)).len(), 1);
    assert!(report.to_text().contains("the first step was not sustained"));
    assert!(report.to_html().contains("the first step was not sustained"));
    assert!(serde_json::to_value(&report).unwrap()["ramp"]["steps"][0]["rate"] == 200.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_spread_over_rooms() {
    let (address, paths) = serve(Service::echo()).await;
    let config = Config { url: format!("ws://{address}/ws/"), rooms: number(2), ..short(4) };
    run_without_progress(&config).await.unwrap();
    let mut paths = paths.lock().clone();
    paths.sort();
    assert_eq!(paths, ["/ws/1", "/ws/1", "/ws/2", "/ws/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_covers_connecting_and_measuring() {
    let (address, _) = serve(Service::echo()).await;
    let config = Config { url: format!("ws://{address}/ws/"), ..short(2) };
    let events = Mutex::new(Vec::new());
    run(&config, |progress| events.lock().push(progress), pending()).await.unwrap();
    let events = events.into_inner();
    let connected = Progress::Connecting { attempted: 2, total: 2 };
    assert_eq!(events.iter().position(|event| *event == connected), Some(2), "{events:?}");
    assert!(matches!(events.last(), Some(Progress::Measuring { received: 1.., .. })), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_loop_sends_one_message_per_response_until_interrupted() {
    let (stop, received) = (Arc::new(Notify::new()), AtomicU32::new(0));
    let stopping = stop.clone();
    // Each response contains the message twice. Only the first copy schedules the next message.
    let twice = Service::answers(move |text| {
        if received.fetch_add(1, Ordering::Relaxed) == 100 {
            stopping.notify_one();
        }
        ControlFlow::Continue(vec![format!("{{\"text\":\"{text}\",\"copy\":\"{text}\"}}")])
    });
    let (address, _) = serve(twice).await;
    let (duration, warmup) = (Duration::from_secs(60), Duration::ZERO);
    let config = Config { url: format!("ws://{address}/ws/"), duration, warmup, ..short(2) };
    let report = run(&config, |_| {}, async move { stop.notified().await }).await.unwrap();
    let measured = &report.measured;
    assert!(measured.sent > 100 && measured.seconds < 60.0, "{measured:?}");
    // Both connections may have one message in flight when the run is interrupted.
    assert!(measured.received + 2 >= measured.sent && measured.received <= measured.sent, "{measured:?}");
    assert_eq!(measured.extra, measured.received);
    assert!(measured.notes.iter().any(|note| note.contains("duplicates")), "{:?}", measured.notes);
}

#[test]
fn run_can_be_spawned() {
    fn assert_send(_: impl Send) {}
    assert_send(run(&Config::new("ws://127.0.0.1:1/"), |_| {}, pending()));
}

#[tokio::test]
async fn rejects_rates_that_are_not_positive_numbers() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = Config { rate: Some(rate), ..Config::new("ws://127.0.0.1:1/") };
        assert!(matches!(run_without_progress(&config).await, Err(Error::Rate(_))), "{rate}");
    }
}

#[tokio::test]
async fn several_rooms_need_a_placeholder() {
    let config = Config { rooms: number(2), ..Config::new("ws://127.0.0.1:1/ws/a") };
    let error = run_without_progress(&config).await.unwrap_err();
    assert!(matches!(error, Error::Target(TargetError::SingleRoom { rooms: 2, .. })), "{error}");
    assert!(error.to_string().contains("{room}"), "{error}");
}
