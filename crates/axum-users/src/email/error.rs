//! Why an address is refused.

use std::net::AddrParseError;

use super::LabelError;

/// Why an address is refused. Its display is email-validator's reason, word for word; no variant knows more
/// of the address than the reason shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// The input is not worth looking at.
    #[error("Length must not exceed 2048 characters")]
    InputTooLong,
    /// A line break, which could start another header or SMTP command.
    #[error("Carriage return and line feed characters are not allowed")]
    LineBreak,

    /// No @-sign outside quotes.
    #[error("An email address must have an @-sign.")]
    MissingAtSign,
    /// U+FF20 where the @-sign should be.
    #[error("The email address has the \"full-width\" at-sign (@) character instead of a regular at-sign.")]
    FullWidthAtSign,
    /// U+FE6B where the @-sign should be.
    #[error("The email address has the \"small commercial at\" character instead of a regular at-sign.")]
    SmallAtSign,
    /// Text between a closing quote and the @-sign.
    #[error("Extra character(s) found after close quote: {characters}")]
    TextAfterQuote {
        /// The characters as shown.
        characters: String,
    },
    /// A display name that needs quotes.
    #[error("The display name contains invalid characters when not quoted: {characters}.")]
    DisplayNameCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// `<` without `>`.
    #[error(
        "An open angle bracket at the start of the email address has to be followed by a close angle bracket at the end."
    )]
    UnclosedAngleBracket,
    /// Text after `>`.
    #[error("There can't be anything after the email address.")]
    TextAfterAddress,
    /// The rules accept no display name and no angle brackets.
    #[error("A display name and angle brackets around the email address are not permitted here.")]
    DisplayName,
    /// Control, format, unassigned or other characters nobody can see.
    #[error("The email address contains unsafe characters: {characters}.")]
    UnsafeCharacters {
        /// The characters as shown.
        characters: String,
    },

    /// Nothing before the @-sign.
    #[error("There must be something before the @-sign.")]
    EmptyLocalPart,
    /// The rules accept 64 octets before the @-sign.
    #[error("The email address is too long before the @-sign ({characters} character{} too many).", plural(*characters))]
    LocalPartTooLong {
        /// How many are too many.
        characters: usize,
    },
    /// The rules accept ASCII before the @-sign.
    #[error("Internationalized characters before the @-sign are not supported: {characters}.")]
    UnicodeLocalPart {
        /// The characters as shown.
        characters: String,
    },
    /// Characters that are not allowed even in quotes.
    #[error("The email address contains invalid characters in quotes before the @-sign: {characters}.")]
    QuotedCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// Characters that are not allowed before the @-sign.
    #[error("The email address contains invalid characters before the @-sign: {characters}.")]
    LocalPartCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// A period in front.
    #[error("An email address cannot start with a period.")]
    StartsWithPeriod,
    /// A period in front of the @-sign.
    #[error("An email address cannot have a period immediately before the @-sign.")]
    PeriodBeforeAtSign,
    /// Two periods in a row, on either side of the @-sign.
    #[error("An email address cannot have two periods in a row.")]
    TwoPeriods,
    /// Unicode normalisation made the local part invalid.
    #[error("After Unicode normalization: {0}")]
    AfterNormalization(Box<EmailError>),
    /// A local part in quotes.
    #[error("Quoting the part before the @-sign is not allowed here.")]
    QuotedLocalPart,

    /// Nothing after the @-sign.
    #[error("There must be something after the @-sign.")]
    EmptyDomain,
    /// An IP address instead of a domain name.
    #[error("A bracketed IP address after the @-sign is not allowed here.")]
    AddressLiteral,
    /// Brackets around what is no IPv4 address.
    #[error(
        "The address in brackets after the @-sign is not valid: It is not an IPv4 address ({0}) or is missing an address literal tag."
    )]
    Ipv4Literal(AddrParseError),
    /// Brackets around what is no IPv6 address.
    #[error("The IPv6 address in brackets after the @-sign is not valid ({0}).")]
    Ipv6Literal(AddrParseError),
    /// Brackets around what is no address at all.
    #[error("The part after the @-sign in brackets is not an IPv4 address and has no address literal tag.")]
    UntaggedLiteral,
    /// Characters that are not allowed in brackets.
    #[error("The part after the @-sign contains invalid characters in brackets: {characters}.")]
    LiteralCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// Brackets around an address of an unknown kind.
    #[error("The part after the @-sign contains an invalid address literal tag in brackets.")]
    LiteralTag,
    /// Characters that are not allowed after the @-sign.
    #[error("The part after the @-sign contains invalid characters: {characters}.")]
    DomainCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// A character that has no place in a domain name.
    #[error("The part after the @-sign contains invalid characters ({0}).")]
    UnmappableDomain(LabelError),
    /// Characters that turn into others which are not allowed after the @-sign.
    #[error(
        "The part after the @-sign contains invalid characters after Unicode normalization: {characters}."
    )]
    MappedDomainCharacters {
        /// The characters as shown.
        characters: String,
    },
    /// A period or hyphen at the end.
    #[error("An email address cannot end with a {with}.")]
    EndsWith {
        /// `period` or `hyphen`.
        with: &'static str,
    },
    /// A period or hyphen after the @-sign.
    #[error("An email address cannot have a {with} immediately after the @-sign.")]
    StartsAfterAtSign {
        /// `period` or `hyphen`.
        with: &'static str,
    },
    /// A label that starts or ends with a hyphen.
    #[error("An email address cannot have a period and a hyphen next to each other.")]
    PeriodNextToHyphen,
    /// A label of a reserved form, such as `ab--c`.
    #[error(
        "An email address cannot have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode."
    )]
    ReservedLabel,
    /// An internationalised domain name that is not valid.
    #[error("The part after the @-sign is invalid ({0}).")]
    InvalidDomain(LabelError),
    /// A domain name that looks like Punycode and is not.
    #[error("The part after the @-sign is not valid IDNA ({0}).")]
    NotIdna(LabelError),
    /// More than 253 octets after the @-sign.
    #[error("The email address is too long after the @-sign ({characters} character{} too many).", plural(*characters))]
    DomainTooLong {
        /// How many are too many.
        characters: usize,
    },
    /// More than 253 octets after the @-sign when written in ASCII.
    #[error(
        "The email address is too long after the @-sign ({octets} byte{} too many after IDNA encoding).",
        plural(*octets)
    )]
    EncodedDomainTooLong {
        /// How many are too many.
        octets: usize,
    },
    /// A label of more than 63 octets.
    #[error(
        "After the @-sign, periods cannot be separated by so many characters ({characters} character{} too many).",
        plural(*characters)
    )]
    LabelTooLong {
        /// How many are too many.
        characters: usize,
    },
    /// A domain name of one label.
    #[error("The part after the @-sign is not valid. It should have a period.")]
    NoPeriod,
    /// A last label that does not end with a letter.
    #[error("The part after the @-sign is not valid. It is not within a valid top-level domain.")]
    NoTopLevelDomain,
    /// A name that is never a public mail domain.
    #[error("The part after the @-sign is a special-use or reserved name that cannot be used with email.")]
    SpecialUseDomain,

    /// More than 254 octets as given.
    #[error("The email address is too long ({} too many).", between(*least, *most))]
    TooLong {
        /// How many characters are too many at least.
        least: usize,
        /// How many characters are too many at most.
        most: usize,
    },
    /// More than 254 octets after normalisation.
    #[error("The email address is too long after normalization ({octets} byte{} too many).", plural(*octets))]
    TooLongNormalized {
        /// How many are too many.
        octets: usize,
    },
    /// More than 254 octets with the domain name in ASCII.
    #[error(
        "The email address is too long when the part after the @-sign is converted to IDNA ASCII ({octets} byte{} too many).",
        plural(*octets)
    )]
    TooLongInAscii {
        /// How many are too many.
        octets: usize,
    },
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn between(least: usize, most: usize) -> String {
    let plural = plural(most);
    if least == most {
        format!("{most} character{plural}")
    } else {
        format!("{least}-{most} character{plural}")
    }
}
