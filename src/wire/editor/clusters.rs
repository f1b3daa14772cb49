//! A text, and where each thing in it ends that looks like one character (a *cluster*:
//! Unicode UAX 29).

use unicode_segmentation::UnicodeSegmentation;

/// The longest cluster, in bytes. A family of emoji has 25; a longer one is
/// taken for several.
pub(super) const CLUSTER_BYTES_MAX: usize = 64;

/// A text in clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    /// The bytes of each cluster, `CLUSTER_BYTES_MAX` at most.
    pub clusters: Vec<u8>,
}

impl Text {
    pub fn new(text: String) -> Text {
        let mut clusters = Vec::new();
        for cluster in text.graphemes(true) {
            push_lengths(cluster, &mut clusters);
        }
        Text { text, clusters }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        self.text.capacity() + self.clusters.capacity()
    }

    /// The bytes and the clusters of one behind those of the other.
    pub fn and(mut self, other: &Text) -> Text {
        self.text.push_str(&other.text);
        self.clusters.extend(&other.clusters);
        self
    }
}

/// Adds the length of a cluster, of several if it is too long for one.
pub(super) fn push_lengths(mut cluster: &str, lengths: &mut Vec<u8>) {
    while !cluster.is_empty() {
        let end = cluster.floor_char_boundary(CLUSTER_BYTES_MAX);
        lengths.push(end as u8);
        cluster = &cluster[end..];
    }
}
