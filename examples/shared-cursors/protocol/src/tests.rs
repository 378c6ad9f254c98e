//! Decoding accepts exactly what encoding produces.
use super::*;

fn messages() -> [ToClient; 4] {
    let cursor = |client, x, y| Cursor { client, position: Position { x, y } };
    [
        ToClient::Welcome { you: 0x0403_0201 },
        ToClient::Batch { connected: 0, left: vec![], moved: vec![] },
        ToClient::Batch { connected: 3, left: vec![7, u32::MAX], moved: vec![] },
        ToClient::Batch {
            connected: 2,
            left: vec![7],
            moved: vec![cursor(1, 0x0201, 0x0403), cursor(u32::MAX, 0, u16::MAX)],
        },
    ]
}

#[test]
fn messages_round_trip() {
    for message in messages() {
        assert_eq!(ToClient::decode(&message.encode()), Some(message));
    }
    let position = Position { x: 1, y: u16::MAX };
    assert_eq!(Position::decode(&position.encode()), Some(position));
}

/// The encoding documented in the README.
#[test]
fn encodes_as_documented() {
    let [welcome, .., batch] = messages();
    assert_eq!(welcome.encode(), [1, 1, 2, 3, 4]);
    let mut bytes = vec![2, 2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0];
    bytes.extend([1, 0, 0, 0, 1, 2, 3, 4]);
    bytes.extend([255, 255, 255, 255, 0, 0, 255, 255]);
    assert_eq!(batch.encode(), bytes);
    assert_eq!(Position { x: 0x0201, y: 0x0403 }.encode(), [1, 2, 3, 4]);
}

#[test]
fn rejects_truncated_messages_and_trailing_bytes() {
    for message in messages() {
        let bytes = message.encode();
        for length in 0..bytes.len() {
            // A batch truncated between two cursors is a valid batch with fewer cursors.
            let decoded = ToClient::decode(&bytes[..length]).map(|shorter| shorter.encode());
            assert!(decoded.is_none_or(|decoded| decoded == bytes[..length]), "{message:?} truncated to {length}");
        }
        let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert_eq!(ToClient::decode(&longer), None);
    }
    for length in [0, 1, 2, 3, 5, 8] {
        assert_eq!(Position::decode(&vec![0; length]), None);
    }
}

/// Decoding pseudo-random bytes neither panics nor accepts what encoding does not produce.
#[test]
fn arbitrary_bytes_are_rejected_or_round_trip() {
    let mut state = 0x2545_f491_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    for _ in 0..20_000 {
        let mut bytes: Vec<u8> = (0..random() % 40).map(|_| random() as u8).collect();
        if let Some(kind) = bytes.first_mut() {
            *kind %= 4;
        }
        // Small counts, so that some match the length.
        for byte in bytes.iter_mut().skip(5).take(4) {
            *byte &= (random() % 4) as u8;
        }
        if let Some(message) = ToClient::decode(&bytes) {
            assert_eq!(message.encode(), bytes);
        }
    }
    // Counts that exceed the length of the message.
    for count in [1, 2, 0x4000_0000, u32::MAX] {
        let mut bytes = ToClient::Batch { connected: 1, left: vec![], moved: vec![] }.encode();
        bytes[5..9].copy_from_slice(&count.to_le_bytes());
        assert_eq!(ToClient::decode(&bytes), None);
    }
}

#[test]
fn positions_are_clamped_to_the_canvas() {
    assert_eq!(Position::at(0.0, 1.0), Position { x: 0, y: u16::MAX });
    assert_eq!(Position::at(-1.0, 7.5), Position { x: 0, y: u16::MAX });
    assert_eq!(Position::at(f64::NAN, f64::INFINITY), Position { x: 0, y: u16::MAX });
    assert_eq!(Position::at(f64::NEG_INFINITY, 0.5), Position { x: 0, y: 32768 });
    for part in [0, 1, 32_767, 65_534, u16::MAX] {
        let position = Position { x: part, y: u16::MAX - part };
        let [x, y] = position.fractions();
        assert_eq!(Position::at(x, y), position);
    }
}
