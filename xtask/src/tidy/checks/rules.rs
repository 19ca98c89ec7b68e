//! The rules of security, and the tests that are named after them: `OAL-1` has `oal_1_…`.

use std::collections::BTreeSet;

use super::{Files, sources, text};

/// A row of RULES.md.
struct Rule<'a> {
    /// `OAL-1`; or `MFA`, all rules of a thing that is not there.
    id: &'a str,
    /// Why nothing is bound by it yet, or nothing.
    because: &'a str,
}

/// Every rule has a test or says why not, and every test that is named like one belongs to one.
pub(super) fn tested(files: &Files) -> Vec<String> {
    let (rules, tests) = (rules(files), tests(files));
    let untested = rules.iter().filter(|rule| rule.because.is_empty() && !is_tested(rule.id, &tests));
    let untested =
        untested.map(|rule| format!("RULES.md: no test is named after {}, and it does not say why", rule.id));
    let excused = rules.iter().filter(|rule| !rule.because.is_empty() && is_tested(rule.id, &tests));
    let excused = excused.map(|rule| format!("RULES.md: {} has a test: it is applicable", rule.id));
    let unlisted = tests.iter().filter_map(|test| {
        let (family, rest) = test.split_once('_')?;
        let number = rest.split('_').next().filter(|number| number.parse::<u8>().is_ok())?;
        let id = format!("{}-{number}", family.to_uppercase());
        let of_the_family = rules.iter().any(|rule| rule.id.split('-').next() == id.split('-').next());
        let listed = rules.iter().any(|rule| rule.id == id);
        (of_the_family && !listed).then(|| format!("RULES.md: {id} of the test {test} is not listed"))
    });
    untested.chain(excused).chain(unlisted).collect()
}

/// Every rule that SECURITY.md names for a fault of others has a test.
pub(super) fn faults_of_others(files: &Files) -> Vec<String> {
    let tests = tests(files);
    let table = text(files, "SECURITY.md").split("## Faults of others").nth(1).unwrap_or_default();
    let named =
        rows(table).skip(1).filter_map(|cells| cells.last().copied()).flat_map(|rules| rules.split(", "));
    let untested = named.filter(|rule| !is_tested(rule, &tests));
    untested.map(|rule| format!("SECURITY.md: no test is named after the rule {rule}")).collect()
}

fn rules(files: &Files) -> Vec<Rule<'_>> {
    let id_and_because = |cells: Vec<_>| match *cells.as_slice() {
        [id, _, because] => Some(Rule { id, because }),
        _ => None,
    };
    rows(text(files, "RULES.md")).filter_map(id_and_because).filter(|rule| rule.id != "id").collect()
}

/// The cells of the rows of all tables, their heads included.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(str::trim).collect())
}

fn tests(files: &Files) -> BTreeSet<&str> {
    let tested = ["crates/", "compat/", "examples/"];
    let functions = tested
        .iter()
        .flat_map(|folder| sources(files, folder))
        .flat_map(|(_, text)| text.split("fn ").skip(1));
    functions.filter_map(|function| function.split(['(', '<']).next()).collect()
}

fn is_tested(rule: &str, tests: &BTreeSet<&str>) -> bool {
    let name = format!("{}_", rule.to_lowercase().replace('-', "_"));
    tests.iter().any(|test| test.starts_with(&name) || test.contains(&format!("_{name}")))
}
