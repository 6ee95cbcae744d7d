//! Murmur2 as Kafka's own clients compute it (processor/kafka/partitioner.py).

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const POSITIVE: u32 = 0x7fff_ffff;

/// Returns the partition, among `partitions`, of a key.
pub fn partition(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & POSITIVE) % partitions
}

fn murmur2(data: &[u8]) -> u32 {
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}
