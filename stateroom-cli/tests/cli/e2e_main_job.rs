//! The first command of the README, from the sources of the counter to clients in two rooms and a clean shutdown.
use crate::common::{Serving, example, stateroom};

#[tokio::test]
async fn dev_serves_the_counter_to_two_rooms_until_a_signal() {
    let mut command = stateroom();
    command.args(["dev", "0", "-C"]).arg(example("counter-service"));
    let server = Serving::run(command).await;
    assert!(server.get("/").await.to_lowercase().contains("<html"), "the counter has a page");

    let (mut one, mut two, mut other) = (server.join("a").await, server.join("a").await, server.join("b").await);
    one.send("increment").await;
    assert_eq!(one.text().await, "new value: 1");
    two.send("increment").await;
    assert_eq!(one.text().await, "new value: 2");
    // The first broadcast may have come before this client had joined.
    while two.text().await != "new value: 2" {}
    // The first message in room `b`: nothing of room `a` reaches it.
    other.send("decrement").await;
    assert_eq!(other.text().await, "new value: -1");
    two.leave().await;
    one.send("increment").await;
    assert_eq!(one.text().await, "new value: 3");

    server.signal("TERM");
    assert_eq!(one.closed().await.0, 1012);
    assert_eq!(other.closed().await.0, 1012);
    assert_eq!(server.end().await.code(), Some(0));
}
