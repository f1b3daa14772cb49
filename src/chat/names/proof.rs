//! Proofs: `ann!k3f9x2` is an ann who knows the same secret as any other
//! `ann!k3f9x2` of this server. What that proves, and what not, is in
//! docs/protocol.md.

use std::fmt;

use ecow::EcoString;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What stands between a name and its proof. No name has it.
pub(in crate::chat) const PROOF_SIGN: char = '!';

/// A proof in characters of 5 bits each.
pub(in crate::chat) const PROOF_CHARS: usize = 6;

/// A secret in bytes.
pub(in crate::chat) const SECRET_BYTES_MAX: usize = 64;

/// Crockford's base 32: no letter of it looks like another or like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The key that proofs are made with. Whoever has it can try secrets offline.
#[derive(Clone, Default)]
pub struct ProofKey([u8; ProofKey::BYTES]);

impl ProofKey {
    /// The size of a key.
    pub const BYTES: usize = 32;

    /// A key of random bytes.
    pub const fn new(bytes: [u8; ProofKey::BYTES]) -> Self {
        ProofKey(bytes)
    }

    /// The proof for a name without case and a secret: the first 30 bits of
    /// HMAC-SHA256 (RFC 2104) over the length of the name in 8 bytes, the name,
    /// and the secret.
    pub(in crate::chat) fn proof(&self, folded_name: &str, secret: &Secret) -> EcoString {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("a key may have any number of bytes");
        // With the length nobody can move letters from the name to the secret.
        mac.update(&(folded_name.len() as u64).to_be_bytes());
        mac.update(folded_name.as_bytes());
        mac.update(secret.0.as_bytes());
        let hash = mac.finalize().into_bytes();
        let bits = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        let digit = |place: usize| ALPHABET[(bits >> (27 - 5 * place)) as usize % 32];
        (0..PROOF_CHARS).map(|place| char::from(digit(place))).collect()
    }

    /// Numbers that nobody can foresee who doesn't have the key: others for each `seed`.
    pub(in crate::chat) fn numbers(&self, seed: [u64; 3]) -> impl Iterator<Item = u32> {
        // No name has so many bytes: no proof is made of this.
        let not_a_length = [0xff; 8];
        let blocks = (0_u32..).map(move |block| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
                .expect("a key may have any number of bytes");
            mac.update(&not_a_length);
            seed.iter().for_each(|part| mac.update(&part.to_be_bytes()));
            mac.update(&block.to_be_bytes());
            mac.finalize().into_bytes()
        });
        blocks.flat_map(|block| {
            let numbers = block.as_chunks::<4>().0.to_vec();
            numbers.into_iter().map(u32::from_be_bytes)
        })
    }
}

/// Keys don't belong into logs.
impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

/// What a user typed after its name. It is forgotten at once, and has no
/// `Debug`.
pub(in crate::chat) struct Secret<'a>(&'a str);

impl<'a> Secret<'a> {
    /// 1 to 64 bytes without a space.
    pub fn parse(text: &'a str) -> Option<Self> {
        let fits = (1..=SECRET_BYTES_MAX).contains(&text.len());
        (fits && !text.contains(char::is_whitespace)).then_some(Secret(text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn proof(key: u8, name: &str, secret: &str) -> EcoString {
        let secret = Secret::parse(secret).expect("a secret");
        ProofKey::new([key; 32]).proof(name, &secret)
    }

    /// Worked out by openssl:
    /// `printf '\0\0\0\0\0\0\0\3annsecret' | openssl dgst -sha256 -mac HMAC
    /// -macopt hexkey:0101...`.
    #[test]
    fn a_proof_is_hmac_sha256() {
        assert_eq!(proof(1, "ann", "secret").as_str(), "7rsec4");
    }

    #[test]
    fn a_proof_depends_on_key_name_and_secret() {
        let proofs = [
            proof(1, "ann", "secret"),
            proof(2, "ann", "secret"),
            proof(1, "bob", "secret"),
            proof(1, "ann", "secrets"),
            proof(1, "ann", "Secret"),
            proof(1, "an", "nsecret"),
            proof(1, "anns", "ecret"),
        ];
        assert_eq!(proofs.iter().collect::<HashSet<_>>().len(), 7);
        assert_eq!(proofs[0], proof(1, "ann", "secret"));
    }

    #[test]
    fn a_secret_is_1_to_64_bytes_without_spaces() {
        for good in ["a", "k\u{e4}se", "-!*", &"x".repeat(64)] {
            assert!(Secret::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a\tb", "a\u{3000}b", &"x".repeat(65), &"\u{e4}".repeat(33)] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", ProofKey::new([7; 32])), "ProofKey(..)");
    }
}
