//! Memory of a process with all it has started.

use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::cpu;

const KIB_PER_MIB: f64 = 1024.0;

/// In MiB.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// What is resident now; pages that others have too count in part (`Pss`), or whole (`VmRSS`) where only root may know.
    pub resident: f64,
    /// The most that was ever resident (`VmHWM`), added up.
    pub peak: f64,
}

impl Memory {
    /// That of a process and all its descendants.
    pub fn of(root: u32) -> anyhow::Result<Self> {
        let mut sum = Self { resident: 0.0, peak: 0.0 };
        for id in cpu::tree(root)? {
            let status = fs::read_to_string(format!("/proc/{id}/status"))?;
            let resident = fs::read_to_string(format!("/proc/{id}/smaps_rollup"));
            let resident = resident.ok().and_then(|rollup| kib(&rollup, "Pss"));
            sum.resident += match resident {
                Some(kib) => kib,
                None => kib(&status, "VmRSS").with_context(|| format!("no VmRSS of the process {id}"))?,
            } / KIB_PER_MIB;
            sum.peak += kib(&status, "VmHWM").unwrap_or_default() / KIB_PER_MIB;
        }
        Ok(sum)
    }
}

/// What is a process's own now, in MiB: pages without a file behind them (`Pss_Anon`, or `RssAnon` where only root may know).
/// The rest are pages of files, above all of its program, which the system may take back.
pub fn own(id: u32) -> anyhow::Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"));
    let kib = match rollup.ok().and_then(|rollup| kib(&rollup, "Pss_Anon")) {
        Some(kib) => kib,
        None => {
            let status = fs::read_to_string(format!("/proc/{id}/status"))?;
            kib(&status, "RssAnon").with_context(|| format!("no RssAnon of the process {id}"))?
        }
    };
    Ok(kib / KIB_PER_MIB)
}

/// The figure of a line such as `VmHWM:     1234 kB`.
fn kib(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_status_and_smaps() {
        let text =
            "Name:\tx\nVmHWM:\t    2048 kB\nPss:                1024 kB\nPss_Anon:            512 kB\n";
        assert_eq!(kib(text, "VmHWM"), Some(2048.0));
        assert_eq!(kib(text, "Pss"), Some(1024.0));
        assert_eq!(kib(text, "Pss_Anon"), Some(512.0));
        assert_eq!(kib(text, "VmRSS"), None);
        assert_eq!(kib("Pss: many kB", "Pss"), None);
    }

    #[test]
    fn this_process_has_some() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.resident > 0.5 && memory.peak >= 1.0, "{memory:?}");
        let before = own(std::process::id()).unwrap();
        let pages = vec![1_u8; 32 << 20];
        let after = own(std::process::id()).unwrap();
        assert!(after - before > 16.0, "{before} {after} {}", pages.len());
    }
}
