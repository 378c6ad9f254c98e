//! Which modules are loaded, how often, and what is said of those that cannot be.
use std::{
    convert::Infallible,
    sync::{
        Barrier,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use stateroom::{
    StateroomContext, StateroomService,
    durable::NotDurable,
    fault::{Fault, FaultKind},
};
use stateroom_store::MemoryStore;

use super::*;

/// The number of a module that cannot be loaded.
const BAD: u8 = 255;

struct Nothing;

impl StateroomService for Nothing {}

/// A factory whose module is a number.
#[derive(Clone)]
struct Numbered {
    number: u8,
    loads: Arc<AtomicU32>,
    /// Passed at the end of a load.
    gate: Arc<Barrier>,
}

impl Numbered {
    fn new(number: u8) -> Self {
        Numbered { number, loads: Arc::default(), gate: Arc::new(Barrier::new(1)) }
    }
}

fn code(number: u8) -> CodeHash {
    CodeHash([number; 32])
}

impl StateroomServiceFactory for Numbered {
    type Service = Nothing;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Nothing, Infallible> {
        Ok(Nothing)
    }

    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        Ok(code(self.number))
    }

    fn durable_module(&self) -> Option<Arc<[u8]>> {
        Some([self.number].into())
    }

    fn with_module(&self, module: &[u8]) -> Result<Self, Fault> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.gate.wait();
        match module[0] {
            BAD => Err(Fault::new(FaultKind::Build, "it is bad")),
            number => Ok(Numbered { number, ..self.clone() }),
        }
    }
}

struct Fixture {
    served: Numbered,
    store: Arc<MemoryStore>,
    gauge: Arc<AtomicU64>,
    factories: Factories<Numbered>,
}

impl Fixture {
    /// Serves the module 0. Others are stored, all of which can be loaded but the last.
    async fn new(gate: Barrier) -> Self {
        let store = Arc::new(MemoryStore::default());
        for number in (1..20).chain([BAD]) {
            store.put_module(&code(number).0, vec![number].into()).await.unwrap();
        }
        let served = Numbered { gate: Arc::new(gate), ..Numbered::new(0) };
        let gauge = Arc::new(AtomicU64::default());
        let (kept, metric) = (Some(store.clone() as Arc<dyn Store>), Gauge::from_arc(gauge.clone()));
        let factories = Factories::new(Arc::new(served.clone()), kept, metric);
        Fixture { served, store, gauge, factories }
    }

    async fn load(&self, number: u8) -> Result<Arc<Numbered>, Fault> {
        let mut stall = StallWatch::new(Arc::default(), "a room".into());
        self.factories.for_stored_room(code(number), &mut stall).await
    }

    fn loads(&self) -> u32 {
        self.served.loads.load(Ordering::Relaxed)
    }

    fn gauge(&self) -> f64 {
        f64::from_bits(self.gauge.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn unused_modules_are_forgotten_those_used_longest_ago_first() {
    let fixture = Fixture::new(Barrier::new(1)).await;
    let first = fixture.load(1).await.unwrap();
    assert_eq!(first.number, 1);
    for number in 2..=10 {
        fixture.load(number).await.unwrap();
    }
    // A room runs on 1, and 2 is asked for again.
    fixture.load(2).await.unwrap();
    assert_eq!((fixture.loads(), fixture.gauge()), (10, 10.0));
    fixture.load(11).await.unwrap();
    for number in [1, 2, 5, 6, 7, 8, 9, 10, 11] {
        fixture.load(number).await.unwrap();
    }
    assert_eq!(fixture.loads(), 11);
    fixture.load(3).await.unwrap();
    assert_eq!(fixture.loads(), 12, "it was forgotten");
    drop(first);
    assert_eq!(
        fixture.gauge(),
        1.0 + MAX_UNUSED as f64 + 1.0,
        "1, the unused ones, and the one in use when others were counted"
    );
    drop(fixture.factories);
    assert_eq!(f64::from_bits(fixture.gauge.load(Ordering::Relaxed)), 0.0);
}

#[tokio::test]
async fn the_served_module_is_not_loaded() {
    let fixture = Fixture::new(Barrier::new(1)).await;
    assert_eq!(fixture.load(0).await.unwrap().number, 0);
    assert_eq!((fixture.loads(), fixture.gauge()), (0, 0.0));
}

#[tokio::test]
async fn all_who_wait_for_a_load_hear_of_its_failure_and_the_next_tries_again() {
    let fixture = Arc::new(Fixture::new(Barrier::new(2)).await);
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let fixture = fixture.clone();
            tokio::spawn(async move { fixture.load(BAD).await.map(drop).unwrap_err() })
        })
        .collect();
    // On a single thread, each has come to its wait.
    tokio::task::yield_now().await;
    fixture.served.gate.wait();
    for task in waiting {
        let fault = task.await.unwrap();
        assert_eq!(fault.kind(), FaultKind::Storage);
        let problem = format!("the room began with the module {}, which cannot be loaded: it is bad", code(BAD));
        assert_eq!(fault.message(), problem + " (serve the module with this BLAKE3 hash, or delete the room)");
    }
    assert_eq!(fixture.loads(), 1);
    let again = tokio::spawn({
        let fixture = fixture.clone();
        async move { fixture.load(BAD).await.is_err() }
    });
    tokio::task::yield_now().await;
    fixture.served.gate.wait();
    assert!(again.await.unwrap());
    assert_eq!((fixture.loads(), fixture.gauge()), (2, 0.0));
}

#[tokio::test]
async fn a_module_that_is_missing_or_another_than_its_hash_says_is_not_run() {
    let fixture = Fixture::new(Barrier::new(1)).await;
    let missing = fixture.load(100).await.map(drop).unwrap_err();
    assert!(missing.message().contains(", which is not stored ("), "{missing}");
    fixture.store.put_module(&code(101).0, vec![1].into()).await.unwrap();
    let forged = fixture.load(101).await.map(drop).unwrap_err();
    assert!(forged.message().contains("which has another hash than the one it was stored under"), "{forged}");
    assert_eq!(fixture.gauge(), 0.0);
}
