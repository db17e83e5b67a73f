//! Command files: those built in, those with mistakes, and the schema that editors use for both.

use serde_json::Value as Json;

use crate::core::command::{Commands, Definition, command_schema};

#[test]
fn every_built_in_command_loads_under_its_files_name_and_shows_its_usage() {
    let commands = Commands::builtin().unwrap();
    for (file, text) in Commands::builtin_files() {
        let definition = Definition::parse(text, &file).unwrap();
        assert_eq!(file, format!("commands/{}.yaml", definition.name));
    }
    let usage: Vec<String> = commands.iter().map(|definition| commands.usage(definition)).collect();
    assert_eq!(
        usage,
        [
            "/app-new <name> <environment> <image> <version> [port=N] [replicas=N] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/audit [service] [environment] [person] [within=4h] [page=N] [text=...]",
            "/breakglass <what> <service> <environment> <value> [for=4h] [reason=...]",
            "/database-add <service> <size> <environment> [name=...] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/debt <what> <service> <environment> [field=replicas|version] [value=TAG] [until=\"Mon 9:00\"] [reason=...]",
            "/debts",
            "/deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/env <service> <environment> <name> <value> [for=4h] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/flag <service> <environment> <flag> <switch> [for=4h] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/freeze <environment> [switch=off] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [except=...] [reason=...]",
            "/help [command]",
            "/incident <what> [severity=sev1|sev2|sev3|sev4|sev5] [service] [person] [id=COMMIT] [text=...]",
            "/link",
            "/preview-create <service> <name> [environment] [version=TAG] [for=4h] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/preview-delete <service> <name> [environment] [from=\"Mon 9:00\"] [reason=...]",
            "/promote <service> <from> <to> [start=\"Mon 9:00\"] [until=\"Mon 9:00\"] [reason=...]",
            "/restart <service> <environment> [reason=...]",
            "/resume <service> <environment> [from=\"Mon 9:00\"] [reason=...]",
            "/revert <what> [service] [environment] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/rollback <service> <environment> [to=TAG] [also=...] [pause=4h] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/scale <service> <environment> <replicas> [for=4h] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/status [service] [environment]",
            "/unfreeze <environment> [reason=...]",
            "/unlink",
            "/url-add <service> <environment> <host> [path=...] [port=N] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
            "/volume-add <service> <environment> <size> <mount> [name=...] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]",
        ]
    );
}

const TARGET: &str =
    "options:\n  service: { type: service, required: true }\n  environment: { type: environment, required: true }\n";

/// What is said of a file with a name, a summary and `rest`, without the file's name before each line.
fn mistakes(rest: &str) -> String {
    let text = format!("name: tune\nsummary: Tunes\n{rest}");
    match Definition::parse(&text, "tune.yaml") {
        Ok(definition) => format!("{definition:?}"),
        Err(error) => error.to_string().replace("tune.yaml:", ""),
    }
}

#[test]
fn mistakes_are_reported_where_they_stand_with_a_remedy() {
    let table = [
        (
            "flow: status\ncolour: red",
            "4:1: `colour`: found an unknown key, expected `name`, `summary`, `options`, `change` or `flow`. Remove it, or move it to where it belongs.",
        ),
        (
            "",
            "1:1: found no `change` or `flow`, expected the key `change` or `flow`. Add it, for example `flow: status`.",
        ),
        (
            "flow: stauts",
            "3:7: `flow`: found `stauts`, expected `status`, `help`, `audit`, `link`, `unlink`, `incident`, `breakglass`, `debts`, `debt`, `freeze`, `unfreeze` or `restart`. Did you mean `status`?",
        ),
        (
            "flow: logs",
            "3:7: `flow`: found `logs`, expected `status`, `help`, `audit`, `link`, `unlink`, `incident`, `breakglass`, `debts`, `debt`, `freeze`, `unfreeze` or `restart`. The flow `logs` is not supported yet; remove this command until it is.",
        ),
        (
            "flow: status\noptions:\n  Size: { type: text }",
            "5:3: `options.Size`: found the option name `Size`, expected a lower-case letter, then lower-case letters, digits and `_`, 40 at most, and no word of templates. Write it like `replicas`.",
        ),
        (
            "flow: status\noptions:\n  size: { type: txt }",
            "5:17: `options.size.type`: found `txt`, expected `service`, `services`, `environment`, `environments`, `image_tag`, `image_digest`, `integer`, `duration`, `moment`, `text`, `boolean`, `person`, `choice`, `command`, `commit` or `word`. Did you mean `text`?",
        ),
        (
            "flow: status\noptions:\n  size: { type: text, min: 3 }",
            "5:23: `options.size.min`: found `min` in an option of type `text`, expected `min` in options of type `integer` only. Remove it.",
        ),
        (
            "flow: status\noptions:\n  size: { type: integer, min: 3, max: 1 }",
            "5:39: `options.size.max`: found the number `1`, expected `max` to be at least `min`, which is 3. Correct one of the two.",
        ),
        (
            "flow: status\noptions:\n  size: { type: integer, max: 3, default: 4 }",
            "5:43: `options.size.default`: found the number `4`, expected a value of type `integer`. Give `size` a number up to 3.",
        ),
        (
            "flow: status\noptions:\n  size: { type: choice }",
            "5:3: `options.size`: found no `choices`, expected the key `choices`. Add it, for example `choices: [small, large]`.",
        ),
        (
            "flow: status\noptions:\n  size: { type: text, required: true, default: a }",
            "5:48: `options.size.default`: found `a`, expected no `default` where `required: true`. Remove one of the two.",
        ),
        (
            "flow: status\noptions:\n  size: { required: true }",
            "5:3: `options.size`: found no `type`, expected the key `type`. Add it, for example `type: text`.",
        ),
        (
            "change: { set: { replicas: 1 } }",
            "3:1: `change`: found a change without an option of type `environment`, expected one required option of type `environment`. Write `environment: { type: environment, required: true }` under `options`.\n3:1: `change`: found a change without an option of type `service`, expected one required option of type `service`. Write `service: { type: service, required: true }` under `options`.",
        ),
    ];
    for (rest, said) in table {
        assert_eq!(mistakes(rest), said, "{rest}");
    }
}

#[test]
fn mistakes_in_a_change_are_reported_where_they_stand_with_a_remedy() {
    let table = [
        (
            "change: { set: { replicas: '{{ replics }}' } }",
            "6:28: `change.set.replicas`: found the unknown variable `replics`, expected `service` or `environment`. Use an option of this command, or add one.",
        ),
        (
            "change: { set: { image_tag: '{{ servce }}' } }",
            "6:29: `change.set.image_tag`: found the unknown variable `servce`, expected `service` or `environment`. Did you mean `{{ service }}`?",
        ),
        (
            "change: { set: { cpu: '{{ service' } }",
            "6:23: `change.set.cpu`: found a template that does not parse (unexpected end of input, expected end of variable block), expected a template. Write it like `\"{{ replicas }}\"`.",
        ),
        (
            "change: { set: { cpu: '{{ service | shout }}' } }",
            "6:23: `change.set.cpu`: found a template that does not parse (filter shout is unknown), expected a template. Write it like `\"{{ replicas }}\"`.",
        ),
        (
            "change: { set: { relicas: 1 } }",
            "6:18: `change.set.relicas`: found `relicas`, expected a field: one of image_tag, image_digest, replicas, replicas_min, replicas_max, cpu, memory, env.NAME, config.KEY. Write it like `image_tag`.",
        ),
        (
            "change: { set: {} }",
            "6:16: `change.set`: found an empty map, expected fields and their values. Write `{ replicas: \"{{ replicas }}\" }`.",
        ),
        (
            "change: {}",
            "6:1: `change`: found no `set` or `restore`, expected the key `set` or `restore`. Add it, for example `set: { replicas: \"{{ replicas }}\" }`.",
        ),
        (
            "change: { restore: [replicas] }",
            "6:21: `change.restore[0]`: found `replicas`, expected `image_tag` or `image_digest`. Write `image_tag` or `image_digest`.",
        ),
        (
            "change: { restore: [image_tag], set: { replicas: 1 } }",
            "6:20: `change.restore`: found `restore` beside `set`, expected one of the two. Remove one.",
        ),
        (
            "change:\n  set: { replicas: 1 }\n  revert_after: '{{ fro }}'",
            "8:17: `change.revert_after`: found the unknown variable `fro`, expected `service` or `environment`. Use an option of this command, or add one.",
        ),
        (
            "change: { delete: [../a.yaml] }",
            "6:20: `change.delete[0]`: found `../a.yaml`, expected a path without `..`. Write it like `database.yaml`.",
        ),
        (
            "change: { delete: all }",
            "6:19: `change.delete`: found `all`, expected `rendered` or a list of files. Write `rendered` for all that was rendered there, or `[database.yaml]`.",
        ),
        (
            "change: { render: [{ into: 'a/{{ x }}' }, A] }",
            "6:20: `change.render[0]`: found no `template`, expected the key `template`. Add it, for example `template: database`.\n6:28: `change.render[0].into`: found the unknown variable `x`, expected `service` or `environment`. Use an option of this command, or add one.\n6:43: `change.render[1]`: found `A`, expected the name of a template. Write it like `database`.",
        ),
    ];
    let found = table.map(|(rest, _)| (rest, mistakes(&format!("{TARGET}{rest}"))));
    assert_eq!(found, table.map(|(rest, said)| (rest, said.to_owned())));
}

#[test]
fn mistakes_in_what_is_copied_chosen_and_placed_are_reported_too() {
    let table = [
        (
            "change: { copy: {} }",
            "6:1: `change`: found no `from`, expected the key `from`. Add it, for example `from: \"{{ from }}\"`.\n6:17: `change.copy`: found an empty map, expected a list. Put it in brackets: `[one, two]`.",
        ),
        (
            "change: { copy: [image_tag, relicas], from: '{{ environment }}' }",
            "6:1: `change`: found a change without an option of type `environment`, expected one required option of type `environment`. Write `environment: { type: environment, required: true }` under `options`.\n6:29: `change.copy[1]`: found `relicas`, expected a field: one of image_tag, image_digest, replicas, replicas_min, replicas_max, cpu, memory, env.NAME, config.KEY. Write it like `image_tag`.",
        ),
        (
            "change: { set: { 'env.{{ service }} | relicas': 1 } }",
            "6:18: `change.set[\"env.{{ service }} | relicas\"]`: found `relicas`, expected a field: one of image_tag, image_digest, replicas, replicas_min, replicas_max, cpu, memory, env.NAME, config.KEY. Write it like `image_tag`.",
        ),
        (
            "change: { switch: { 'env.{{ flag }}': 'on' } }",
            "6:21: `change.switch[\"env.{{ flag }}\"]`: found the unknown variable `flag`, expected `service` or `environment`. Use an option of this command, or add one.",
        ),
        (
            "change: { set: { replicas: 1 }, set_path: [{ file: a.yaml, path: spec.a, value: 1 }] }",
            "6:43: `change.set_path`: found `set_path` beside `set`, expected one of the two. Remove one.",
        ),
        (
            "change: { set_path: [{ file: ../b.yaml, path: 'spec..a', document: Deployment, value: '{{ x }}' }, { path: a }] }",
            "6:30: `change.set_path[0].file`: found `../b.yaml`, expected a file within the service's place. Write it like `cronjob.yaml`.\n6:47: `change.set_path[0].path`: found `spec..a`, expected a way in a YAML file. Write a name of letters, digits, `_` and `-` after the dot, or `[\"any key\"]`.\n6:68: `change.set_path[0].document`: found `Deployment`, expected a document. Write it like `CronJob/report`, or its number from 0.\n6:87: `change.set_path[0].value`: found the unknown variable `x`, expected `service` or `environment`. Use an option of this command, or add one.\n6:100: `change.set_path[1]`: found no `file`, expected the key `file`. Add it, for example `file: cronjob.yaml`.\n6:100: `change.set_path[1]`: found no `value`, expected the key `value`. Add it, for example `file: cronjob.yaml`.",
        ),
        (
            "change: { set: { replicas: 1 } }\nflow: status",
            "7:7: `flow`: found `flow` beside `change`, expected one of the two. Remove one.",
        ),
    ];
    let found = table.map(|(rest, _)| (rest, mistakes(&format!("{TARGET}{rest}"))));
    assert_eq!(found, table.map(|(rest, said)| (rest, said.to_owned())));
}

#[test]
fn a_file_replaces_the_built_in_command_of_its_name() {
    let text = "name: status\nsummary: Mine\nflow: status\n";
    let commands = Commands::builtin().unwrap().with([Definition::parse(text, "status.yaml").unwrap()]);
    let usage: Vec<String> = commands.iter().map(|definition| commands.usage(definition)).collect();
    assert!(usage.contains(&"/status".to_owned()) && usage.len() == 26, "{usage:?}");
}

fn names(list: &Json) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

/// Whether `value` fits a schema made of the keywords that ours uses.
fn fits(value: &Json, schema: &Json) -> bool {
    let kinds: Vec<&str> = match &schema["type"] {
        Json::String(kind) => vec![kind],
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => vec![],
    };
    let is_kind = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        _ => value.is_boolean(),
    };
    let member = |name: &str| value.get(name);
    let known = |name: &str| match (schema["properties"].get(name), &schema["additionalProperties"]) {
        (Some(schema), _) => fits(&value[name], schema),
        (None, Json::Bool(false)) => false,
        (None, schema) => fits(&value[name], schema),
    };
    kinds.iter().any(is_kind)
        && (!value.is_object() || names(&schema["required"]).into_iter().all(|name| member(name).is_some()))
        && value.as_object().is_none_or(|members| members.keys().all(|name| known(name)))
        && value.as_array().is_none_or(|items| items.iter().all(|item| fits(item, &schema["items"])))
        && schema["enum"].as_array().is_none_or(|choices| choices.contains(value))
        && schema["oneOf"].as_array().is_none_or(|choices| {
            choices.iter().filter(|one| names(&one["required"]).into_iter().all(|name| member(name).is_some())).count()
                == 1
        })
}

#[test]
fn the_schema_accepts_what_the_loader_accepts_and_refuses_what_it_refuses() {
    let schema = command_schema();
    for (file, text) in Commands::builtin_files() {
        assert!(fits(&serde_yaml::from_str(text).unwrap(), &schema), "{file}");
    }
    let refused = [
        "flow: stauts",
        "colour: red\nflow: status",
        "",
        "flow: status\nchange: { set: { replicas: 1 } }",
        "flow: status\noptions: { a: { type: txt } }",
        "flow: status\noptions: { a: { required: true } }",
        "flow: status\noptions: { a: { type: text, colour: red } }",
        "change: { copy: {} }",
        "change: { restore: [replicas] }",
    ];
    for rest in refused {
        let text = format!("name: tune\nsummary: Tunes\n{rest}");
        assert!(!fits(&serde_yaml::from_str(&text).unwrap(), &schema), "{rest}");
        assert!(Definition::parse(&text, "tune.yaml").is_err(), "{rest}");
    }
}

#[test]
fn the_schema_beside_the_commands_is_the_one_that_the_loader_follows() {
    let published: Json = serde_json::from_str(include_str!("../../../../commands/schema.json")).unwrap();
    assert_eq!(published, command_schema());
}
