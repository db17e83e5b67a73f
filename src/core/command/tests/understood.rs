//! What people type and the canonical form of what it means.

use super::table::check;

#[test]
fn promote_flag_and_env_are_understood() {
    check(
        r#"
/promote checkout staging -> prod-eu
  => promote checkout staging prod-eu
/promote checkout staging prod-eu
  => promote checkout staging prod-eu
/promote checkout to prod-eu from staging
  => promote checkout staging prod-eu
/promote from staging to prod-eu checkout because it is time
  => promote checkout staging prod-eu reason="it is time"
/flag checkout prod-eu NEW_CART on
  => flag checkout prod-eu NEW_CART on
/flag checkout prod-eu NEW_CART off too slow
  => flag checkout prod-eu NEW_CART off reason="too slow"
/flag NEW_CART on checkout in staging
  => flag checkout staging NEW_CART on
/env checkout staging LOG_LEVEL debug
  => env checkout staging LOG_LEVEL debug
/env checkout staging GREETING "hello there"
  => env checkout staging GREETING "hello there"
/env checkout staging LOG_LEVEL debug because it fails at night
  => env checkout staging LOG_LEVEL debug reason="it fails at night"
/env chekout staging LOG_LEVEL debug
  There is no service `chekout`. Did you mean `checkout` or `checkout-api`?
"#,
    );
}

#[test]
fn deploy_is_understood() {
    check(
        r#"
/deploy checkout prod-eu v1.2.5
  => deploy checkout prod-eu v1.2.5
/deploy checkout v1.2.5 prod-eu
  => deploy checkout prod-eu v1.2.5
/deploy v1.2.5 prod-eu checkout
  => deploy checkout prod-eu v1.2.5
/deploy checkout v1.2.5 to prod-eu
  => deploy checkout prod-eu v1.2.5
/deploy v1.2.5 of checkout in staging
  => deploy checkout staging v1.2.5
/deploy checkout prod-eu version=v1.2.5
  => deploy checkout prod-eu v1.2.5
/deploy version=v1.2.5 service=checkout environment=prod-eu
  => deploy checkout prod-eu v1.2.5
/deploy Version=v1.2.5 checkout prod-eu
  => deploy checkout prod-eu v1.2.5
/deploy checkout prod-eu v1.2.5 replicas=3
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu v1.2.5 --replicas=3
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu v1.2.5 —replicas=3
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu v1.2.5 3
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu 3 v1.2.5
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu v1.2.5 3 replicas
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu v1.2.5 replicas 3
  => deploy checkout prod-eu v1.2.5 replicas=3
/deploy checkout prod-eu 2026
  => deploy checkout prod-eu 2026
"#,
    );
}

#[test]
fn a_reason_is_quoted_or_trails() {
    check(
        r#"
/deploy checkout prod-eu v1.2.5 reason="fixes the login"
  => deploy checkout prod-eu v1.2.5 reason="fixes the login"
/deploy checkout prod-eu v1.2.5 reason=“fixes the login”
  => deploy checkout prod-eu v1.2.5 reason="fixes the login"
/deploy checkout prod-eu v1.2.5 reason=‘don’t wait’
  => deploy checkout prod-eu v1.2.5 reason="don’t wait"
/deploy checkout prod-eu v1.2.5 reason='it''s'
  => deploy checkout prod-eu v1.2.5 reason="it''s"
/deploy checkout prod-eu v1.2.5 reason="say \"hi\" \\o/"
  => deploy checkout prod-eu v1.2.5 reason="say \"hi\" \\o/"
/deploy checkout prod-eu v1.2.5 fixes the login on phones
  => deploy checkout prod-eu v1.2.5 reason="fixes the login on phones"
/deploy checkout prod-eu v1.2.5 on request of ops
  => deploy checkout prod-eu v1.2.5 reason="on request of ops"
/deploy checkout prod-eu v1.2.5 because prod is broken
  => deploy checkout prod-eu v1.2.5 reason="prod is broken"
/deploy checkout prod-eu v1.2.5 -- prod is broken
  => deploy checkout prod-eu v1.2.5 reason="prod is broken"
/deploy checkout prod-eu v1.2.5 — prod is broken
  => deploy checkout prod-eu v1.2.5 reason="prod is broken"
/deploy checkout prod-eu v1.2.5 reason fixes the login
  => deploy checkout prod-eu v1.2.5 reason="fixes the login"
/deploy checkout prod-eu v1.2.5 "fixes the login" 3
  => deploy checkout prod-eu v1.2.5 replicas=3 reason="fixes the login"
/deploy checkout prod-eu v1.2.5 hotfix replicas=3
  => deploy checkout prod-eu v1.2.5 replicas=3 reason=hotfix
/deploy checkout prod-eu v1.2.5 because x=1 was wrong
  => deploy checkout prod-eu v1.2.5 reason="x=1 was wrong"
"#,
    );
}

#[test]
fn awkward_names_are_given_in_quotes_or_by_name() {
    check(
        r#"
/deploy "checkout" 'prod-eu' “v1.2.5”
  => deploy checkout prod-eu v1.2.5
/deploy checkout prod-eu latest
  => deploy checkout prod-eu latest
/deploy checkout prod-eu version=to
  => deploy service=checkout environment=prod-eu version=to
/deploy service=on prod-eu v1.2.5
  => deploy service=on environment=prod-eu version=v1.2.5
/deploy twin twin v1.2.5
  => deploy twin twin v1.2.5
/deploy service=twin environment=double version=v1.2.5
  => deploy service=twin environment=double version=v1.2.5
/deploy checkout prod-eu v1.2.5 it's fine
  => deploy checkout prod-eu v1.2.5 reason="it's fine"
/deploy checkout `prod-eu` v1.2.5
  => deploy checkout prod-eu v1.2.5
/deploy help
  => help command=deploy
/deploy --help
  => help command=deploy
/deploy service checkout environment prod-eu version v1
  => deploy checkout prod-eu v1
/deploy checkout prod-eu version v1.2.5 version bump
  => deploy checkout prod-eu v1.2.5 reason="version bump"
/deploy checkout prod-eu v1.2.5 reason=a=b
  => deploy checkout prod-eu v1.2.5 reason="a=b"
/deploy checkout prod-eu v1.2.5 REASON='x' REPLICAS=2
  => deploy checkout prod-eu v1.2.5 replicas=2 reason=x
"#,
    );
}

#[test]
fn under_one_command_is_understood() {
    check(
        r#"
/lf deploy checkout prod-eu v1.2.5
  => deploy checkout prod-eu v1.2.5
/lf Deploy Checkout Prod-EU v1.2.5
  => deploy checkout prod-eu v1.2.5
/lf /deploy checkout prod-eu v1.2.5
  => deploy checkout prod-eu v1.2.5
/lf deploy help
  => help command=deploy
/lf
  => help
/lf help
  => help
/lf help deploy
  => help command=deploy
/lf help /scale
  => help command=scale
"#,
    );
}

#[test]
fn help_is_understood() {
    check(
        r#"
/help
  => help
/help scale
  => help command=scale
"#,
    );
}

#[test]
fn rollback_is_understood() {
    check(
        r#"
/rollback checkout prod-eu
  => rollback checkout prod-eu
/rollback checkout prod-eu v1.2.3
  => rollback checkout prod-eu to=v1.2.3
/rollback checkout prod-eu to v1.2.3
  => rollback checkout prod-eu to=v1.2.3
/rollback checkout in prod-eu to v1.2.3 because login is broken
  => rollback checkout prod-eu to=v1.2.3 reason="login is broken"
/rollback checkout prod-eu because login is broken
  => rollback checkout prod-eu reason="login is broken"
/rollback checkout prod-eu broken
  => rollback checkout prod-eu to=broken
/rollback checkout prod-eu to=v1.2.3 login is broken
  => rollback checkout prod-eu to=v1.2.3 reason="login is broken"
/rollback checkout prod-eu 12:30 outage, see channel
  => rollback checkout prod-eu reason="12:30 outage, see channel"
"#,
    );
}

#[test]
fn scale_is_understood() {
    check(
        r#"
/scale checkout prod-eu 3
  => scale checkout prod-eu 3
/scale checkout prod-eu 6 from "Fri 18:00" until "Mon 8:00"
  => scale checkout prod-eu 6 until="Mon 08:00" from="Fri 18:00"
/scale checkout prod-eu to 3
  => scale checkout prod-eu 3
/scale checkout in prod-eu to 3 replicas
  => scale checkout prod-eu 3
/scale 3 checkout prod-eu
  => scale checkout prod-eu 3
/scale checkout prod-eu 0
  => scale checkout prod-eu 0
/scale checkout prod-eu replicas=3 for the sale
  => scale checkout prod-eu 3 reason="for the sale"
"#,
    );
}

#[test]
fn status_is_understood() {
    check(
        r#"
/status
  => status
/status checkout
  => status service=checkout
/status prod-eu
  => status environment=prod-eu
/status checkout prod-eu
  => status service=checkout environment=prod-eu
/status checkout in staging
  => status service=checkout environment=staging
"#,
    );
}

#[test]
fn several_services_are_understood() {
    check(
        r#"
/deploy checkout,checkout-api prod-eu v1.2.5
  => deploy checkout,checkout-api prod-eu v1.2.5
/deploy checkout, checkout-api prod-eu v1.2.5
  => deploy checkout,checkout-api prod-eu v1.2.5
/deploy checkout , checkout-api prod-eu v1.2.5
  => deploy checkout,checkout-api prod-eu v1.2.5
/deploy checkout, prod-eu v1.2.5
  => deploy checkout prod-eu v1.2.5
/scale checkout,checkout-api prod-eu 3 outage, see channel
  => scale checkout,checkout-api prod-eu 3 reason="outage, see channel"
"#,
    );
}
