//! The example with a client in Rust, built and served by the command.
use crate::common::{Serving, built};

/// Returns a batch with the position of a client, encoded as the README of the example describes.
fn moved(here: u32, client: u32, [x, y]: [u16; 2]) -> Vec<u8> {
    let numbers = [here, 0, client].map(u32::to_le_bytes).concat();
    [vec![2], numbers, x.to_le_bytes().to_vec(), y.to_le_bytes().to_vec()].concat()
}

#[tokio::test]
async fn shared_cursors_broadcasts_positions() {
    let server = Serving::start(&built("shared-cursors"), &[]).await;
    assert!(server.get("/").await.contains("client/shared_cursors_client.js"));
    let script = server.get("/client/shared_cursors_client.js").await;
    assert!(script.contains("WebSocket") && script.contains("shared_cursors_client_bg.wasm"), "{script}");
    assert!(server.get("/client/shared_cursors_client_bg.wasm").await.contains("application/wasm"));

    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    assert_eq!(one.bytes().await, [1, 1, 0, 0, 0], "its number");
    assert_eq!(two.bytes().await, [1, 2, 0, 0, 0]);
    one.send(vec![0x34, 0x12, 0x78, 0x56]).await;
    let expected = moved(2, 1, [0x1234, 0x5678]);
    while two.bytes().await != expected {}
    while one.bytes().await != expected {}

    let mut late = server.join("a").await;
    assert_eq!(late.bytes().await, [1, 3, 0, 0, 0]);
    assert_eq!(late.bytes().await, moved(3, 1, [0x1234, 0x5678]), "a newcomer gets all there is");

    one.leave().await;
    let gone = [vec![2], [2_u32, 1, 1].map(u32::to_le_bytes).concat()].concat();
    while late.bytes().await != gone {}
}
