//! What a scenario has learnt so far: `<arthur.id>` in a request stands for it, and in a comparison it reads so again.

use serde_json::Value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(Vec<Variable>);

#[derive(Clone, Debug)]
struct Variable {
    placeholder: String,
    value: String,
    /// Whether the value differs between the servers and is shown as its name.
    hidden: bool,
}

impl Variables {
    /// A value that both servers share and answers show as it is.
    pub(crate) fn shared(&mut self, name: &str, value: impl Into<String>) {
        self.set(name, value.into(), false);
    }

    /// A value of this server alone, such as an id or a token.
    pub(crate) fn own(&mut self, name: &str, value: impl Into<String>) {
        self.set(name, value.into(), true);
    }

    fn set(&mut self, name: &str, value: String, hidden: bool) {
        let placeholder = format!("<{name}>");
        self.0.retain(|variable| variable.placeholder != placeholder);
        self.0.push(Variable { placeholder, value, hidden });
    }

    /// A text with all known variables filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        fill(text, self.0.iter())
    }

    /// A text as answers are shown: with the values that both servers share.
    pub(crate) fn fill_shared(&self, text: &str) -> String {
        fill(text, self.0.iter().filter(|variable| !variable.hidden))
    }

    /// A JSON value with all known variables filled into its strings.
    pub(crate) fn fill_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(elements) => elements.iter().map(|element| self.fill_json(element)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.fill_json(member))).collect()
            }
            other => other.clone(),
        }
    }

    /// The placeholder of a value that is this server's own.
    pub(crate) fn name_of(&self, value: &str) -> Option<&str> {
        let variable = self.0.iter().find(|variable| variable.hidden && variable.value == value)?;
        Some(&variable.placeholder)
    }
}

fn fill<'a>(text: &str, variables: impl Iterator<Item = &'a Variable>) -> String {
    variables.fold(text.to_owned(), |filled, Variable { placeholder, value, .. }| {
        filled.replace(placeholder, value)
    })
}
