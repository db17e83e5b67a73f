//! Every call that the bot makes to a cluster, and every answer of the look-alike, held against Kubernetes' own
//! description of its API and against the definitions that Argo CD and Flux bring along: there is such a resource, with
//! such parameters, such fields of such types, and a patch touches fields that there are.

use std::{collections::BTreeMap, fs};

use leverframe::play::exchange::Exchange;
use serde_json::{Value, json};

use crate::contract::shared;

const META: &str = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const STATUS: &str = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// The descriptions.
pub(crate) struct Described {
    kubernetes: Value,
    /// By group and plural: the schema of a kind that was brought along.
    brought: BTreeMap<(String, String), Value>,
}

/// Whether a value is all of an object, or the part of it that a merge patch names.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Whole,
    Patch,
}

/// What a path of the API names.
struct Named<'p> {
    group: &'p str,
    plural: &'p str,
    /// Whether it is one object, and not all of a kind.
    is_one: bool,
}

impl Described {
    /// `None`, said, where they are not here.
    pub(crate) fn here() -> Option<Self> {
        let kubernetes = shared("contracts/kubernetes/openapi.swagger2.trimmed.json")?;
        let kubernetes = serde_json::from_slice(&fs::read(kubernetes).unwrap()).unwrap();
        let mut brought = BTreeMap::new();
        for file in fs::read_dir(shared("contracts/kubernetes/crds")?).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            if !["Application\n", "Kustomization\n", "GitRepository\n"]
                .iter()
                .any(|kind| text.contains(&format!("kind: {kind}")))
            {
                continue;
            }
            let definition: Value = serde_yaml::from_str(&text).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let spec = &definition["spec"];
            let stored =
                spec["versions"].as_array().unwrap().iter().find(|version| version["storage"] == true).unwrap();
            let schema = stored["schema"]["openAPIV3Schema"].clone();
            brought.insert((text(&spec["group"]), text(&spec["names"]["plural"])), schema);
        }
        Some(Self { kubernetes, brought })
    }

    /// Judges one exchange; gives what it was: `PATCH apps/deployments`. What everybody may ask is none of these.
    pub(crate) fn judge(&self, exchange: &Exchange) -> Option<String> {
        let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
        let named = named(path)?;
        let schema = self.schema(&named).unwrap_or_else(|| panic!("there is no {}/{}", named.group, named.plural));
        let known = self.parameters(if named.is_one { "{name}" } else { "" }, &exchange.method);
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            assert!(known.contains(&name.as_ref()), "{} {path} knows no `{name}`, only {known:?}", exchange.method);
        }
        let what = format!("{} {}/{}", exchange.method, named.group, named.plural);
        match &exchange.body {
            Some(Value::Array(steps)) => steps.iter().for_each(|step| self.step(schema, step, &what)),
            Some(body) => self.fits(schema, body, Of::Patch, &format!("{what}: ")),
            None => assert_eq!(exchange.method, "GET", "{path}"),
        }
        if let Some(response) = &exchange.response {
            self.answer(schema, &named, (exchange.status, response), &what);
        }
        Some(what)
    }

    fn answer(&self, schema: &Value, named: &Named<'_>, (status, response): (Option<u16>, &Value), what: &str) {
        if status.is_some_and(|status| status >= 400) {
            return self.fits(self.at(STATUS), response, Of::Whole, &format!("{what} failed: "));
        }
        if named.is_one {
            return self.object(schema, response, what);
        }
        for member in ["kind", "apiVersion", "metadata"] {
            assert!(response[member].is_string() || member == "metadata", "{what}: a list without `{member}`");
        }
        for item in response["items"].as_array().unwrap() {
            self.object(schema, item, what);
        }
    }

    fn object(&self, schema: &Value, object: &Value, what: &str) {
        self.fits(schema, object, Of::Whole, &format!("{what} gave "));
        // Of what was brought along the schema leaves this to Kubernetes.
        self.fits(self.at(META), &object["metadata"], Of::Whole, &format!("{what} gave metadata"));
    }

    /// One step of a JSON patch (RFC 6902): it leads to a field that there is, with a value of its type.
    fn step(&self, schema: &Value, step: &Value, what: &str) {
        let op = step["op"].as_str().unwrap();
        assert!(["add", "remove", "replace", "test"].contains(&op), "{what}: {step}");
        let mut at = schema;
        for name in step["path"].as_str().unwrap().strip_prefix('/').unwrap().split('/') {
            let name = name.replace("~1", "/").replace("~0", "~");
            at = self.below(at, &name).unwrap_or_else(|| panic!("{what}: nothing is at {step}"));
        }
        if op == "remove" {
            assert!(step["value"].is_null(), "{what}: {step}");
        } else {
            self.fits(at, &step["value"], Of::Whole, &format!("{what} {}: ", step["path"]));
        }
    }

    /// The schema of a member or an element.
    fn below<'d>(&'d self, schema: &'d Value, name: &str) -> Option<&'d Value> {
        let schema = self.resolved(schema);
        let found = match schema["type"].as_str() {
            Some("array") => &schema["items"],
            _ if schema["properties"][name].is_object() => &schema["properties"][name],
            _ if name == "metadata" || schema["additionalProperties"].is_object() => match name {
                "metadata" => self.at(META),
                _ => &schema["additionalProperties"],
            },
            _ => return None,
        };
        // The schemas of what was brought along say of metadata only that it is an object.
        let bare = name == "metadata" && found["properties"].is_null() && found["$ref"].is_null();
        Some(if bare { self.at(META) } else { found })
    }

    fn fits(&self, schema: &Value, value: &Value, of: Of, at: &str) {
        let schema = self.resolved(schema);
        let is_free = schema["x-kubernetes-preserve-unknown-fields"] == true;
        let either = schema["format"] == "int-or-string" || schema["x-kubernetes-int-or-string"] == true;
        if (value.is_null() && of == Of::Patch) || (either && (value.is_i64() || value.is_string())) {
            return;
        }
        match schema["type"].as_str() {
            Some("string") => assert!(value.is_string(), "{at} is no text: {value}"),
            Some("integer") => assert!(value.is_i64() || value.is_u64(), "{at} is no whole number: {value}"),
            Some("number") => assert!(value.is_number(), "{at} is no number: {value}"),
            Some("boolean") => assert!(value.is_boolean(), "{at} is neither true nor false: {value}"),
            Some("array") => {
                for (place, item) in
                    value.as_array().unwrap_or_else(|| panic!("{at} is no list: {value}")).iter().enumerate()
                {
                    self.fits(&schema["items"], item, Of::Whole, &format!("{at}[{place}]"));
                }
            }
            _ => self.members(schema, value, of, (is_free, at)),
        }
        let choices = schema["enum"].as_array();
        assert!(choices.is_none_or(|choices| choices.contains(value)), "{at} is none of {choices:?}: {value}");
    }

    fn members(&self, schema: &Value, value: &Value, of: Of, (is_free, at): (bool, &str)) {
        let members = value.as_object().unwrap_or_else(|| panic!("{at} is no object: {value}"));
        let anything = is_free || (schema["properties"].is_null() && schema["additionalProperties"].is_null());
        for (name, value) in members {
            match self.below(schema, name) {
                Some(schema) => self.fits(schema, value, of, &format!("{at}.{name}")),
                None => assert!(anything, "{at} has no `{name}`"),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter(|_| of == Of::Whole) {
            assert!(members.contains_key(name.as_str().unwrap()), "{at} lacks {name}");
        }
    }

    fn schema(&self, named: &Named<'_>) -> Option<&Value> {
        if let Some(schema) = self.brought.get(&(named.group.to_owned(), named.plural.to_owned())) {
            return Some(schema);
        }
        let version = match named.group {
            "" => "/api/v1".to_owned(),
            "autoscaling" => "/apis/autoscaling/v2".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        let path = format!("{version}/namespaces/{{namespace}}/{}/{{name}}", named.plural);
        let schema = &self.kubernetes["paths"][path]["get"]["responses"]["200"]["schema"];
        schema.is_object().then(|| self.resolved(schema))
    }

    /// The parameters that a call of any kind may have; they are the same for all.
    fn parameters(&self, one: &str, method: &str) -> Vec<&str> {
        let path = format!("/apis/apps/v1/namespaces/{{namespace}}/deployments/{one}");
        let path = &self.kubernetes["paths"][path.trim_end_matches('/')];
        let all = [&path["parameters"], &path[method.to_lowercase()]["parameters"]];
        let all = all.into_iter().filter_map(Value::as_array).flatten().map(|one| self.resolved(one));
        all.filter(|one| one["in"] == "query").filter_map(|one| one["name"].as_str()).collect()
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        value["$ref"].as_str().map_or(value, |at| self.at(at))
    }

    fn at(&self, place: &str) -> &Value {
        self.kubernetes.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} is not described"))
    }
}

/// The resource in a path; none in what everybody may ask.
fn named(path: &str) -> Option<Named<'_>> {
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match steps.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", "authorization.k8s.io", ..] | ["version"] => return None,
        ["apis", group, _, rest @ ..] => (*group, rest),
        other => panic!("not one of Kubernetes' paths: {other:?}"),
    };
    let (plural, is_one) = match rest {
        ["namespaces", _, plural, _] => (*plural, true),
        ["namespaces", _, plural] | [plural] => (*plural, false),
        other => panic!("neither a resource nor one of it: {other:?}"),
    };
    Some(Named { group, plural, is_one })
}

fn exchange(method: &str, path: &str, body: Option<Value>) -> Exchange {
    Exchange { method: method.to_owned(), path: path.to_owned(), body, status: None, response: None }
}

/// Whoever judges must also say no.
#[test]
fn what_kubernetes_does_not_know_is_found() {
    let Some(described) = Described::here() else { return };
    let one = "/apis/apps/v1/namespaces/shop/deployments/checkout";
    let application = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/checkout-prod";
    let good = [
        (
            one,
            json!([{ "op": "test", "path": "/metadata/uid", "value": "u" }, { "op": "replace", "path": "/spec/replicas", "value": 5 }]),
        ),
        (one, json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "a:1" }])),
        (
            application,
            json!({ "metadata": { "annotations": { "a": null } }, "spec": { "syncPolicy": { "automated": null } } }),
        ),
    ];
    for (path, body) in good {
        described.judge(&exchange("PATCH", path, Some(body)));
    }
    let bad = [
        (format!("{one}?dryrun=All"), json!([])),
        (one.to_owned(), json!([{ "op": "replace", "path": "/spec/replica", "value": 5 }])),
        (one.to_owned(), json!([{ "op": "replace", "path": "/spec/replicas", "value": "5" }])),
        (one.to_owned(), json!([{ "op": "set", "path": "/spec/replicas", "value": 5 }])),
        (one.replace("deployments", "deployment"), json!([])),
        (application.to_owned(), json!({ "spec": { "syncPolicy": { "automatic": null } } })),
        (application.to_owned(), json!({ "metadata": { "annotation": {} } })),
    ];
    for (path, body) in bad {
        let asked = exchange("PATCH", &path, Some(body));
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| described.judge(&asked)));
        assert!(judged.is_err(), "{asked:?}");
    }
}
