//! What people type and the whole answer to what it does not mean.

use super::table::check;

#[test]
fn deploy_is_refused_with_a_remedy() {
    check(
        r#"
/deploy checkout prod-eu v1.2.5 5 pods crashed
  That can be read in two ways. Send the one you mean: `/deploy service=checkout environment=prod-eu version=v1.2.5 replicas=5 reason="pods crashed"` or `/deploy service=checkout environment=prod-eu version=v1.2.5 reason="5 pods crashed"`.
/deploy checkout prod-eu v1.2.5 because replicas=3 was too few
  That can be read in two ways. Send the one you mean: `/deploy service=checkout environment=prod-eu version=v1.2.5 replicas=3 reason="was too few"` or `/deploy service=checkout environment=prod-eu version=v1.2.5 reason="replicas=3 was too few"`.
/deploy checkout prod-eu to
  `deploy` needs `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy to=x checkout prod-eu v1
  `deploy` has no option `to`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy on prod-eu v1.2.5
  `deploy` needs `service`. Write `/deploy service=on <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy twin double v1.2.5
  That can be read in two ways. Send the one you mean: `/deploy service=twin environment=double version=v1.2.5` or `/deploy service=double environment=twin version=v1.2.5`.
/deploy checkout prod-eu staging
  That can be read in two ways. Send the one you mean: `/deploy service=checkout environment=prod-eu version=staging` or `/deploy service=checkout environment=staging version=prod-eu`.
/deploy checkout prod-eu 1234 3
  That can be read in two ways. Send the one you mean: `/deploy service=checkout environment=prod-eu version=1234 replicas=3` or `/deploy service=checkout environment=prod-eu version=3 replicas=1234`.
/deploy chekout prod-eu v1.2.5
  There is no service `chekout`. Did you mean `checkout` or `checkout-api`?
/deploy ckeckout prod-eu v1.2.5
  There is no service `ckeckout`. Did you mean `checkout`?
/deploy check prod-eu v1.2.5
  There is no service `check`. Did you mean `checkout` or `checkout-api`?
/deploy zebra prod-eu v1.2.5
  There is no service `zebra`. Type the `status` command to see the services there are.
/deploy v1.2.5 prod-eu zebra
  There is no service `zebra`. Type the `status` command to see the services there are.
/deploy checkout prd-eu v1.2.5
  There is no environment `prd-eu`. Did you mean `prod-eu` or `prod-us`?
/deploy checkout qa v1.2.5
  There is no environment `qa`. Choose `double`, `prod-eu`, `prod-us`, `staging` or `twin`.
/deploy checkout v1.2.5 qa
  There is no environment `qa`. Choose `double`, `prod-eu`, `prod-us`, `staging` or `twin`.
/deploy checkout prod v1.2.5
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
/deploy prod checkout v1.2.5
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
/deploy checkout environment=prod v1.2.5
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
/deploy checkout everywhere v1.2.5
  There is no environment `everywhere`. Choose `double`, `prod-eu`, `prod-us`, `staging` or `twin`.
/deploy service=zebra prod-eu v1.2.5
  There is no service `zebra`. Type the `status` command to see the services there are.
"#,
    );
}

#[test]
fn what_is_no_tag_is_refused_with_a_remedy() {
    check(
        r#"
/deploy checkout prod-eu :latest
  `:latest` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=latest`.
/deploy checkout prod-eu ghcr.io/acme/checkout:v1.2.5
  `ghcr.io/acme/checkout:v1.2.5` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=v1.2.5`.
/deploy checkout prod-eu "v1 2"
  `v1 2` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=v1.2.5`.
/deploy checkout prod-eu version="v1 2"
  `v1 2` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=v1.2.5`.
/deploy checkout prod-eu v1.2.5,
  `v1.2.5,` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=v1.2.5`.
/deploy checkout prod-eu sha256:0123
  `sha256:0123` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `version=v1.2.5`.
"#,
    );
}

#[test]
fn what_is_missing_is_named_with_the_usage() {
    check(
        r#"
/deploy
  `deploy` needs `service`, `environment` and `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout
  `deploy` needs `environment` and `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout prod-eu
  `deploy` needs `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout v1.2.5
  `deploy` needs `environment`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy v1.2.5
  `deploy` needs `service` and `environment`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
"#,
    );
}

#[test]
fn what_is_too_much_is_refused_with_a_remedy() {
    check(
        r#"
/deploy checkout prod-eu v1.2.5 prod-us
  `prod-us` is one `environment` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu and prod-us v1.2.5
  `prod-us` is one `environment` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu, prod-us v1.2.5
  `prod-eu,` is one word too many. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`; put text with spaces in quotes.
/deploy checkout api prod-eu v1.2.5
  `api` is one `service` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu v1.2.5 v1.2.6
  `v1.2.6` is one `version` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu v1.2.5 replicas=3 4
  `4` is one `replicas` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu v1.2.5 replicas=3 replicas=4
  `replicas` is given twice. Give it once.
/deploy service=checkout service=api prod-eu v1.2.5
  `service` is given twice. Give it once.
"#,
    );
}

#[test]
fn options_that_are_wrong_are_refused_with_a_remedy() {
    check(
        r#"
/deploy checkout prod-eu v1.2.5 replicas=three
  `replicas` is a whole number, and `three` is none. Write it in digits, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 replicas=-1
  `replicas` cannot be -1. Give `replicas` a number from 0 to 10000.
/deploy checkout prod-eu v1.2.5 replicas=99999999999999999999
  `replicas` cannot be 99999999999999999999. Give `replicas` a number from 0 to 10000.
/deploy checkout prod-eu v1.2.5 replicas=+3
  `replicas` is a whole number, and `+3` is none. Write it in digits, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 replicas=3.5
  `replicas` is a whole number, and `3.5` is none. Write it in digits, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 replica=3
  `deploy` has no option `replica`. Did you mean `replicas=`?
/deploy checkout prod-eu v1.2.5 colour=red
  `deploy` has no option `colour`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout prod-eu v1.2.5 --replicas 3
  `deploy` has no option `--replicas`. Did you mean `replicas=`?
/deploy checkout prod-eu v1.2.5 —replicas 3
  `deploy` has no option `—replicas`. Did you mean `replicas=`?
/deploy checkout prod-eu v1.2.5 replicas = 3
  `=` is only half of an option. Write `name=value` without spaces around `=`, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 replicas= 3
  `replicas=` is only half of an option. Write `name=value` without spaces around `=`, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 replicas
  `replicas` is only half of an option. Write `name=value` without spaces around `=`, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 reason=""
  `reason=""` is only half of an option. Write `name=value` without spaces around `=`, for example `replicas=3`.
/deploy checkout prod-eu v1.2.5 reason="open
  A quote opens with `"` and does not close. Close the quote, with a space after it; to write a quote itself put `\` before it: `\"`.
/deploy checkout prod-eu v1.2.5 “open
  A quote opens with `“` and does not close. Close the quote, with a space after it; to write a quote itself put `\` before it: `\“`.
/deploy checkout prod-eu v1.2.5 -1
  `replicas` cannot be -1. Give `replicas` a number from 0 to 10000.
/deploy checkout prod-eu v1.2.5 20000
  `replicas` cannot be 20000. Give `replicas` a number from 0 to 10000.
/deploy checkout prod-eu v1.2.5 prod
  `prod` is one `environment` too many. Send one command for each; if it begins a text, write `reason="..."`.
/deploy checkout prod-eu v1.2.5 replicas=10001
  `replicas` cannot be 10001. Give `replicas` a number from 0 to 10000.
/deploy checkout prod-eu v1.2.5 because
  `because` is one word too many. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`; put text with spaces in quotes.
/deploy because it is late
  `deploy` needs `service`, `environment` and `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout because it is late
  `deploy` needs `environment` and `version`. Write `/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/deploy checkout prod-eu "v1.2.5"x
  A quote opens with `"` and does not close. Close the quote, with a space after it; to write a quote itself put `\` before it: `\"`.
/deploy "to" prod-eu v1
  There is no service `to`. Type the `status` command to see the services there are.
"#,
    );
}

#[test]
fn under_one_command_is_refused_with_a_remedy() {
    check(
        r#"
/lf deploy checkout
  `deploy` needs `environment` and `version`. Write `/lf deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/lf help dploy
  There is no command `dploy`. Did you mean `deploy`?
/lf help deploy now
  `now` is one word too many. Write `/lf help [command]`; put text with spaces in quotes.
/lf dploy checkout prod-eu v1.2.5
  There is no command `dploy`. Did you mean `deploy`?
/lf foo
  There is no command `foo`. Type `help` to see all commands.
/lf checkout prod-eu
  There is no command `checkout`. Type `help` to see all commands.
"#,
    );
}

#[test]
fn an_unknown_command_is_refused_with_a_remedy() {
    check(
        r#"
/dploy checkout
  There is no command `dploy`. Did you mean `deploy`?
"#,
    );
}

#[test]
fn rollback_is_refused_with_a_remedy() {
    check(
        r#"
/rollback checkout prod-eu login is broken
  That can be read in two ways. Send the one you mean: `/rollback service=checkout environment=prod-eu to=login reason="is broken"` or `/rollback service=checkout environment=prod-eu reason="login is broken"`.
/rollback checkout
  `rollback` needs `environment`. Write `/rollback <service> <environment> [to=TAG] [also=...] [pause=4h] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/rollback checkout prod
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
/rollback checkout prod-eu :bad
  `:bad` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `to=bad`.
/rollback checkout prod-eu checkout:v1.2.3
  `checkout:v1.2.3` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128. Give the tag alone, for example `to=v1.2.3`.
"#,
    );
}

#[test]
fn scale_is_refused_with_a_remedy() {
    check(
        r#"
/scale checkout prod-eu 3 4
  `4` is one `replicas` too many. Send one command for each; if it begins a text, write `reason="..."`.
/scale checkout prod-eu three
  `replicas` is a whole number, and `three` is none. Write it in digits, for example `replicas=3`.
/scale checkout prod-eu -1
  `replicas` cannot be -1. Give `replicas` a number from 0 to 10000.
/scale checkout prod-eu
  `scale` needs `replicas`. Write `/scale <service> <environment> <replicas> [for=4h] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/scale checkout 3
  `scale` needs `environment`. Write `/scale <service> <environment> <replicas> [for=4h] [until="Mon 9:00"] [from="Mon 9:00"] [reason=...]`.
/scale checkout 3 prod
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
"#,
    );
}

#[test]
fn status_is_refused_with_a_remedy() {
    check(
        r#"
/status twin
  That can be read in two ways. Send the one you mean: `/status service=twin` or `/status environment=twin`.
/status checkout checkout
  `checkout` is one `service` too many. Send one command for each.
/status chekout
  There is no service `chekout`. Did you mean `checkout` or `checkout-api`?
/status foo
  There is no service `foo`. Type the `status` command to see the services there are.
/status checkout because
  `because` is one word too many. Write `/status [service] [environment]`; put text with spaces in quotes.
/status checkout v1.2.5
  There is no environment `v1.2.5`. Choose `double`, `prod-eu`, `prod-us`, `staging` or `twin`.
/status prod
  `prod` is a group of environments; a command on a whole group is not supported yet. Name one of its environments: `prod-eu` or `prod-us`.
"#,
    );
}
