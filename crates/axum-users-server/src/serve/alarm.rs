//! Time limits of things that follow each other, by one timer for all of them.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Instant, Sleep};

/// Goes off at a time that is another one for each thing. Its timer is set anew only when it goes off too early or would go off too
/// late: to set one for each request costs as much as to route it.
#[derive(Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether it is this time already; if not, the task is woken then, or before.
    pub fn poll(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() > until {
            sleep.as_mut().reset(until);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() == until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    /// Waits for the alarm, and tells after how many seconds it went off.
    async fn seconds(alarm: &mut Alarm, until: Instant) -> u64 {
        let begin = Instant::now();
        poll_fn(|context| alarm.poll(until, context)).await;
        begin.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_at_the_time_of_the_moment() {
        let mut alarm = Alarm::default();
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        let cut_short = tokio::time::timeout(Duration::from_secs(1), seconds(&mut alarm, after(10))).await;
        assert!(cut_short.is_err());
        assert_eq!(seconds(&mut alarm, after(20)).await, 20, "later than it was set");
        let cut_short = tokio::time::timeout(Duration::from_secs(1), seconds(&mut alarm, after(100))).await;
        assert!(cut_short.is_err());
        assert_eq!(seconds(&mut alarm, after(5)).await, 5, "earlier than it was set");
        assert_eq!(seconds(&mut alarm, after(0)).await, 0);
    }
}
