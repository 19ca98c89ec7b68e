use super::{Limits, Sample};
use crate::{AuditStore, JobStore, LimitStore, OAuthStore, TokenStore, UserId, UserStore};

/// Makes a test of every case for a store that keeps users and tokens. Its arguments: the name of a module, the type
/// of ids, an expression that makes an empty store, in which `await` is allowed, and, if the store has any, its
/// [`Limits`](crate::testing::Limits).
#[macro_export]
macro_rules! store_tests {
    ($module:ident, $id:ty, $open:expr) => {
        $crate::store_tests!($module, $id, $open, $crate::testing::Limits::default());
    };
    ($module:ident, $id:ty, $open:expr, $limits:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_users!(__case_tests [of_users, $id, $open, $limits]);
            $crate::__cases_of_tokens!(__case_tests [of_users, $id, $open, $limits]);
            $crate::__cases_of_sessions!(__case_tests [of_users, $id, $open, $limits]);
        }
    };
}

/// Makes a test of every case for a store that keeps users and no tokens. The arguments are those of
/// [`store_tests!`](crate::testing::store_tests).
#[macro_export]
macro_rules! user_store_tests {
    ($module:ident, $id:ty, $open:expr) => {
        $crate::user_store_tests!($module, $id, $open, $crate::testing::Limits::default());
    };
    ($module:ident, $id:ty, $open:expr, $limits:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_users!(__case_tests [of_users, $id, $open, $limits]);
        }
    };
}

/// Makes a test of every case for a store that keeps tokens only, and to which every id is a user. The arguments are
/// those of [`store_tests!`](crate::testing::store_tests).
#[macro_export]
macro_rules! token_store_tests {
    ($module:ident, $id:ty, $open:expr) => {
        $crate::token_store_tests!($module, $id, $open, $crate::testing::Limits::default());
    };
    ($module:ident, $id:ty, $open:expr, $limits:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_tokens!(__case_tests [of_tokens, $id, $open, $limits]);
        }
    };
}

/// Makes a test of every case for the accounts of a store that keeps users, tokens and accounts. The arguments are those
/// of [`store_tests!`](crate::testing::store_tests).
#[macro_export]
macro_rules! oauth_store_tests {
    ($module:ident, $id:ty, $open:expr) => {
        $crate::oauth_store_tests!($module, $id, $open, $crate::testing::Limits::default());
    };
    ($module:ident, $id:ty, $open:expr, $limits:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_accounts!(__case_tests [of_users, $id, $open, $limits]);
        }
    };
}

/// Makes a test of every case for a store that keeps jobs. Its arguments: the name of a module, and an expression that makes
/// an empty store, in which `await` is allowed.
#[macro_export]
macro_rules! job_store_tests {
    ($module:ident, $open:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_jobs!(__case_tests [
                of_jobs, $crate::__private::Uuid, $open, $crate::testing::Limits::default()
            ]);
        }
    };
}

/// Makes a test of every case for a store that keeps audit events. The arguments are those of
/// [`job_store_tests!`](crate::testing::job_store_tests).
#[macro_export]
macro_rules! audit_store_tests {
    ($module:ident, $open:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_events!(__case_tests [
                of_events, $crate::__private::Uuid, $open, $crate::testing::Limits::default()
            ]);
        }
    };
}

/// Makes a test of every case for a store that keeps limits. The arguments are those of
/// [`job_store_tests!`](crate::testing::job_store_tests).
#[macro_export]
macro_rules! limit_store_tests {
    ($module:ident, $open:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::__cases_of_limits!(__case_tests [
                of_limits, $crate::__private::Uuid, $open, $crate::testing::Limits::default()
            ]);
        }
    };
}

/// Calls a macro with every case for stores of users.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_users {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            users {
                what_is_inserted_is_found
                addresses_are_unique_in_any_case
                reg_2_a_hidden_insert_leaves_the_owner_as_is
                an_address_finds_no_other_address
                an_update_writes_its_columns_and_no_others
                an_update_writes_while_its_conditions_hold
                an_update_refuses_a_taken_address
                a_deleted_user_is_gone
                pages_follow_the_order_of_ids
                ids_out_of_range_are_nobodys
                revoked_tokens_yield_no_user
                log_2_samples_are_bounded_and_hold_what_is_stored
            }
            values {
                values_of_every_type_are_kept
                values_change_and_become_null
                texts_of_any_script_survive
                text_with_nul_is_kept_or_refused
                long_texts_are_kept_or_refused
                moments_are_kept_whatever_their_time_zone
            }
            races {
                reg_4_parallel_inserts_leave_one_user
                parallel_changes_to_one_address_leave_one_owner
                rst_1_parallel_replacements_of_a_hash_leave_one
                parallel_updates_of_different_columns_all_count
                an_update_never_revives_a_deleted_user
                parallel_changes_of_one_user_all_come_through
                oal_2_of_many_that_revoke_a_digest_one_is_the_first
            }
        }
    };
}

/// Calls a macro with every case for stores of tokens.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_tokens {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            tokens {
                tokens_are_found_and_removed_one_by_one
                tokens_are_compared_exactly
                a_token_counts_from_the_moment_it_was_made
                a_token_is_never_younger_than_it_is
                a_token_in_use_is_not_given_away
                tokens_that_are_over_are_removed_in_batches
                all_tokens_of_a_user_end_together
                a_token_is_removed_once
                tokens_inserted_at_once_are_all_kept
                tokens_made_while_all_end_are_found_or_gone_for_good
            }
        }
    };
}

/// Calls a macro with every case for stores of tokens and their users.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_sessions {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            sessions {
                an_update_ends_sessions_if_it_writes
                tokens_of_a_deleted_user_end
                tokens_of_nobody_yield_nobody
            }
        }
    };
}

/// Calls a macro with every case for stores of accounts.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_accounts {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            accounts {
                an_account_finds_its_user_and_no_other
                a_user_and_the_account_are_made_together_or_not_at_all
                an_account_is_renewed_by_its_owner_only
                long_tokens_are_kept
                the_last_account_stays_if_it_must
                oak_5_accounts_of_a_deleted_user_are_free
                oal_7_who_takes_over_keeps_nothing_of_who_was_there
                oal_11_first_logins_at_once_make_one_user
                an_account_that_many_want_has_one_owner
                parallel_logins_renew_one_account
                oak_4_of_accounts_removed_at_once_one_stays
            }
        }
    };
}

/// Calls a macro with every case for stores of jobs.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_jobs {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            jobs {
                a_job_is_taken_when_it_is_due_and_done_once
                a_job_that_was_added_before_is_added_once
                who_has_waited_longest_comes_first
                f_12_a_lease_that_has_ended_is_worth_nothing
                a_job_that_failed_is_tried_later
                a_key_is_free_when_its_job_is_done_or_dead
                who_was_given_up_is_kept_to_look_at
                f_13_jobs_taken_by_many_at_once_are_each_taken_once
                fgt_5_of_many_jobs_with_one_key_one_waits
                jobs_added_and_finished_together_are_as_one_by_one
                f_25_many_add_the_same_jobs_together_in_any_order
            }
        }
    };
}

/// Calls a macro with every case for stores of audit events.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_events {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            audit {
                an_event_is_kept_as_it_is_and_once
                many_events_are_kept_at_once
                pages_begin_with_the_latest
                a_filter_finds_what_has_all_of_it
                old_events_are_removed_the_oldest_first
                many_that_write_and_remove_at_once_lose_nothing
            }
        }
    };
}

/// Calls a macro with every case for stores of limits.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases_of_limits {
    ($callback:ident [$($arguments:tt)*]) => {
        $crate::$callback! {
            [$($arguments)*]
            buckets {
                a_bucket_gives_what_its_rule_says
                who_waits_as_long_as_is_said_gets_one
                log_7_waits_double_and_the_limit_holds_on
                of_several_buckets_all_give_or_none
                log_6_what_is_given_back_is_there_again_and_no_more
                what_is_forgotten_was_never_taken
                what_is_over_can_be_removed
                log_3_of_many_at_once_no_more_get_one_than_the_rule_says
                what_many_take_and_give_back_at_once_is_all_there_again
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __case_tests {
    ([$subject:ident, $id:ty, $open:expr, $limits:expr] $($feature:ident { $($case:ident)+ })+) => { $($(
        #[test]
        fn $case() {
            $crate::testing::block_on(async {
                let subject = $crate::testing::Subject::<$id, _>::$subject($open, $limits);
                $crate::testing::$feature::$case(subject).await;
            });
        }
    )+)+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run_all {
    ([$subject:ident, $open:expr, $limits:expr] $($feature:ident { $($case:ident)+ })+) => {{
        let mut failed = Vec::new();
        $($(
            let subject = $crate::testing::Subject::$subject($open().await, $limits);
            if tokio::spawn($crate::testing::$feature::$case(subject)).await.is_err() {
                failed.push(stringify!($case));
            }
        )+)+
        failed
    }};
}

/// Runs every case for a store that keeps users and tokens, each on a store that `open` makes, and gives the names of
/// those that failed; why, they have printed. Needs a runtime with several threads.
pub async fn failures<I, S>(open: impl AsyncFn() -> S, limits: Limits) -> Vec<&'static str>
where
    I: UserId,
    S: UserStore<Sample<I>> + TokenStore<Sample<I>>,
{
    let mut failed = user_failures(&open, limits).await;
    failed.extend(__cases_of_tokens!(__run_all [of_users, open, limits]));
    failed.extend(__cases_of_sessions!(__run_all [of_users, open, limits]));
    failed
}

/// The same for a store that keeps users and no tokens.
pub async fn user_failures<I, S>(open: impl AsyncFn() -> S, limits: Limits) -> Vec<&'static str>
where
    I: UserId,
    S: UserStore<Sample<I>>,
{
    __cases_of_users!(__run_all [of_users, open, limits])
}

/// The same for the accounts of a store that keeps users, tokens and accounts.
pub async fn oauth_failures<I, S>(open: impl AsyncFn() -> S, limits: Limits) -> Vec<&'static str>
where
    I: UserId,
    S: OAuthStore<Sample<I>> + TokenStore<Sample<I>>,
{
    __cases_of_accounts!(__run_all [of_users, open, limits])
}

/// The same for a store that keeps jobs.
pub async fn job_failures<S: JobStore>(open: impl AsyncFn() -> S) -> Vec<&'static str> {
    __cases_of_jobs!(__run_all [of_jobs, open, Limits::default()])
}

/// The same for a store that keeps audit events.
pub async fn audit_failures<S: AuditStore>(open: impl AsyncFn() -> S) -> Vec<&'static str> {
    __cases_of_events!(__run_all [of_events, open, Limits::default()])
}

/// The same for a store that keeps limits.
pub async fn limit_failures<S: LimitStore>(open: impl AsyncFn() -> S) -> Vec<&'static str> {
    __cases_of_limits!(__run_all [of_limits, open, Limits::default()])
}

/// The same for a store that keeps tokens only.
pub async fn token_failures<I, S>(open: impl AsyncFn() -> S, limits: Limits) -> Vec<&'static str>
where
    I: UserId,
    S: TokenStore<Sample<I>>,
{
    __cases_of_tokens!(__run_all [of_tokens, open, limits])
}

/// Runs a case on several threads, so that its races are real.
pub fn block_on(case: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(case);
}
