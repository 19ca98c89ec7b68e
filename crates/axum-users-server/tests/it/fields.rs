use serde_json::json;

use crate::support::{KING, PASSWORD, Running, answer};

const FIELDS: &str = r#"
id_type = "integer"
[[fields]]
name = "first_name"
kind = "text"
required = true
[[fields]]
name = "age"
kind = "i32"
[[fields]]
name = "credit"
kind = "i64"
access = "read-only"
[[fields]]
name = "note"
kind = "text"
access = "private"
"#;

#[tokio::test]
async fn configured_fields_are_part_of_the_routes() {
    let running = Running::start(FIELDS);
    let body = json!({"email": KING, "password": PASSWORD, "first_name": "Arthur", "age": 40, "credit": 7, "note": "x"});
    let (status, user) = answer(running.post("/auth/register").json(&body)).await;
    assert_eq!(status, 201, "{user}");
    assert_eq!(user["id"], 1);
    assert_eq!((&user["first_name"], &user["age"]), (&json!("Arthur"), &json!(40)));
    assert_eq!((user.get("credit"), user.get("note")), (Some(&json!(null)), None));

    let missing =
        answer(running.post("/auth/register").json(&json!({"email": "a@camelot.bt", "password": PASSWORD})))
            .await;
    assert_eq!((missing.0.as_u16(), &missing.1["detail"][0]["loc"]), (422, &json!(["body", "first_name"])));

    let token = running.token(KING, PASSWORD).await;
    let change = |body| answer(running.patch("/users/me").bearer_auth(&token).json(&body));
    assert_eq!(change(json!({"age": null, "credit": 9})).await.1["age"], json!(null));
    assert_eq!(running.me(&token).await.1["credit"], json!(null));
    assert_eq!(change(json!({"age": "old"})).await.0, 422);
    assert_eq!(change(json!({"first_name": null})).await.0, 422);

    let created = running.command(
        &[
            "user",
            "create",
            "merlin@camelot.bt",
            "--password-stdin",
            "--json",
            "--field",
            "first_name=Merlin",
            "--field",
            "credit=5",
        ],
        "guinevere1\n",
    );
    let merlin: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    assert_eq!((&merlin["id"], &merlin["credit"]), (&json!(2), &json!(5)));
    let document = answer(running.get("/openapi.json")).await.1;
    let properties = &document["components"]["schemas"]["UserRead"]["properties"];
    assert_eq!(properties["id"]["type"], "integer", "{properties}");
    assert!(properties.get("credit").is_some() && properties.get("note").is_none(), "{properties}");
}
