//! F-23: what a request costs does not grow with the number of users. A private PostgreSQL explains every statement that
//! the store sends; pages touched are counted, since they do not depend on how busy the machine is.

use std::time::{Duration, Instant};

use axum_users::{
    AuditAct, AuditFilter, AuditStore, Changes, NoProfile, OAuthStore, SqlOptions, SqlStore, TokenStore,
    UserStore,
};
use axum_users_testkit::Postgres;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// How many users there are in the end; `TEST_GROWTH_USERS` says otherwise. They are compared with a tenth of them.
const USERS: u32 = 1_000_000;

/// How often each act is done, for users from all over the table: from the sixth time on PostgreSQL may use a plan that
/// holds for all values.
const TIMES: usize = 10;

/// The most that the pages of an act may become for ten times the users: an index is one page deeper.
const GROWTH: u64 = 3;

const SETTINGS: &str = "
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_buffers = on
auto_explain.log_timing = off
auto_explain.log_format = json
log_line_prefix = ''
autovacuum = off
fsync = off
shared_buffers = 256MB
maintenance_work_mem = 128MB
";

/// For users, tokens, accounts, revoked tokens and events with these numbers.
const LOAD: &str = r#"
INSERT INTO "user" (id, email, hashed_password, is_active, is_superuser, is_verified)
    SELECT md5('user' || n)::uuid, 'Knight' || n || '@camelot.bt', rpad('$argon2id$v=19$m=19456,t=2,p=1$', 97, 'x'),
        true, false, false
    FROM generate_series(FIRST, LAST) n;
INSERT INTO accesstoken (user_id, token, created_at, expires_at)
    SELECT md5('user' || n)::uuid, rpad(md5('token' || n), 43, 'x'), now(), now() + interval '14 days'
    FROM generate_series(FIRST, LAST) n;
INSERT INTO oauth_account (id, user_id, oauth_name, account_id, account_email, access_token)
    SELECT md5('account' || n)::uuid, md5('user' || n)::uuid, 'google', 'Knight' || n || '@camelot.bt', 'x', 'x'
    FROM generate_series(FIRST, LAST) n;
INSERT INTO revoked_token (digest, expires_at)
    SELECT rpad(md5('revoked' || n), 43, 'x'), now() + interval '1 hour'
    FROM generate_series(FIRST, LAST) n WHERE n % 10 = 0;
INSERT INTO axum_users_event (id, happened_at, act, user_id)
    SELECT (lpad(to_hex(n), 12, '0') || '70008000' || lpad('', 12, '0'))::uuid, to_timestamp(n / 1000.0), 'login',
        (md5('user' || n)::uuid)::text
    FROM generate_series(FIRST, LAST) n;
"#;

/// Those that refer to others first.
const TABLES: [&str; 5] = ["accesstoken", "oauth_account", "\"user\"", "revoked_token", "axum_users_event"];

#[derive(Clone, Copy, Debug)]
enum Act {
    UserByEmail,
    UserById,
    UserOfJwt,
    UserOfToken,
    UserOfYoungToken,
    UserOfAccount,
    AccountsOfUser,
    FirstPage,
    NextPage,
    LastPage,
    UpdateUser,
    RevokeJwt,
    RemoveToken,
    RemoveTokensOfUser,
    RemoveExpiredTokens,
    LatestEvents,
    EventsOfUser,
    LatestLogins,
    RemoveOldEvents,
    DeleteUser,
}

use Act::*;

const ACTS: [Act; 20] = [
    UserByEmail,
    UserById,
    UserOfJwt,
    UserOfToken,
    UserOfYoungToken,
    UserOfAccount,
    AccountsOfUser,
    FirstPage,
    NextPage,
    LastPage,
    UpdateUser,
    RevokeJwt,
    RemoveToken,
    RemoveTokensOfUser,
    RemoveExpiredTokens,
    LatestEvents,
    EventsOfUser,
    LatestLogins,
    RemoveOldEvents,
    DeleteUser,
];

/// A user somewhere in the table.
struct Sample {
    id: Uuid,
    email: String,
    token: String,
}

impl Act {
    /// How many statements it explains.
    const fn statements(self) -> usize {
        match self {
            RevokeJwt => 2,
            DeleteUser => 3,
            _ => 1,
        }
    }

    async fn run(self, store: &SqlStore, sample: &Sample) {
        let now = OffsetDateTime::now_utc();
        let page = 100;
        let found = match self {
            UserByEmail => store.get_by_email(&sample.email.to_uppercase()).await.unwrap().is_some(),
            UserById => store.get(&sample.id).await.unwrap().is_some(),
            UserOfJwt => store.get_unless_revoked(&sample.id, &sample.token).await.unwrap().is_some(),
            UserOfToken => store.find(&sample.token, None).await.unwrap().is_some(),
            UserOfYoungToken => {
                let since = now - Duration::from_secs(3600);
                store.find(&sample.token, Some(since)).await.unwrap().is_some()
            }
            UserOfAccount => store.get_by_account("google", &sample.email).await.unwrap().is_some(),
            AccountsOfUser => store.accounts(&sample.id).await.unwrap().len() == 1,
            FirstPage => UserStore::list(store, None, page).await.unwrap().len() == 100,
            NextPage => UserStore::list(store, Some(&sample.id), page).await.is_ok(),
            LastPage => UserStore::list(store, Some(&Uuid::max()), page).await.unwrap().is_empty(),
            UpdateUser => {
                let changes = Changes { is_verified: Some(true), ..Changes::default() };
                store.update(&sample.id, &changes).await.unwrap().is_some()
            }
            RevokeJwt => UserStore::<NoProfile>::revoke(store, &sample.token, now + Duration::from_secs(60))
                .await
                .unwrap(),
            RemoveToken => TokenStore::<NoProfile>::remove(store, &sample.token).await.unwrap(),
            RemoveTokensOfUser => TokenStore::<NoProfile>::remove_all(store, &sample.id).await.is_ok(),
            RemoveExpiredTokens => {
                TokenStore::<NoProfile>::remove_expired(store, now, 1000).await.unwrap() == 0
            }
            LatestEvents => events(store, AuditFilter::default()).await == 100,
            EventsOfUser => {
                let user = Some(sample.id.to_string());
                events(store, AuditFilter { user, ..AuditFilter::default() }).await == 1
            }
            LatestLogins => {
                let act = Some(AuditAct::Login);
                events(store, AuditFilter { act, ..AuditFilter::default() }).await == 100
            }
            RemoveOldEvents => store.remove_before(OffsetDateTime::UNIX_EPOCH, 1000).await.unwrap() == 0,
            DeleteUser => UserStore::<NoProfile>::delete(store, &sample.id).await.unwrap(),
        };
        assert!(found, "{self:?} of {}", sample.email);
    }
}

async fn events(store: &SqlStore, filter: AuditFilter) -> usize {
    AuditStore::list(store, &filter, None, 100).await.unwrap().len()
}

/// Pages touched, and ways of reading tables, of one statement.
#[derive(Debug)]
struct Plan {
    sql: String,
    pages: u64,
    scans: Vec<String>,
}

impl Plan {
    fn read(json: &str) -> Self {
        let explained: Value = serde_json::from_str(json).unwrap();
        let plan = &explained["Plan"];
        let blocks = |name: &str| plan[name].as_u64().unwrap();
        let mut scans = Vec::new();
        find_scans(plan, &mut scans);
        Self {
            sql: explained["Query Text"].as_str().unwrap().to_owned(),
            pages: blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"),
            scans,
        }
    }
}

fn find_scans(node: &Value, scans: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap();
    if kind.ends_with("Scan") {
        let of = node["Index Name"].as_str().or_else(|| node["Relation Name"].as_str()).unwrap_or_default();
        scans.push(format!("{kind} {of}"));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        find_scans(child, scans);
    }
}

/// The plans in a log: each line of one begins with a tab.
fn plans(log: &str) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if line.ends_with(" plan:") {
            let mut json = String::new();
            while let Some(part) = lines.next_if(|line| line.starts_with('\t')) {
                json += part;
            }
            plans.push(Plan::read(&json));
        }
    }
    plans
}

/// How the indexes and keys of the store's tables are dropped, those that others rest on last, and made again.
const KEYS: &str = "
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM (SELECT * FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'p')
    ORDER BY contype) keys
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace AND NOT indisprimary";

async fn execute(loader: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(loader).await.unwrap();
}

/// Loads users with these numbers. That is ten times as fast without indexes, so they are dropped and made again as the
/// store has made them.
async fn load(loader: &mut PgConnection, first: u32, last: u32) {
    let keys: Vec<(String, String)> = sqlx::query_as(KEYS).fetch_all(&mut *loader).await.unwrap();
    for (drop, _) in &keys {
        execute(loader, drop).await;
    }
    execute(loader, &LOAD.replace("FIRST", &first.to_string()).replace("LAST", &last.to_string())).await;
    for (_, make) in keys.iter().rev() {
        execute(loader, make).await;
    }
    for table in TABLES {
        execute(loader, &format!("VACUUM (ANALYZE) {table}")).await;
    }
}

/// One of each tenth of the users, and none that was one of fewer.
async fn samples(loader: &mut PgConnection, users: u32) -> Vec<Sample> {
    let mut samples = Vec::new();
    for tenth in 1..=TIMES {
        let email = format!("Knight{}@camelot.bt", users as usize * tenth / TIMES - tenth);
        let sql = "SELECT u.id, t.token FROM \"user\" u JOIN accesstoken t ON t.user_id = u.id \
                   WHERE lower(u.email) = lower($1)";
        let (id, token) = sqlx::query_as(sql).bind(&email).fetch_one(&mut *loader).await.unwrap();
        samples.push(Sample { id, email, token });
    }
    samples
}

/// The most pages that each act touches with so many users, and how it finds its rows.
async fn measure(postgres: &Postgres, store: &SqlStore, samples: &[Sample]) -> Vec<(u64, String)> {
    let mut figures = Vec::new();
    for act in ACTS {
        let before = postgres.log().unwrap().len();
        for sample in samples {
            act.run(store, sample).await;
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        let explained = loop {
            let log = postgres.log().unwrap();
            // The last line may be half written.
            let complete = log.rfind("\n\t}\n").map_or(0, |end| end + 4).max(before);
            let explained = plans(&log[before..complete]);
            if explained.len() >= act.statements() * samples.len() {
                break explained;
            }
            assert!(Instant::now() < deadline, "{act:?}: {} statements explained", explained.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(explained.len(), act.statements() * samples.len(), "{act:?}: {explained:#?}");
        for plan in &explained {
            let by_index = plan.scans.iter().all(|scan| !scan.starts_with("Seq"));
            assert!(by_index && !plan.sql.is_empty(), "{act:?} reads a whole table: {plan:#?}");
        }
        let pages = |of: &[Plan]| of.iter().map(|plan| plan.pages).sum::<u64>();
        let most = explained.chunks(act.statements()).map(pages).max().unwrap();
        let mut scans: Vec<String> = explained.into_iter().flat_map(|plan| plan.scans).collect();
        scans.sort();
        scans.dedup();
        figures.push((most, scans.join(", ")));
    }
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_23_ten_times_the_users_cost_no_more_pages() {
    let users = std::env::var("TEST_GROWTH_USERS").map_or(USERS, |users| users.parse().unwrap());
    let tenth = users / 10;
    let postgres = Postgres::start_with(SETTINGS, &[]).unwrap();
    let one = SqlOptions::new().max_connections(1);
    let store = SqlStore::<NoProfile>::open_with(&postgres.url(), &one).await.unwrap();
    let mut loader = PgConnection::connect(&postgres.url()).await.unwrap();
    execute(&mut loader, "SET auto_explain.log_min_duration = -1").await;
    // What is thrown away need not be written twice.
    for table in TABLES {
        execute(&mut loader, &format!("ALTER TABLE {table} SET UNLOGGED")).await;
    }

    load(&mut loader, 1, tenth).await;
    let fewer = samples(&mut loader, tenth).await;
    let small = measure(&postgres, &store, &fewer).await;
    load(&mut loader, tenth + 1, users).await;
    let more = samples(&mut loader, users).await;
    let large = measure(&postgres, &store, &more).await;

    let mut table = format!("{:<20}{tenth:>12}{users:>12}  users; pages touched at most, by\n", "");
    for (act, ((before, _), (after, scans))) in ACTS.iter().zip(small.iter().zip(&large)) {
        table += &format!("{:<20}{before:>12}{after:>12}  {scans}\n", format!("{act:?}"));
    }
    // Shown also where the output of tests that pass is kept back.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes());
    for (act, ((before, _), (after, _))) in ACTS.iter().zip(small.iter().zip(&large)) {
        assert!(*after <= before * GROWTH, "{act:?}: {before} pages, then {after}\n{table}");
    }
}
