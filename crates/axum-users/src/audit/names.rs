//! Closed lists of names, as they are logged and stored.

/// An enum of names. What a newer version has written is `Unknown`.
macro_rules! names {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident => $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$doc])* #[doc = concat!("\n\n`", $name, "`")] $variant,)+
            /// Written by a newer version.
            Unknown,
        }

        impl $type {
            /// All that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, in snake case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown => "unknown",
                }
            }

            /// What has this name.
            pub fn parse(name: &str) -> Self {
                Self::ALL.iter().copied().find(|known| known.as_str() == name).unwrap_or(Self::Unknown)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(super) use names;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::{AuditAct, AuditChange, AuditReason};

    /// A name is stored in columns of 50 characters, several changes in one of 200.
    #[test]
    fn names_are_short_distinct_and_read_back() {
        fn check<T: Copy + PartialEq + std::fmt::Debug>(
            all: &[T],
            name: impl Fn(T) -> &'static str,
            parse: impl Fn(&str) -> T,
        ) {
            let names: HashSet<&str> = all.iter().map(|known| name(*known)).collect();
            assert_eq!(names.len(), all.len());
            for known in all {
                let name = name(*known);
                assert!(
                    name.len() <= 50 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                );
                assert_eq!(parse(name), *known);
            }
        }
        check(AuditAct::ALL, AuditAct::as_str, AuditAct::parse);
        check(AuditReason::ALL, AuditReason::as_str, AuditReason::parse);
        check(AuditChange::ALL, AuditChange::as_str, AuditChange::parse);
        assert_eq!(AuditAct::parse("of_a_newer_version"), AuditAct::Unknown);
        let all: Vec<&str> = AuditChange::ALL.iter().map(|change| change.as_str()).collect();
        assert!(all.join(",").len() <= 200);
    }
}
