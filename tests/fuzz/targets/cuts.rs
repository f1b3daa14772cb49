//! How bytes are cut into packets.

use std::iter;

/// Cuts `bytes` into packets; `seed` says how large they are.
pub fn cut(bytes: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let mut rng = fastrand::Rng::with_seed(seed.into());
    // From byte by byte to large ones.
    let size_max = 1 << (seed % 8);
    let mut rest = bytes;
    iter::from_fn(move || {
        let size = rng.usize(1..=size_max).min(rest.len());
        let (packet, behind) = rest.split_at(size);
        rest = behind;
        (size > 0).then_some(packet)
    })
}
