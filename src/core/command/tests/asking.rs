//! What commands ask for: fields with typed values, earlier versions, or a flow; and the first line of their commit.

use super::table::{VOCABULARY, says};
use crate::core::command::{Asked, Command, Commands, Definition, Flow, Invoked, parse};

/// What a command asks for, on one line.
fn asks(command: &Command) -> String {
    match command.change() {
        Ok(Asked::Choose(chosen)) => format!("{chosen:?}"),
        Ok(Asked::At(places)) => format!("{places:?}"),
        Ok(Asked::Copy { fields, from }) => format!("copy {fields:?} from {from}"),
        Ok(Asked::Set(fields)) => {
            fields.iter().map(|(field, value)| format!("{field}={value}")).collect::<Vec<_>>().join(" ")
        }
        Ok(Asked::Revert { what }) => format!("revert {what}"),
        Ok(Asked::Resume { fields }) => {
            format!("resume {}", fields.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        Ok(Asked::Restore { fields, to, also, pause }) => {
            let fields: Vec<String> = fields.iter().chain(&also).map(ToString::to_string).collect();
            assert_eq!(pause.to_string(), "1d");
            format!(
                "restore {} to {}",
                fields.join(" "),
                to.map_or("the last healthy".to_owned(), |tag| tag.to_string())
            )
        }
        Ok(Asked::Render(making)) => {
            let parts: Vec<String> = making
                .parts
                .iter()
                .map(|part| format!("{} into {}", part.template, part.into.as_deref().unwrap_or("its place")))
                .collect();
            let values: Vec<String> = making.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("render {} with {}", parts.join(", "), values.join(" "))
        }
        Ok(Asked::Delete(removing)) => format!("delete {:?}", removing.files),
        Err(error) => format!("{error} {}", error.remedy()),
    }
}

#[test]
fn two_words_name_a_command_and_what_it_makes_has_a_name_of_its_own() {
    let table = [
        (
            "/lf database add checkout small prod-eu",
            "checkout/prod-eu: render database into its place with environment=prod-eu name=main service=checkout size=small",
            "database-add checkout in prod-eu size=small name=main",
        ),
        (
            "/lf preview create checkout pr-1 environment=prod-eu for 3d",
            "checkout-pr-1/prod-eu: render preview into its place, argocd-application into clusters/prod-eu/applications, flux-kustomization into clusters/prod-eu/services with environment=prod-eu name=pr-1 service=checkout",
            "preview-create checkout-pr-1 in prod-eu for=3d",
        ),
        (
            "/lf preview delete checkout pr-1 environment=prod-eu",
            "checkout-pr-1/prod-eu: delete []",
            "preview-delete checkout-pr-1 in prod-eu",
        ),
    ];
    let commands = Commands::builtin().unwrap();
    for (typed, asked, subject) in table {
        let text = typed.strip_prefix("/lf ").unwrap();
        let command = parse(&commands, &VOCABULARY, Invoked::Under("/lf"), text).unwrap();
        let target = command.target().unwrap();
        let found = format!("{}/{}: {}", target.service, target.environment, asks(&command));
        assert_eq!((found.as_str(), command.subject().as_str()), (asked, subject), "{typed}");
        let again = parse(&commands, &VOCABULARY, Invoked::Under(""), command.to_text()).unwrap();
        assert_eq!(again.values(), command.values(), "{typed}");
    }
}

#[test]
fn what_would_say_more_in_a_file_than_itself_stands_in_none() {
    let commands = Commands::builtin().unwrap();
    let asked = |text: &str| asks(&parse(&commands, &VOCABULARY, Invoked::Under("/lf"), text).unwrap());
    for value in ["\"a: b\"", "\"{a}\"", "\"a #\"", "../a", "\"- a\""] {
        let told = asked(&format!("database-add service=checkout size=small environment=prod-eu name={value}"));
        assert!(value == "../a" || told.contains("cannot stand in a file"), "{value}: {told}");
    }
}

#[test]
fn what_is_hard_to_undo_lacks_the_name() {
    let commands = Commands::builtin().unwrap();
    let lacks = |text: &str| {
        let command = parse(&commands, &VOCABULARY, Invoked::Under("/lf"), text).unwrap();
        command.unconfirmed().and_then(|begun| begun.confirm)
    };
    assert_eq!(lacks("scale checkout prod-eu 0").as_deref(), Some("checkout"));
    assert_eq!(lacks("scale checkout prod-eu 0 confirm=cart").as_deref(), Some("checkout"));
    assert_eq!(lacks("scale checkout prod-eu 0 confirm=checkout"), None);
    assert_eq!(lacks("scale checkout prod-eu 1"), None);
    let preview = "preview delete checkout pr-1 environment=prod-eu";
    assert_eq!(lacks(preview).as_deref(), Some("checkout-pr-1"));
    assert_eq!(lacks(&format!("{preview} confirm=checkout-pr-1")), None);
}

#[test]
fn changes_carry_typed_values_and_subjects_read_as_a_sentence() {
    let table = [
        ("/deploy checkout prod-eu 10", r#"image_tag="10""#, "deploy checkout 10 to prod-eu"),
        (
            "/deploy checkout prod-eu v1 replicas=3 because of load",
            r#"image_tag="v1" replicas=3"#,
            "deploy checkout v1 to prod-eu replicas=3",
        ),
        ("/scale checkout prod-eu 0", "replicas=0", "scale checkout in prod-eu replicas=0"),
        (
            "/rollback checkout prod-eu",
            "restore image_tag image_digest to the last healthy",
            "rollback checkout in prod-eu",
        ),
        (
            "/rollback checkout prod-eu to v1.2.3",
            "restore image_tag image_digest to v1.2.3",
            "rollback checkout in prod-eu to=v1.2.3",
        ),
        ("/revert ABCDEF1", "revert abcdef1", "revert what=abcdef1"),
        ("/revert #12 checkout prod-eu", "revert #12", "revert checkout in prod-eu what=\"#12\""),
        (
            "/revert https://h/a/b/pull/12/files checkout prod-eu",
            "revert #12",
            "revert checkout in prod-eu what=\"#12\"",
        ),
        ("/resume checkout prod-eu", "resume image_tag image_digest", "resume checkout in prod-eu"),
        (
            "/rollback checkout prod-eu also=colour",
            "`rollback` cannot restore `colour`, which is no field. Name fields such as `replicas`, `env.NAME` or `config.KEY`.",
            "rollback checkout in prod-eu",
        ),
        (
            "/status checkout",
            "`status` changes nothing in git. Use `status` from chat, where its answer is shown.",
            "status checkout",
        ),
    ];
    for (typed, asked, subject) in table {
        let command = says(typed).unwrap();
        assert_eq!((asks(&command).as_str(), command.subject().as_str()), (asked, subject), "{typed}");
    }
}

#[test]
fn a_command_knows_its_target_reason_and_flow() {
    let command = says("/deploy checkout prod-eu v1 because of load").unwrap();
    assert_eq!(command.target().unwrap().to_string(), "checkout in prod-eu");
    assert_eq!((command.reason(), command.flow()), (Some("of load"), None));
    assert_eq!(command.tag().unwrap().as_str(), "v1");
    let status = says("/status").unwrap();
    assert_eq!((status.target(), status.reason(), status.flow()), (None, None, Some(Flow::Status)));
    assert_eq!(says("/lf").unwrap().flow(), Some(Flow::Help));
}

#[test]
fn values_keep_their_type_in_json() {
    let command = says("/deploy checkout prod-eu 10 replicas=3").unwrap();
    let json = serde_json::to_string(command.values()).unwrap();
    assert_eq!(
        json,
        r#"{"environment":{"environment":"prod-eu"},"replicas":{"integer":3},"service":{"service":"checkout"},"version":{"tag":"10"}}"#
    );
    assert_eq!(&serde_json::from_str::<std::collections::BTreeMap<_, _>>(&json).unwrap(), command.values());
}

/// What a command of a repository asks for.
fn asks_of_file(set: &str, typed: &str) -> String {
    let file = format!(
        "name: tune\nsummary: s\noptions:\n  service: {{ type: service, required: true }}\n  environment: {{ type: environment, required: true }}\n  n: {{ type: integer }}\n  word: {{ type: text }}\nchange:\n  set: {{ {set} }}\n"
    );
    let commands = Commands::default().with([Definition::parse(&file, "tune.yaml").unwrap()]);
    asks(&parse(&commands, &VOCABULARY, Invoked::Bare("tune"), typed).unwrap())
}

#[test]
fn templates_compute_and_what_they_give_is_checked() {
    let table = [
        (r#"replicas: "{{ n * 2 }}""#, "web staging 4", "replicas=8"),
        (r#"replicas_min: "{{ n | default(2) }}", replicas_max: 9"#, "web staging", "replicas_min=2 replicas_max=9"),
        (r#"env.LEVEL: "{{ word | upper }}""#, "web staging word=debug", r#"env.LEVEL="DEBUG""#),
        (r#"env.LEVEL: "{{ word }}""#, r#"web staging word="{{ n }}""#, r#"env.LEVEL="{{ n }}""#),
        (r#"cpu: "{{ n }}""#, "web staging 500", r#"cpu="500""#),
        (
            r#"replicas: "{{ n }}""#,
            "web staging",
            "`tune` was given nothing to change. Give one more option; `help tune` shows them.",
        ),
        (
            r#"replicas: "{{ n }}""#,
            "web staging n=-1",
            "`tune` would set `replicas` to `-1`, which is not a whole number from 0 on. Give another value, or ask whoever wrote the file of the command `tune` to correct it.",
        ),
        (
            r#"image_tag: "{{ word }}""#,
            "web staging word=a:b",
            "`tune` would set `image_tag` to `a:b`, which is not an image tag. Give another value, or ask whoever wrote the file of the command `tune` to correct it.",
        ),
        (
            r#"replicas: "{{ n + word }}""#,
            "web staging 0 word=x",
            "The template of `replicas` in `tune` fails: tried to use + operator on unsupported types number and string. Give another value, or ask whoever wrote the file of the command `tune` to correct it.",
        ),
        (
            r#"cpu: "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}""#,
            "web staging",
            "The template of `cpu` in `tune` fails: engine ran out of fuel. Give another value, or ask whoever wrote the file of the command `tune` to correct it.",
        ),
    ];
    for (set, typed, asked) in table {
        assert_eq!(asks_of_file(set, typed), asked, "{set} {typed}");
    }
}
