//! Who is next: clients in turn, and for each of them what came first.

use std::collections::{BTreeMap, HashMap};

use crate::limit::Network;

/// Whose password it is: the network that counts as one client.
pub(crate) type Client = Network;

/// Rounds, in each of which every client has one turn. What has no client counts as one.
pub(super) struct Queue<T> {
    waiting: BTreeMap<(Round, u64), Waiting<T>>,
    of_client: HashMap<Option<Client>, u64>,
    round: Round,
    number: u64,
}

type Round = u64;

struct Waiting<T> {
    client: Option<Client>,
    job: T,
}

// Not derived: a queue of what has no default is empty all the same.
impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), of_client: HashMap::new(), round: 0, number: 0 }
    }
}

impl<T> Queue<T> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many of this client wait.
    pub(super) fn of_client(&self, client: Client) -> usize {
        let count = self.of_client.get(&Some(client)).copied().unwrap_or_default();
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Whoever has many in the queue has a turn in as many rounds.
    pub(super) fn push(&mut self, job: T, client: Option<Client>) {
        let before = self.of_client.entry(client).or_default();
        let round = self.round + *before;
        *before += 1;
        self.number += 1;
        self.waiting.insert((round, self.number), Waiting { client, job });
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let ((round, _), waiting) = self.waiting.pop_first()?;
        self.round = round;
        Some(self.taken(waiting))
    }

    /// Takes back what was pushed last.
    pub(super) fn pop_newest(&mut self) {
        let newest = self.waiting.keys().copied().find(|(_, number)| *number == self.number);
        if let Some(waiting) = newest.and_then(|key| self.waiting.remove(&key)) {
            drop(self.taken(waiting));
        }
    }

    fn taken(&mut self, Waiting { client, job }: Waiting<T>) -> T {
        if let Some(count) = self.of_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.of_client.remove(&client);
            }
        }
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: [Option<Client>; 3] = [Some((1, 32)), Some((2, 32)), None];

    fn names(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn clients_are_served_in_turn() {
        let [flood, other, none] = CLIENTS;
        let mut queue = Queue::default();
        for name in ["a1", "a2", "a3", "a4"] {
            queue.push(name, flood);
        }
        assert_eq!(queue.pop(), Some("a1"));
        queue.push("b1", other);
        queue.push("c1", none);
        queue.push("b2", other);
        assert_eq!(names(&mut queue), ["b1", "c1", "a2", "b2", "a3", "a4"]);
        queue.push("a5", flood);
        queue.push("b3", other);
        assert_eq!(names(&mut queue), ["a5", "b3"], "the past is forgotten");
        assert!(queue.of_client.is_empty());
    }

    #[test]
    fn what_waits_is_counted_and_taken_back() {
        let [client, other, _] = CLIENTS;
        let mut queue = Queue::default();
        queue.push("a1", client);
        queue.push("b1", other);
        queue.push("a2", client);
        assert_eq!((queue.len(), queue.of_client((1, 32))), (3, 2));
        queue.pop_newest();
        assert_eq!((queue.len(), queue.of_client((1, 32))), (2, 1));
        assert_eq!(names(&mut queue), ["a1", "b1"]);
    }
}
