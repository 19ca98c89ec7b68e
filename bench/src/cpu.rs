//! CPU time of a process with all it has started.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::time::sleep;

/// How long work that follows the answers may take.
const SETTLE: Duration = Duration::from_secs(5);
/// Who uses less than a clock tick in this time has nothing more to do.
const IDLE: Duration = Duration::from_millis(100);
/// The fields of `/proc/PID/stat` that count, in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub parent: u32,
    /// In user and kernel mode.
    own: u64,
    /// Of children that have ended and been waited for.
    ended_children: u64,
}

/// Reads a line of `/proc/PID/stat` (proc_pid_stat(5)). The name of the program may hold anything.
pub fn parse_stat(line: &str) -> anyhow::Result<Stat> {
    let (_, fields) = line.rsplit_once(") ").context("no name of a program")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    // The first one here is the third of the manual.
    let number = |field: usize| -> anyhow::Result<u64> {
        Ok(fields.get(field - 3).with_context(|| format!("no field {field}"))?.parse()?)
    };
    Ok(Stat {
        parent: u32::try_from(number(4)?)?,
        own: number(14)? + number(15)?,
        ended_children: number(16)? + number(17)?,
    })
}

/// The processes of this machine. Those that end meanwhile are left out.
fn processes() -> anyhow::Result<BTreeMap<u32, Stat>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(line) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        found.insert(id, parse_stat(&line)?);
    }
    Ok(found)
}

/// A process and all its descendants.
pub fn tree(root: u32) -> anyhow::Result<Vec<u32>> {
    let processes = processes()?;
    if !processes.contains_key(&root) {
        bail!("the process {root} is gone");
    }
    Ok(descendants(root, &processes))
}

fn descendants(root: u32, processes: &BTreeMap<u32, Stat>) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(processes.iter().filter(|(_, stat)| stat.parent == parent).map(|(&id, _)| id));
        next += 1;
    }
    tree
}

/// What processes with all their descendants have used so far, those that have ended included.
pub fn used(roots: &[u32]) -> anyhow::Result<Duration> {
    let processes = processes()?;
    let mut ticks = 0;
    for &root in roots {
        if !processes.contains_key(&root) {
            bail!("the process {root} is gone");
        }
        for id in descendants(root, &processes) {
            ticks += processes.get(&id).map_or(0, |stat| stat.own + stat.ended_children);
        }
    }
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Waits until processes have nothing more to do.
pub async fn settle(ids: &[u32]) -> anyhow::Result<()> {
    let end = Instant::now() + SETTLE;
    let mut before = used(ids)?;
    while Instant::now() < end {
        sleep(IDLE).await;
        let now = used(ids)?;
        if now - before <= IDLE / 10 {
            break;
        }
        before = now;
    }
    Ok(())
}

/// `sysconf(_SC_CLK_TCK)` is 100 on every architecture that we know of.
const TICKS_PER_SECOND: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 200 0 0 150 50 30 20 20 0 5 0 100 1000 50 1";

    #[test]
    fn a_line_of_stat() {
        assert_eq!(parse_stat(LINE).unwrap(), Stat { parent: 7, own: 200, ended_children: 50 });
        assert!(parse_stat("42 (a) S 7").is_err());
        assert!(parse_stat("42").is_err());
    }

    #[test]
    fn descendants_are_all_below_a_process() {
        let stat = |parent| Stat { parent, own: 1, ended_children: 0 };
        let processes =
            BTreeMap::from([(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(1)), (5, stat(9))]);
        assert_eq!(descendants(1, &processes), [1, 2, 4, 3]);
        assert_eq!(descendants(2, &processes), [2, 3]);
    }

    #[test]
    fn work_is_seen_also_that_of_children_that_have_ended() {
        let before = used(&[std::process::id()]).unwrap();
        let work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", work]).status().unwrap().success());
        let after = used(&[std::process::id()]).unwrap();
        assert!(after > before, "{before:?} {after:?}");
        assert!(used(&[u32::MAX]).is_err());
    }
}
