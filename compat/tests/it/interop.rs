use libtest_mimic::Trial;

use crate::harness::Candidate;

pub(crate) fn trials(_: Candidate) -> Vec<Trial> {
    Vec::new()
}
