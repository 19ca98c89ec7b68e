//! Password hashes from all over the table of users.

use super::{SqlStore, driver::Values};
use crate::{
    PasswordHash, Profile, StoreError, UserId,
    value::{Kind, Value},
};

impl<P: Profile> SqlStore<P> {
    /// Users with numbers are looked up by numbers at even distances, whose order is that of their age. Other ids are random,
    /// so that the first ones are as good as any.
    pub(super) async fn sample(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        let rows = match P::Id::kind() {
            Kind::I32 | Kind::I64 => {
                let kinds = [P::Id::kind(); 2];
                let ends =
                    self.driver.fetch(&self.statements.first_and_last_id, Values::new(), &kinds).await?;
                let ids = match ends.first().map(Vec::as_slice) {
                    Some([Value::Integer(first), Value::Integer(last)]) => spread(*first, *last, limit),
                    _ => Vec::new(),
                };
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                self.driver.fetch(&self.statements.hashes_of(&ids), Values::new(), &[Kind::Text]).await?
            }
            _ => {
                let limit = vec![Value::Integer(limit.into())];
                self.driver.fetch(&self.statements.first_hashes, limit, &[Kind::Text]).await?
            }
        };
        let hashes = rows.into_iter().flatten().filter_map(|value| match value {
            Value::Text(hash) => Some(PasswordHash::new(hash)),
            _ => None,
        });
        Ok(hashes.collect())
    }
}

/// At most so many numbers at even distances, both ends included where there is no more between them. The distance is a power
/// of two and the numbers, but for the first, are its multiples: a user more changes nothing of the rest of the sample.
fn spread(first: i64, last: i64, limit: u32) -> Vec<String> {
    let (first, last) = (i128::from(first), i128::from(last));
    let mut step = 1;
    while last.div_euclid(step) - first.div_euclid(step) >= i128::from(limit) && limit > 0 {
        step *= 2;
    }
    let begin = first.div_euclid(step) * step;
    let numbers = (0..i128::from(limit)).map(|number| (begin + number * step).max(first));
    numbers.take_while(|number| *number <= last).map(|number| number.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(first: i64, last: i64, limit: u32) -> Vec<i64> {
        spread(first, last, limit).iter().map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn samples_are_spread_evenly_and_stay_while_users_come() {
        assert_eq!(numbers(1, 4, 10), [1, 2, 3, 4]);
        assert_eq!(numbers(7, 7, 1), [7]);
        assert_eq!(numbers(1, 100, 10), [1, 16, 32, 48, 64, 80, 96]);
        assert_eq!(numbers(1, 25, 1), [1]);
        assert_eq!(numbers(1, 101, 10), numbers(1, 100, 10));
        assert!(numbers(1, 100, 0).is_empty());
        let many = numbers(1, 10_000_000, 1_000);
        assert!((500..=1_000).contains(&many.len()) && many.last() > Some(&9_900_000));
        let all = numbers(i64::MIN, i64::MAX, 1_000);
        assert!((500..=1_000).contains(&all.len()), "{}", all.len());
    }
}
