//! Filters of keys as bytes: the descriptor, then the fingerprints, all of them little-endian.

use xorf::{BinaryFuse16, Descriptor};

const DESCRIPTOR_BYTES: usize = 20;

/// The filter in these bytes, unless they are none: a filter that is read wrongly would be asked out of its bounds.
pub(super) fn read(bytes: &[u8]) -> Option<BinaryFuse16> {
    let (descriptor, fingerprints) = bytes.split_at_checked(DESCRIPTOR_BYTES)?;
    let (words, _) = descriptor.as_chunks();
    let [low, high, segment_length, segment_length_mask, segment_count_length] =
        words.iter().copied().map(u32::from_le_bytes).collect::<Vec<_>>().try_into().ok()?;
    let (pairs, rest) = fingerprints.as_chunks();
    let expected = u64::from(segment_count_length) + 2 * u64::from(segment_length);
    let is_whole = segment_length.is_power_of_two()
        && segment_length_mask == segment_length - 1
        && segment_count_length.is_multiple_of(segment_length)
        && rest.is_empty()
        && pairs.len() as u64 == expected;
    let seed = u64::from(high) << 32 | u64::from(low);
    let descriptor = Descriptor { seed, segment_length, segment_length_mask, segment_count_length };
    let fingerprints = pairs.iter().copied().map(u16::from_le_bytes).collect();
    is_whole.then_some(BinaryFuse16 { descriptor, fingerprints })
}

/// The bytes of a filter.
#[cfg(feature = "breach-check")]
pub(super) fn write(filter: &BinaryFuse16) -> Vec<u8> {
    let Descriptor { seed, segment_length, segment_length_mask, segment_count_length } = filter.descriptor;
    let words = [segment_length, segment_length_mask, segment_count_length];
    let words = words.into_iter().flat_map(u32::to_le_bytes);
    let fingerprints = filter.fingerprints.iter().copied().flat_map(u16::to_le_bytes);
    seed.to_le_bytes().into_iter().chain(words).chain(fingerprints).collect()
}

#[cfg(all(test, feature = "breach-check"))]
mod tests {
    use xorf::Filter;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else_is() {
        let keys: Vec<u64> = (1..=500_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let bytes = write(&BinaryFuse16::try_from(&keys).unwrap());
        let filter = read(&bytes).unwrap();
        assert!(keys.iter().all(|key| filter.contains(key)));
        assert!(
            read(&bytes[..bytes.len() - 1]).is_none() && read(&bytes[..19]).is_none() && read(&[]).is_none()
        );
        for spoilt in 8..20 {
            let mut bytes = bytes.clone();
            bytes[spoilt] ^= 0x41;
            assert!(read(&bytes).is_none(), "byte {spoilt}");
        }
    }
}
