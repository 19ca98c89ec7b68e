//! Audit events in SQL.
//!
//! The order of their ids is that of their times, so that the primary key serves for pages, for times and for removing.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{SqlStore, dialect::Dialect, driver::Values, many::for_many};
use crate::{
    AuditAct, AuditChange, AuditEvent, AuditFilter, AuditReason, AuditStore, Profile, StoreError, Timestamp,
    value::{ColumnError, Kind, Row, Value},
};

const COLUMNS: [(&str, Kind); 11] = [
    ("id", Kind::Uuid),
    ("happened_at", Kind::Timestamp),
    ("act", Kind::Text),
    ("user_id", Kind::Text),
    ("actor_id", Kind::Text),
    ("via", Kind::Text),
    ("reason", Kind::Text),
    ("changes", Kind::Text),
    ("address", Kind::Text),
    ("user_agent", Kind::Text),
    ("identifier", Kind::Text),
];

pub(super) struct AuditStatements {
    dialect: Dialect,
    kinds: [Kind; 11],
    select: String,
    /// For 1, 2, 4, … events: so that few different statements are prepared.
    record: Vec<Arc<str>>,
    remove: Arc<str>,
}

impl AuditStatements {
    pub(super) fn new(dialect: Dialect) -> Self {
        let kinds = COLUMNS.map(|(_, kind)| kind);
        let names = COLUMNS.map(|(name, _)| name).join(", ");
        let row = format!("({})", ["?"; COLUMNS.len()].join(", "));
        let record = |rows: usize| {
            let marks = vec![row.as_str(); rows].join(", ");
            let template =
                format!("INSERT INTO axum_users_event ({names}) VALUES {marks}{}", dialect.or_leave_event());
            Arc::from(dialect.statement(&template, &kinds.repeat(rows)))
        };
        Self {
            dialect,
            kinds,
            select: format!("SELECT {names} FROM axum_users_event"),
            record: for_many(record),
            remove: dialect.statement(dialect.remove_old_events(), &[Kind::Uuid, Kind::I64]).into(),
        }
    }

    /// Reads the events of a filter; there are few forms of it.
    fn list(&self, filter: &AuditFilter, after: Option<Uuid>) -> (Arc<str>, Values) {
        let (mut conditions, mut kinds, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let text = |text: &String| (Kind::Text, Value::Text(text.clone()));
        let id = |id| (Kind::Uuid, Value::Uuid(id));
        let act = filter.act.map(|act| (Kind::Text, Value::Text(act.as_str().to_owned())));
        for (condition, given) in [
            ("id < ?", vec![after.map(id)]),
            ("id >= ?", vec![filter.since.map(|time| id(AuditEvent::first_id(time)))]),
            ("act = ?", vec![act]),
            of_whom(filter, text),
        ] {
            let given: Vec<_> = given.into_iter().flatten().collect();
            if !given.is_empty() {
                conditions.push(condition);
            }
            for (kind, value) in given {
                kinds.push(kind);
                values.push(value);
            }
        }
        let which = conditions.join(" AND ");
        let which = if which.is_empty() { which } else { format!(" WHERE {which}") };
        kinds.push(Kind::I64);
        let template = format!("{}{which} ORDER BY id DESC LIMIT ?", self.select);
        (self.dialect.statement(&template, &kinds).into(), values)
    }
}

type Given = Vec<Option<(Kind, Value)>>;

fn of_whom(filter: &AuditFilter, text: impl Fn(&String) -> (Kind, Value)) -> (&'static str, Given) {
    let condition = match (&filter.user, &filter.identifier) {
        (Some(_), Some(_)) => "(user_id = ? OR identifier = ?)",
        (None, Some(_)) => "identifier = ?",
        _ => "user_id = ?",
    };
    (condition, vec![filter.user.as_ref().map(&text), filter.identifier.as_ref().map(&text)])
}

impl<P: Profile> AuditStore for SqlStore<P> {
    async fn record(&self, events: &[AuditEvent]) -> Result<(), StoreError> {
        let rows = events.iter().map(|event| row(event).to_vec()).collect();
        self.execute_all(&self.statements.events.record, rows).await.map(drop)
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let statements = &self.statements.events;
        let (sql, mut values) = statements.list(filter, after);
        values.push(Value::Integer(limit.into()));
        let rows = self.driver.fetch(&sql, values, &statements.kinds).await?;
        rows.into_iter().map(|row| Ok(event(row)?)).collect()
    }

    async fn remove_before(&self, time: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let values = vec![Value::Uuid(AuditEvent::first_id(time)), Value::Integer(limit.into())];
        self.execute(&self.statements.events.remove, values).await
    }
}

/// In the order of [`COLUMNS`].
fn row(event: &AuditEvent) -> [Value; 11] {
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    let changes: Vec<&str> = event.changes.iter().map(|change| change.as_str()).collect();
    [
        Value::Uuid(event.id),
        Value::Timestamp(event.time),
        Value::Text(event.act.as_str().to_owned()),
        text(event.user.clone()),
        text(event.actor.clone()),
        text(event.via.clone()),
        text(event.reason.map(|reason| reason.as_str().to_owned())),
        text((!changes.is_empty()).then(|| changes.join(","))),
        text(event.address.map(|address| address.to_string())),
        text(event.user_agent.clone()),
        text(event.identifier.clone()),
    ]
}

fn event(row: Values) -> Result<AuditEvent, ColumnError> {
    let mut row = Row::new(row);
    let id = row.read("id")?;
    let time = row.read::<Timestamp>("happened_at")?.0;
    let act = AuditAct::parse(&row.read::<String>("act")?);
    let mut text = |column| row.read::<Option<String>>(column);
    let (user, actor, via) = (text("user_id")?, text("actor_id")?, text("via")?);
    let reason = text("reason")?.map(|reason| AuditReason::parse(&reason));
    let changes = text("changes")?.unwrap_or_default();
    Ok(AuditEvent {
        id,
        time,
        act,
        user,
        actor,
        via,
        reason,
        changes: changes.split(',').filter(|name| !name.is_empty()).map(AuditChange::parse).collect(),
        address: text("address")?.and_then(|address| address.parse().ok()),
        user_agent: text("user_agent")?,
        identifier: text("identifier")?,
    })
}
