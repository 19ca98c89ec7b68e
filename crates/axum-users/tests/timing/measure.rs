//! Whether two classes of requests can be told apart by the time of their answers.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    time::Duration,
};

use crate::{client::Client, served::Served};

/// Of each pair of classes so many pairs of requests count.
const PAIRS: usize = 500;
/// How often two classes that seem to differ are measured again.
const AGAIN: usize = 3;
/// These come before, for connections, caches and threads to be there.
const WARM_UP: usize = 50;
/// The chance that a request of one class takes longer than one of the other. Half is what a coin gives.
const BAND: std::ops::RangeInclusive<f64> = 0.45..=0.55;

/// Requests that an attacker would like to tell from those of another class.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    /// The request of a number; those of all classes are equally long.
    pub(crate) request: Box<dyn Fn(usize) -> Vec<u8>>,
}

/// What was measured, as text.
pub(crate) struct Report {
    lines: Vec<String>,
    /// Between two requests.
    pause: Duration,
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(title: &str) -> Self {
        let heads = format!(
            "{:<44} {:>5} {:>9} {:>9} {:>6}  verdict",
            "classes", "pairs", "median µs", "median µs", "AUC"
        );
        Self { lines: vec![format!("times: {title}"), heads], pause: Duration::ZERO, failures: Vec::new() }
    }

    /// Leaves time for the jobs of each request before the next one, which they would slow: of two classes that differ little is
    /// then more to be seen.
    pub(crate) fn after_the_jobs(self) -> Self {
        Self { pause: Duration::from_millis(6), ..self }
    }

    /// Measures two classes; up to three times more and for longer, if they seem to differ: some measurements do by chance, now to
    /// this side and now to that, and what tells them apart does so each time and to the same side.
    pub(crate) fn compare(&mut self, server: &Served, one: &Class, other: &Class) {
        let first = self.measure(server, one, other, PAIRS, "");
        let mut auc = first;
        for _ in 0..AGAIN {
            if BAND.contains(&auc) || (auc < 0.5) != (first < 0.5) {
                return;
            }
            auc = self.measure(server, one, other, 2 * PAIRS, ", measured again");
        }
        if !BAND.contains(&auc) && (auc < 0.5) == (first < 0.5) {
            self.failures.push(format!("{} / {}: {auc:.3}", one.name, other.name));
        }
    }

    /// Measures two classes that differ, by which the measurement itself is tested.
    pub(crate) fn tell_apart(&mut self, server: &Served, one: &Class, other: &Class) {
        let auc = self.measure(server, one, other, PAIRS, ", as they must");
        if BAND.contains(&auc) {
            self.failures.push(format!("{} / {} are not told apart: {auc:.3}", one.name, other.name));
        }
    }

    fn measure(&mut self, server: &Served, one: &Class, other: &Class, pairs: usize, remark: &str) -> f64 {
        let [mut times, mut other_times] = times(server, one, other, pairs, self.pause);
        let auc = auc(&times, &other_times);
        let verdict = if BAND.contains(&auc) { "alike" } else { "differ" };
        self.lines.push(format!(
            "{:<44} {pairs:>5} {:>9.0} {:>9.0} {auc:>6.3}  {verdict}{remark}",
            format!("{} / {}", one.name, other.name),
            median(&mut times),
            median(&mut other_times),
        ));
        auc
    }

    /// Shows what was measured, also of a test that passes: the test runner keeps back what is printed, not what is written.
    pub(crate) fn finish(self) {
        let text = format!("\n{}\n\n", self.lines.join("\n"));
        std::io::stdout().lock().write_all(text.as_bytes()).unwrap();
        assert!(self.failures.is_empty(), "times tell who exists: {:?}", self.failures);
    }
}

/// Microseconds of both classes, on one connection. Which class is next is drawn each time: what a request leaves behind to be done
/// slows later ones, which must be of either class, whatever the class of the request before them.
fn times(server: &Served, one: &Class, other: &Class, pairs: usize, pause: Duration) -> [Vec<f64>; 2] {
    let mut client = Client::connect(server.address);
    let mut times = [Vec::new(), Vec::new()];
    let (mut numbers, mut lengths) = ([0; 2], [0; 2]);
    for (turn, drawn) in shuffled(WARM_UP + pairs).into_iter().enumerate() {
        let class = [one, other][drawn];
        let request = (class.request)(numbers[drawn]);
        numbers[drawn] += 1;
        std::thread::sleep(pause);
        let timed = client.ask(&request);
        assert_eq!(timed.status, class.status, "{}", class.name);
        lengths[drawn] = timed.length;
        if turn >= 2 * WARM_UP {
            times[drawn].push(timed.took.as_secs_f64() * 1e6);
        }
    }
    assert_eq!(lengths[0], lengths[1], "{} and {} are answered in as many bytes", one.name, other.name);
    times
}

/// As many zeros as ones, in an order that is the same in all measurements.
fn shuffled(of_each: usize) -> Vec<usize> {
    let by_chance = |turn: &usize| {
        let mut hasher = DefaultHasher::new();
        turn.hash(&mut hasher);
        hasher.finish()
    };
    let mut turns: Vec<_> = (0..2 * of_each).collect();
    turns.sort_by_key(by_chance);
    turns.into_iter().map(|turn| turn % 2).collect()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The chance that a time of the first sample is longer than one of the second, where half of those that are equal count:
/// Mann and Whitney's U by the number of pairs.
fn auc(one: &[f64], other: &[f64]) -> f64 {
    let mut sorted = other.to_vec();
    sorted.sort_by(f64::total_cmp);
    let of = |time: &f64| {
        let shorter = sorted.partition_point(|other| other < time);
        let not_longer = sorted.partition_point(|other| other <= time);
        (shorter + not_longer) as f64 / 2.0
    };
    one.iter().map(of).sum::<f64>() / (one.len() * other.len()) as f64
}

#[test]
fn the_auc_of_known_samples() {
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
    near(auc(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 0.5);
    near(auc(&[4.0, 5.0], &[1.0, 2.0, 3.0]), 1.0);
    near(auc(&[1.0], &[2.0, 3.0]), 0.0);
    near(auc(&[2.0, 4.0], &[1.0, 2.0, 3.0]), 0.75);
    near(auc(&[7.0, 7.0], &[7.0]), 0.5);
}
