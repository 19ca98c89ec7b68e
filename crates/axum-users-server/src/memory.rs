//! Who may look at the memory of the process: it holds keys, and passwords for as long as they are hashed.

use anyhow::Context;
use rustix::process::{Resource, Rlimit, setrlimit};

/// A crash leaves no copy behind, and no other process of the same user looks in, unless it is root's.
pub fn keep_private() -> anyhow::Result<()> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, nothing).context("core dumps cannot be switched off")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("the memory cannot be kept from other processes")?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn lgs_1_neither_a_crash_nor_a_neighbour_reads_the_memory() {
        keep_private().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    }
}
