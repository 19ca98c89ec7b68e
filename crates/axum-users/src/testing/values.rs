//! What a column can hold: every type, every script, long texts, moments of any time zone.

use serde_json::json;
use time::macros::{date, datetime, offset};
use uuid::Uuid;

use super::{
    Sample, Subject,
    sample::{KING, new_user},
    users::assert_same,
};
use crate::{Changes, Date, Json, PasswordHash, StoreError, Timestamp, UserId, UserStore, value::Fields};

pub async fn values_of_every_type_are_kept<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let least = Sample {
        flag: false,
        small: i32::MIN,
        large: i64::MIN,
        ratio: f64::MIN,
        bytes: Vec::new(),
        reference: Uuid::nil(),
        day: Date(date!(0001 - 01 - 01)),
        moment: Timestamp(datetime!(1970-01-02 00:00 UTC)),
        document: Json(json!([])),
        ..Sample::default()
    };
    let most = Sample {
        small: i32::MAX,
        large: i64::MAX,
        ratio: f64::MAX,
        bytes: (0..=255).collect(),
        reference: Uuid::max(),
        day: Date(date!(9999 - 12 - 31)),
        document: Json(json!({"ключ": {"🐉": [true, null, -1, 0.5, ""]}, "$where": {"a.b": "'\"\\"}})),
        no_flag: Some(false),
        no_large: Some(-1),
        no_ratio: Some(5e-324),
        no_title: Some(String::new()),
        no_bytes: Some(vec![0]),
        no_reference: Some(Uuid::from_u128(1)),
        no_day: Some(Date(date!(2000 - 02 - 29))),
        no_moment: Some(Timestamp(datetime!(1969-12-31 23:59:59.5 UTC))),
        no_document: Some(Json(json!("text"))),
        ..Sample::default()
    };
    for (number, profile) in [Sample::default(), least, most].into_iter().enumerate() {
        let mut new = new_user::<I>(&format!("knight{number}@camelot.bt"));
        new.profile = profile.clone();
        let user = store.insert(new).await.unwrap();
        assert_eq!(user.profile, profile);
        assert_same(store.get(&user.id).await.unwrap(), &user);
    }
}

/// The same statement with a value where there was none, and the other way round.
pub async fn values_change_and_become_null<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let mut expected = store.insert(new_user::<I>(KING)).await.unwrap();
    let mut filled = Fields::default();
    filled.push("bytes", vec![1_u8]);
    filled.push("document", Json(json!({"new": true})));
    filled.push("no_flag", Some(true));
    filled.push("no_large", Some(i64::MIN));
    filled.push("no_ratio", Some(-0.5));
    filled.push("no_title", Some("Emperor".to_owned()));
    filled.push("no_bytes", Some(Vec::<u8>::new()));
    filled.push("no_reference", Some(Uuid::max()));
    filled.push("no_day", Some(Date(date!(2026 - 02 - 28))));
    filled.push("no_moment", Some(Timestamp(datetime!(2026-02-28 12:00 UTC))));
    filled.push("no_document", Some(Json(json!({"deep": [{"er": null}]}))));
    let mut emptied = Fields::default();
    emptied.push("no_flag", None::<bool>);
    emptied.push("no_large", None::<i64>);
    emptied.push("no_ratio", None::<f64>);
    emptied.push("no_title", None::<String>);
    emptied.push("no_bytes", None::<Vec<u8>>);
    emptied.push("no_reference", None::<Uuid>);
    emptied.push("no_day", None::<Date>);
    emptied.push("no_moment", None::<Timestamp>);
    emptied.push("no_document", None::<Json<serde_json::Value>>);
    for profile in [filled.clone(), emptied, filled] {
        let changes = Changes { profile, ..Changes::default() };
        changes.apply(&mut expected).unwrap();
        assert_same(store.update(&expected.id, &changes).await.unwrap(), &expected);
        assert_same(store.get(&expected.id).await.unwrap(), &expected);
    }
}

pub async fn texts_of_any_script_survive<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let store = subject.store;
    let texts =
        ["", " ", "🐉👑", "München", "e\u{301}", "'\"`; --", "\u{202e}rtl", "日本語\n\t\r\n", "\\0 %_"];
    for (number, text) in texts.into_iter().enumerate() {
        let mut new = new_user::<I>(&format!("knight{number}@münchen.de"));
        new.profile.title = text.to_owned();
        new.hashed_password = PasswordHash::new(text);
        let user = store.insert(new).await.unwrap();
        let found = store.get_by_email(&format!("KNIGHT{number}@münchen.de")).await.unwrap().unwrap();
        assert_eq!((found.profile.title.as_str(), found.hashed_password.as_str()), (text, text));
        let twice = PasswordHash::new(format!("{text}{text}"));
        let changes = Changes { hashed_password: Some(twice.clone()), ..Changes::default() };
        assert_eq!(store.update(&user.id, &changes).await.unwrap().unwrap().hashed_password, twice);
    }
}

/// PostgreSQL has no such texts. A store keeps one as it is, or refuses it and writes nothing.
pub async fn text_with_nul_is_kept_or_refused<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    kept_or_refused(&subject, "nul\0inside").await;
}

/// The contract's columns hold 320 and 1,024 characters, a profile's text has no limit.
pub async fn long_texts_are_kept_or_refused<I: UserId, S: UserStore<Sample<I>>>(subject: Subject<I, S>) {
    let mut new = new_user::<I>(&format!("{}@camelot.bt", "ü".repeat(320 - 11)));
    new.hashed_password = PasswordHash::new("€".repeat(1024));
    let user = subject.store.insert(new).await.unwrap();
    assert_same(subject.store.get_by_email(&user.email).await.unwrap(), &user);
    kept_or_refused(&subject, &"🐉".repeat(100_000)).await;
}

async fn kept_or_refused<I: UserId, S: UserStore<Sample<I>>>(subject: &Subject<I, S>, title: &str) {
    let store = &subject.store;
    let mut new = new_user::<I>(KING);
    new.profile.title = title.to_owned();
    match store.insert(new).await {
        Ok(user) => assert_eq!(store.get(&user.id).await.unwrap().unwrap().profile.title, title),
        Err(error) => {
            assert!(matches!(error, StoreError::Backend(_)), "{error}");
            assert!(store.get_by_email(KING).await.unwrap().is_none());
            store.insert(new_user(KING)).await.unwrap();
        }
    }
}

pub async fn moments_are_kept_whatever_their_time_zone<I: UserId, S: UserStore<Sample<I>>>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    let moments = [
        datetime!(2026-02-28 12:00 UTC) + subject.limits.timestamp,
        datetime!(2026-03-29 02:30:00.999 UTC).to_offset(offset!(+9)),
        datetime!(2026-10-25 02:30 UTC).to_offset(offset!(-11:30)),
        datetime!(2038-01-19 03:14:08 UTC),
        datetime!(1900-01-01 00:00 UTC),
        datetime!(2500-01-01 00:00 UTC),
    ];
    for (number, moment) in moments.into_iter().enumerate() {
        let mut new = new_user::<I>(&format!("knight{number}@camelot.bt"));
        new.profile.moment = Timestamp(moment);
        new.profile.no_moment = Some(Timestamp(moment));
        let user = store.insert(new).await.unwrap();
        assert_eq!((user.profile.moment.0, user.profile.no_moment.unwrap().0), (moment, moment));
        assert_eq!(store.get(&user.id).await.unwrap().unwrap().profile.moment.0, moment);
    }
}
