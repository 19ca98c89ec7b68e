//! What `EmailRules::secure()` must refuse, and that what it accepts is one plain, deliverable address.

use axum_users::email::{EmailError, EmailRules, fold, normalize};

fn secure(address: &str) -> Result<String, EmailError> {
    normalize(address, &EmailRules::secure())
}

fn reason(address: &str) -> String {
    secure(address).map_or_else(|error| error.to_string(), |accepted| format!("accepted as {accepted}"))
}

#[track_caller]
fn assert_refused(addresses: &[&str]) {
    for address in addresses {
        assert!(secure(address).is_err(), "{address:?} was accepted");
    }
}

#[test]
fn reg_6_lists_and_several_at_signs_are_refused() {
    assert_refused(&[
        "a@e.org,b@x",
        "a@e.org,b@x.org",
        "a@e.org, b@x.org",
        "a@e.org;b@x.org",
        "a@e.org b@x.org",
        "a,b@x.org",
        "a@b@x.org",
        "a@@x.org",
        "<a@e.org>,<b@x.org>",
        "<a@e.org> <b@x.org>",
        "a@e.org <b@x.org>",
    ]);
}

#[test]
fn reg_6_quoted_local_parts_comments_and_literals_are_refused() {
    assert_refused(&[
        r#""a@evil.org"@x.org"#,
        r#""a"@x.org"#,
        r#""a\"b"@x.org"#,
        r#"a."b"@x.org"#,
        "a(comment)@x.org",
        "(comment)a@x.org",
        "a@x.org(comment)",
        "a@(comment)x.org",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
    ]);
}

#[test]
fn reg_6_display_names_are_refused() {
    let expected = "A display name and angle brackets around the email address are not permitted here.";
    for address in ["Bob <a@x.org>", "\"Bob\" <a@x.org>", "<a@x.org>"] {
        assert_eq!(reason(address), expected, "{address}");
    }
    assert_refused(&["Bob <a@x>", "Bob, x <a@x.org>", "<<a@x.org>>", "Bob <a@x.org"]);
}

#[test]
fn reg_6_routes_and_encoded_words_are_refused() {
    assert_refused(&[
        "a%b@x",
        "=?utf-8?q?a=40evil.org=3e=00?=@x",
        "=?utf-8?q?a=40evil.org=3e=00?=@x.org",
        "@relay.org:a@x.org",
        "<@relay.org:a@x.org>",
        "a:b@x.org",
    ]);
    let expected = "The email address contains invalid characters before the @-sign: ";
    assert_eq!(reason("a%evil.org@x.org"), format!("{expected}'%'."));
    assert_eq!(reason("evil.org!a@x.org"), format!("{expected}'!'."));
}

#[test]
fn reg_6_line_breaks_are_refused_even_at_the_ends() {
    let expected = "Carriage return and line feed characters are not allowed";
    for address in ["a@e.org\r\nBcc: b@x", "a@x.org\n", "\ra@x.org", "a\n@x.org", "a@x.org\r\n.\r\nDATA"] {
        assert_eq!(reason(address), expected, "{address:?}");
    }
}

#[test]
fn reg_6_look_alikes_are_refused_or_normalised_before_validation() {
    assert_refused(&[
        "x＠y",
        "x＠y.org",
        "x﹫y.org",
        "a@x.org＠y.org",
        "a\u{37e}b@x.org",
        "ａ@x.org",
        "\u{212a}@x.org",
        "mıke@x.org",
    ]);
    assert_refused(&[
        "a@ｌｏｃａｌｈｏｓｔ",
        "a@x.ｔｅｓｔ",
        "a@ｘ．ｌｏｃａｌ",
        "a@１２７.０.０.１",
        "a@x⁄y.org",
        "a@a⁈b.org",
        "a@⒈x.org",
    ]);
    assert_eq!(secure("a@ｅｘａｍｐｌｅ．ｏｒｇ").unwrap(), "a@example.org");
}

#[test]
fn reg_11_control_and_format_characters_are_refused() {
    let characters = "\
        \0\u{1}\t\u{1b}\u{7f}\u{80}\u{9f}\u{a0}\u{ad}\
        \u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\
        \u{2028}\u{2029}\u{2060}\u{2066}\u{2069}\u{fdd0}\u{feff}\
        \u{fffd}\u{ffff}\u{e000}\u{e0001}\u{e0041}\u{e007f}\u{10ffff}";
    for c in characters.chars() {
        for address in [
            format!("a{c}b@x.org"),
            format!("a@x{c}y.org"),
            format!("a@x.org{c}.org"),
            format!("{c}.a@x.org"),
        ] {
            assert!(secure(&address).is_err(), "{address:?} was accepted");
        }
    }
    assert_eq!(
        reason("\u{feff}a@x.org"),
        "Internationalized characters before the @-sign are not supported: ZERO WIDTH NO-BREAK SPACE."
    );
    assert_eq!(
        reason("a@x\u{202e}y.org"),
        "The email address contains unsafe characters: RIGHT-TO-LEFT OVERRIDE."
    );
    assert_eq!(
        reason("a\0@x.org"),
        "The email address contains invalid characters before the @-sign: U+0000."
    );
}

#[test]
fn reg_11_punycode_cannot_smuggle_what_unicode_cannot() {
    // A joiner, a symbol, an upper-case letter, a decomposed one, hyphens in the third and fourth place.
    assert_refused(&[
        "a@xn--11b2ezcw70k.org",
        "a@xn--qei.org",
        "a@xn--dca.org",
        "a@xn--e-xbb.org",
        "a@xn--ab---epa.org",
    ]);
    // Punycode of ASCII, and a second spelling of the same label.
    assert_refused(&["a@xn--example-.org", "a@xn---bbk.org", "a@xn--.org"]);
}

#[test]
fn local_part_has_at_most_64_ascii_octets() {
    let longest = format!("{}@x.org", "a".repeat(64));
    assert_eq!(secure(&longest).unwrap(), longest);
    assert_eq!(
        reason(&format!("a{longest}")),
        "The email address is too long before the @-sign (1 character too many)."
    );
    assert_eq!(reason("ä@x.org"), "Internationalized characters before the @-sign are not supported: 'ä'.");
}

#[test]
fn address_has_at_most_254_octets_in_every_form() {
    let domain = |last: usize| format!("{0}.{0}.{0}.{1}.org", "b".repeat(60), "c".repeat(last));
    let local = "a".repeat(20);
    assert!(secure(&format!("{local}@{}", domain(46))).is_ok());
    assert_eq!(
        reason(&format!("{local}@{}", domain(47))),
        "The email address is too long (1 character too many)."
    );
    assert!(reason(&format!("{}@{}.org", "a".repeat(64), ["中文"; 18].join("."))).contains("IDNA ASCII"));
}

#[test]
fn domain_is_stored_in_its_unicode_form() {
    for address in ["a@xn--mnchen-3ya.de", "a@XN--MNCHEN-3YA.DE", "a@MÜNCHEN.de", "a@mu\u{308}nchen.de"] {
        for rules in [EmailRules::secure(), EmailRules::fastapi_users()] {
            assert_eq!(normalize(address, &rules).unwrap(), "a@münchen.de", "{address}");
        }
    }
}

#[test]
fn case_of_the_local_part_is_kept_and_folded_for_comparison() {
    assert_eq!(secure(" King.Arthur@CAMELOT.bt\t").unwrap(), "King.Arthur@camelot.bt");
    assert_eq!(secure("PostMaster@camelot.bt").unwrap(), "postmaster@camelot.bt");
    assert_eq!(normalize("MAR\u{212a}ETING@x.org", &EmailRules::fastapi_users()).unwrap(), "marketing@x.org");
    assert_eq!(fold("King.Arthur@camelot.bt"), "king.arthur@camelot.bt");
    assert_eq!(fold("ÜΣ@x.org"), "üσ@x.org");
    assert_ne!(fold("ü@x.org"), fold("u@x.org"));
}
