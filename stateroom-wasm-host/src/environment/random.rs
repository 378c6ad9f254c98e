//! Random numbers by ChaCha20: reproducible from a seed and a position.
//!
//! *Invariant:* the seed and the word position determine all further output.
pub(super) use chacha20::ChaCha20Rng as Generator;
use chacha20::rand_core::SeedableRng;

/// A seed of 32 bytes made from a number.
pub(super) fn seed(number: u64) -> [u8; 32] {
    let mut seed = [0; 32];
    if let Some(start) = seed.first_chunk_mut() {
        *start = number.to_le_bytes();
    }
    seed
}

/// Returns a generator whose next output is the word `word_position` of the seed's stream.
pub(super) fn generator(seed: [u8; 32], word_position: u128) -> Generator {
    let mut generator = Generator::from_seed(seed);
    generator.set_word_pos(word_position);
    generator
}
