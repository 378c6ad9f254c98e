//! Whole runs, against small servers in the same process.
use std::{
    future::pending,
    net::SocketAddr,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, broadcast},
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::StatusCode,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::*;

/// What a server makes of a text; nothing, if it closes.
type Answer = dyn Fn(&str) -> ControlFlow<(), String> + Send + Sync;

/// What a server does.
#[derive(Clone)]
enum Service {
    /// Answers.
    Answers(Arc<Answer>),
    /// Tells everybody.
    Tells(broadcast::Sender<String>),
    /// Lets nobody in.
    Refuses,
}

/// Who was served: the paths that were asked for.
type Paths = Arc<Mutex<Vec<String>>>;

async fn serve(service: Service) -> (SocketAddr, Paths) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, paths) = (listener.local_addr().unwrap(), Paths::default());
    let asked = paths.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (service, asked) = (service.clone(), asked.clone());
            let told = match &service {
                Service::Tells(everybody) => everybody.subscribe(),
                _ => broadcast::channel(1).1,
            };
            tokio::spawn(attend(stream, service, told, asked));
        }
    });
    (address, paths)
}

async fn attend(
    stream: TcpStream,
    service: Service,
    mut told: broadcast::Receiver<String>,
    asked: Paths,
) -> Option<()> {
    #[expect(clippy::result_large_err, reason = "the library asks for it")]
    let admit = |request: &Request, response: Response| {
        asked.lock().unwrap().push(request.uri().path().to_owned());
        match service {
            Service::Refuses => {
                let mut refusal = ErrorResponse::new(Some("not today".to_owned()));
                *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                Err(refusal)
            }
            _ => Ok(response),
        }
    };
    let mut socket = accept_hdr_async(stream, admit).await.ok()?;
    loop {
        tokio::select! {
            said = socket.next() => {
                let said = said?.ok()?.into_text().ok()?;
                match &service {
                    Service::Tells(everybody) => drop(everybody.send(said.to_string())),
                    Service::Answers(answer) => match answer(&said) {
                        ControlFlow::Continue(answer) => socket.send(Message::text(answer)).await.ok()?,
                        ControlFlow::Break(()) => {
                            let frame = CloseFrame { code: CloseCode::Size, reason: "too big".into() };
                            return socket.close(Some(frame)).await.ok();
                        }
                    },
                    Service::Refuses => {}
                }
            }
            Ok(text) = told.recv() => socket.send(Message::text(text)).await.ok()?,
        }
    }
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    bench: Bench,
}

fn bench(url: &str, line: &str) -> Bench {
    Line::try_parse_from(["bench", url].into_iter().chain(line.split_whitespace())).unwrap().bench
}

async fn run(service: Service, line: &str) -> Result<Report> {
    let (address, _) = serve(service).await;
    let line = format!("--warmup 20ms --duration 200ms {line}");
    measure(&bench(&format!("http://{address}"), &line), true, pending()).await
}

fn answers(answer: impl Fn(&str) -> ControlFlow<(), String> + Send + Sync + 'static) -> Service {
    Service::Answers(Arc::new(answer))
}

fn echo() -> Service {
    answers(|text| ControlFlow::Continue(text.to_owned()))
}

fn tells() -> Service {
    Service::Tells(broadcast::channel(1 << 14).0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_with_a_rate_gets_back_all_that_was_due() {
    let report = run(echo(), "-c 4 --rate 500 --rooms 2").await.unwrap();
    let measured = &report.measured;
    // What is due is settled beforehand: each 500th of a second of the window, give or take its ends.
    assert!((99..=101).contains(&measured.sent), "{measured:?}");
    assert_eq!((measured.received, measured.lost, measured.unsent, measured.extra), (measured.sent, 0, 0, 0));
    assert_eq!((report.opened, report.errors), (4, 0));
    let latency = measured.latency_ms;
    assert!(0.0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.max, "{latency:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rate_who_is_answered_says_more() {
    // Within an object, and each answer twice: what comes twice is answered once.
    let twice = answers(|text| ControlFlow::Continue(format!("{{\"said\":\"{text}\",\"again\":\"{text}\"}}")));
    let report = run(twice, "-c 2 --size 200").await.unwrap();
    assert!(report.measured.sent > 2, "{:?}", report.measured);
    assert_eq!(report.measured.extra, report.measured.sent);
    assert!(report.measured.notes.iter().any(|note| note.contains("repeats")), "{:?}", report.measured.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_heard_by_everybody() {
    let report = run(tells(), "-c 5 --rate 100 --pattern broadcast").await.unwrap();
    assert_eq!((report.measured.received, report.measured.lost), (report.measured.sent * 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pattern_is_seen() {
    let report = run(tells(), "-c 5 --rate 100").await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern broadcast")), "{report:?}");
    let report = run(echo(), "-c 5 --rate 100 --pattern broadcast").await.unwrap();
    assert!(report.measured.notes.iter().any(|note| note.contains("--pattern echo")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_is_no_measurement() {
    let counter = answers(|_| ControlFlow::Continue("new value: 1".to_owned()));
    let error = run(counter, "-c 1").await.unwrap_err().to_string();
    assert!(
        error.contains("none was answered") && error.contains("new value: 1") && error.contains("--template"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn why_connections_end_is_said() {
    let closes = answers(|_| ControlFlow::Break(()));
    let error = run(closes, "-c 2").await.unwrap_err().to_string();
    assert!(error.contains("2 connections ended: closed with 1009: too big"), "{error}");
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
    let report = run(echo(), "-c 4 --ramp --rate 200 --p99-under 1us").await.unwrap();
    let ramp = report.ramp.as_ref().unwrap();
    assert_eq!((ramp.steps.len(), ramp.knee), (2, None));
    assert_eq!(report.faults(Some(Duration::from_micros(1)), Some(0)).len(), 1);
    assert!(table::table(&report).contains("not even the first step held"));
    assert!(html::page(&report).contains("Latency by rate"));
    assert!(serde_json::to_value(&report).unwrap()["ramp"]["steps"][0]["rate"] == 200.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_spread_over_rooms() {
    let (address, paths) = serve(echo()).await;
    let bench = bench(&format!("ws://{address}/ws/"), "-c 4 --rooms 2 --duration 20ms --warmup 0");
    measure(&bench, true, pending()).await.unwrap();
    let mut paths = paths.lock().unwrap().clone();
    paths.sort();
    assert_eq!(paths, ["/ws/1", "/ws/1", "/ws/2", "/ws/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_is_reported() {
    let stop = Arc::new(Notify::new());
    let stopping = stop.clone();
    let (address, _) = serve(answers(move |text| {
        stopping.notify_one();
        ControlFlow::Continue(text.to_owned())
    }))
    .await;
    let bench = bench(&format!("ws://{address}/ws/"), "--duration 1m --warmup 0");
    let report = measure(&bench, true, async move { stop.notified().await }).await.unwrap();
    assert!(report.measured.received > 0 && report.measured.seconds < 60.0, "{report:?}");
    assert_eq!(report.measured.lost, 0);
}

#[tokio::test]
async fn one_room_is_not_two() {
    for (url, says) in [("ws://127.0.0.1:1/ws/a", "{room}"), ("127.0.0.1", "no scheme")] {
        let error = measure(&bench(url, "--rooms 2"), true, pending()).await.unwrap_err();
        assert!(error.downcast::<clap::Error>().unwrap().to_string().contains(says));
    }
}
