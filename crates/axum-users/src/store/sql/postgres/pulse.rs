//! Whether a connection that many share still answers.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use tokio::sync::Notify;

/// What waits for an answer. It is looked at now and then: a timer for each question costs more than the rest of asking.
#[derive(Default)]
pub(super) struct Pulse {
    waiting: AtomicUsize,
    answers: AtomicUsize,
    stirred: Notify,
}

/// One that waits for an answer, unless it is dropped.
pub(super) struct Question<'a>(&'a Pulse);

impl Pulse {
    /// Something is asked.
    pub(super) fn ask(&self) -> Question<'_> {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            self.stirred.notify_one();
        }
        Question(self)
    }

    /// Waits until something has waited for about so long, half of it at least, while nothing at all was answered.
    pub(super) async fn silence(&self, patience: Duration) {
        loop {
            self.stirred.notified().await;
            let mut before = None;
            loop {
                tokio::time::sleep(patience / 2).await;
                let now = (self.waiting.load(Relaxed) > 0).then(|| self.answers.load(Relaxed));
                match now {
                    None => break,
                    Some(_) if now == before => return,
                    Some(_) => before = now,
                }
            }
        }
    }
}

impl Question<'_> {
    /// Whatever the answer is.
    pub(super) fn answered(self) {
        self.0.answers.fetch_add(1, Relaxed);
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    /// Whether it falls silent while this happens.
    async fn falls_silent(happening: impl AsyncFnOnce(&Pulse)) -> bool {
        let pulse = Pulse::default();
        tokio::select! {
            () = happening(&pulse) => false,
            () = pulse.silence(PATIENCE) => true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_answer_in_time_is_silent() {
        let asked = async |pulse: &Pulse, time| {
            let _question = pulse.ask();
            sleep(time).await;
        };
        assert!(falls_silent(async |pulse| asked(pulse, PATIENCE * 2).await).await);
        assert!(!falls_silent(async |pulse| asked(pulse, PATIENCE / 3).await).await, "it may take its time");
        let given_up = async |pulse: &Pulse| {
            asked(pulse, PATIENCE / 3).await;
            sleep(PATIENCE * 10).await;
        };
        assert!(!falls_silent(given_up).await, "nobody waits any more");
        assert!(!falls_silent(async |_| sleep(PATIENCE * 10).await).await, "nobody has asked");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_behind_others_that_are_answered_is_patient() {
        let busy = async |pulse: &Pulse| {
            let _last = pulse.ask();
            for _ in 0..100 {
                sleep(PATIENCE / 3).await;
                pulse.ask().answered();
            }
        };
        assert!(!falls_silent(busy).await);
        let then_silent = async |pulse: &Pulse| {
            let _last = pulse.ask();
            busy(pulse).await;
            sleep(PATIENCE * 2).await;
        };
        assert!(falls_silent(then_silent).await);
    }

    #[tokio::test(start_paused = true)]
    async fn seldom_questions_are_no_silence() {
        let seldom = async |pulse: &Pulse| {
            for pause in 0..1_000 {
                let question = pulse.ask();
                sleep(Duration::from_millis(1)).await;
                question.answered();
                sleep(Duration::from_millis(pause)).await;
            }
        };
        assert!(!falls_silent(seldom).await);
    }
}
