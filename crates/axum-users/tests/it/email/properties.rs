//! Properties of the e-mail normaliser on arbitrary text.

use axum_users::email::{EmailRules, fold, normalize};
use proptest::prelude::*;

/// Text near the edge: every character that means something in an address or to Unicode.
fn near_addresses() -> impl Strategy<Value = String> {
    let alphabet: Vec<char> =
        "aAbKkſßéÉΣς中אب١①Ⅷ❤💩.-_@@<>\"\\ ,;:()[]%!?=xn--\t\r\n\0\u{301}\u{338}\u{200b}\u{200d}\u{202e}\
        \u{feff}\u{a0}\u{37e}\u{212a}\u{2028}\u{e000}＠﹫。．ａ·"
            .chars()
            .collect();
    let text = |most| {
        proptest::collection::vec(prop::sample::select(alphabet.clone()), 0..most).prop_map(String::from_iter)
    };
    prop_oneof![
        text(24),
        (text(4), text(4), text(4))
            .prop_map(|(name, local, domain)| format!("{name}b{local}@c{domain}d.org")),
        (text(4), text(4)).prop_map(|(name, local)| format!("{name} <{local}a@x.org>")),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), near_addresses(), addresses()]
}

/// Addresses that are accepted.
fn addresses() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_+-]{1,12}(\\.[A-Za-z0-9]{1,8}){0,2}@([a-zA-ZéÉü中]{1,8}\\.){1,3}(org|DE|рф)"
}

fn all_rules() -> impl Strategy<Value = EmailRules> {
    any::<[bool; 4]>().prop_map(|[display_name, unicode_local_part, routing_characters, long_local_part]| {
        EmailRules { display_name, unicode_local_part, routing_characters, long_local_part }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_accepted_is_one_address_without_anything_invisible(input in any_text(), rules in all_rules()) {
        if let Ok(address) = normalize(&input, &rules) {
            prop_assert!(!address.contains(|c: char| c.is_whitespace() || c.is_control()), "{:?}", address);
            prop_assert_eq!(address.matches('@').count(), 1, "{:?}", address);
            prop_assert!(address.len() <= 254);
            prop_assert!(!address.contains(['<', '>', ',', ';', '"', '\\', '(', ')']), "{:?}", address);
        }
    }

    #[test]
    fn normalisation_is_idempotent(input in any_text(), rules in all_rules()) {
        if let Ok(address) = normalize(&input, &rules) {
            prop_assert_eq!(normalize(&address, &rules), Ok(address.clone()));
        }
    }

    #[test]
    fn secure_rules_accept_no_more_than_fastapi_users(input in any_text()) {
        if let Ok(address) = normalize(&input, &EmailRules::secure()) {
            prop_assert_eq!(normalize(&input, &EmailRules::fastapi_users()), Ok(address.clone()));
            let (local, _) = address.split_once('@').unwrap();
            prop_assert!(local.is_ascii() && local.len() <= 64);
        }
    }

    #[test]
    fn plain_addresses_are_accepted_under_all_rules(input in addresses(), rules in all_rules()) {
        prop_assert!(normalize(&input, &rules).is_ok(), "{:?}", normalize(&input, &rules));
    }

    #[test]
    fn case_variants_fold_to_one_key(input in addresses(), upper in any::<[bool; 32]>()) {
        let flip = |(c, upper): (char, bool)| {
            if upper { c.to_uppercase().to_string() } else { c.to_lowercase().to_string() }
        };
        let variant: String = input.chars().zip(upper.into_iter().cycle()).map(flip).collect();
        let key = |address: &str| fold(&normalize(address, &EmailRules::secure()).unwrap());
        prop_assert_eq!(key(&input), key(&variant));
    }

    #[test]
    fn folding_twice_changes_nothing(input in any_text()) {
        prop_assert_eq!(fold(&fold(&input)), fold(&input));
    }
}
