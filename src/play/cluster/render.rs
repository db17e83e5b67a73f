//! What the branch says should run: kustomizations, plain manifests and Helm values, rendered into workloads.
//! Only what the demo repository uses is understood; a directory that does not parse is reported, not guessed at.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use serde_yaml::Value;

use super::objects::word;
use crate::play::history::Files;

/// A Deployment as the branch wants it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workload {
    /// The service it belongs to: a directory under `apps/`.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many pods.
    pub replicas: usize,
    /// The containers: name and image.
    pub containers: Vec<(String, String)>,
    /// The labels of its pods, which also select them.
    pub labels: BTreeMap<String, String>,
    /// The variables of each container, as its manifest has them: `env` and `envFrom`.
    pub settings: BTreeMap<String, Json>,
    /// The ConfigMaps beside it, by name.
    pub config_maps: BTreeMap<String, BTreeMap<String, String>>,
}

impl Workload {
    /// The version: the tag of the first container, or its digest.
    pub fn version(&self) -> String {
        let image = self.containers.first().map(|(_, image)| image.as_str()).unwrap_or_default();
        split(image).1.to_owned()
    }
}

/// The workloads of each service in one environment, or why its directory cannot be rendered.
pub(super) type Wanted = BTreeMap<String, Result<Vec<Workload>, String>>;

/// What the files want to run in an environment.
pub(super) fn desired(files: &Files, environment: &str) -> Wanted {
    let mut services = BTreeMap::new();
    for path in files.keys() {
        let mut steps = path.split('/');
        if let (Some("apps"), Some(service), Some(found)) = (steps.next(), steps.next(), steps.next())
            && found == environment
        {
            services.entry(service.to_owned()).or_insert_with(|| target(files, service, environment));
        }
    }
    services
}

fn target(files: &Files, service: &str, environment: &str) -> Result<Vec<Workload>, String> {
    let directory = format!("apps/{service}/{environment}");
    let manifests = if files.contains_key(&format!("{directory}/kustomization.yaml")) {
        kustomize(files, &directory, 0)?
    } else if let Some(values) = files.get(&format!("{directory}/values.yaml")) {
        return Ok(vec![helm(service, values)?]);
    } else {
        plain(files, &directory)?
    };
    let maps: BTreeMap<_, _> = manifests.iter().filter_map(config_map).collect();
    let deployments = manifests.iter().filter(|manifest| at(manifest, &["kind"]) == "Deployment");
    let workloads = deployments.map(|found| workload(service, found));
    workloads.map(|found| Ok(Workload { config_maps: maps.clone(), ..found? })).collect()
}

/// The name and the texts of a ConfigMap.
fn config_map(manifest: &Value) -> Option<(String, BTreeMap<String, String>)> {
    let name = at(manifest, &["metadata", "name"]).as_str().filter(|_| at(manifest, &["kind"]) == "ConfigMap")?;
    let data = at(manifest, &["data"]).as_mapping().into_iter().flatten();
    let data = data.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())));
    Some((name.to_owned(), data.collect()))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Kustomization {
    namespace: Option<String>,
    name_suffix: String,
    resources: Vec<String>,
    images: Vec<Image>,
    replicas: Vec<Count>,
    config_map_generator: Vec<Generator>,
}

/// A ConfigMap that is called after what it holds.
#[derive(Deserialize)]
struct Generator {
    name: String,
    #[serde(default)]
    literals: Vec<String>,
}

impl Generator {
    fn data(&self) -> BTreeMap<&str, &str> {
        self.literals.iter().filter_map(|literal| literal.split_once('=')).collect()
    }

    fn full_name(&self) -> String {
        // Kubernetes makes such names of these letters alone.
        let letter = |letter: char| "bcdfghkmt2456789".chars().nth(letter as usize % 16).unwrap_or('b');
        let hash: String = word(&format!("{:?}", self.data()), 10).chars().map(letter).collect();
        format!("{}-{hash}", self.name)
    }

    fn manifest(&self) -> Value {
        let made = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.full_name()}, "data": self.data()});
        serde_yaml::to_value(made).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    name: String,
    count: usize,
}

fn kustomize(files: &Files, directory: &str, depth: usize) -> Result<Vec<Value>, String> {
    let file = format!("{directory}/kustomization.yaml");
    let bytes = files.get(&file).ok_or_else(|| format!("{file}: there is no such file"))?;
    let kustomization: Kustomization = serde_yaml::from_slice(bytes).map_err(|error| format!("{file}: {error}"))?;
    let mut manifests = Vec::new();
    for resource in &kustomization.resources {
        let path = resolve(directory, resource);
        match files.get(&path) {
            Some(bytes) => manifests.extend(documents(&path, bytes)?),
            None if depth < 8 => manifests.extend(kustomize(files, &path, depth + 1)?),
            None => return Err(format!("{file}: the bases go in a circle")),
        }
    }
    manifests.extend(kustomization.config_map_generator.iter().map(Generator::manifest));
    for manifest in &mut manifests {
        kustomization.apply(manifest);
    }
    Ok(manifests)
}

impl Kustomization {
    fn apply(&self, manifest: &mut Value) {
        if let (Some(namespace), Some(metadata)) = (&self.namespace, manifest.get_mut("metadata")) {
            set(metadata, "namespace", namespace.as_str().into());
        }
        let name = at(manifest, &["metadata", "name"]).as_str().unwrap_or_default().to_owned();
        if let Some(count) = self.replicas.iter().find(|count| count.name == name)
            && let Some(spec) = manifest.get_mut("spec")
        {
            set(spec, "replicas", (count.count as u64).into());
        }
        let pods = manifest.get_mut("spec").and_then(|spec| spec.get_mut("template"));
        let containers = pods.and_then(|pods| pods.get_mut("spec")).and_then(|spec| spec.get_mut("containers"));
        self.rename(containers);
        if let (false, Some(metadata)) = (self.name_suffix.is_empty(), manifest.get_mut("metadata")) {
            set(metadata, "name", format!("{name}{}", self.name_suffix).into());
        }
    }

    /// The images of containers, and the ConfigMaps that they read.
    fn rename(&self, containers: Option<&mut Value>) {
        for container in containers.and_then(Value::as_sequence_mut).into_iter().flatten() {
            let image = at(container, &["image"]).as_str().unwrap_or_default().to_owned();
            for from in container.get_mut("envFrom").and_then(Value::as_sequence_mut).into_iter().flatten() {
                let made =
                    from.get_mut("configMapRef").and_then(|from| Some((from.get("name")?.as_str()?.to_owned(), from)));
                let generator = |name: &str| self.config_map_generator.iter().find(|made| made.name == name);
                if let Some((made, from)) = made.and_then(|(name, from)| Some((generator(&name)?, from))) {
                    set(from, "name", made.full_name().into());
                }
            }
            if let Some(entry) = self.images.iter().find(|entry| entry.name == split(&image).0) {
                set(container, "image", entry.rename(&image).into());
            }
        }
    }
}

impl Image {
    fn rename(&self, image: &str) -> String {
        let (_, version) = split(image);
        let name = self.new_name.as_ref().unwrap_or(&self.name);
        match (&self.digest, &self.new_tag) {
            (Some(digest), Some(tag)) => format!("{name}:{tag}@{digest}"),
            (Some(digest), None) => format!("{name}@{digest}"),
            (None, Some(tag)) => format!("{name}:{tag}"),
            (None, None) if version.is_empty() => name.clone(),
            (None, None) => format!("{name}:{version}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Values {
    #[serde(default = "one")]
    replica_count: usize,
    image: ImageValues,
}

#[derive(Deserialize)]
struct ImageValues {
    repository: String,
    tag: String,
}

fn one() -> usize {
    1
}

fn helm(service: &str, values: &[u8]) -> Result<Workload, String> {
    let values: Values = serde_yaml::from_slice(values).map_err(|error| format!("values.yaml: {error}"))?;
    let image = format!("{}:{}", values.image.repository, values.image.tag);
    Ok(Workload {
        service: service.to_owned(),
        namespace: service.to_owned(),
        name: service.to_owned(),
        replicas: values.replica_count,
        containers: vec![(service.to_owned(), image)],
        labels: BTreeMap::from([("app".to_owned(), service.to_owned())]),
        ..Workload::default()
    })
}

fn plain(files: &Files, directory: &str) -> Result<Vec<Value>, String> {
    let mut manifests = Vec::new();
    for (path, bytes) in files {
        let inside = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        if inside.is_some_and(|name| name.ends_with(".yaml") || name.ends_with(".yml")) {
            manifests.extend(documents(path, bytes)?);
        }
    }
    Ok(manifests)
}

fn documents(path: &str, bytes: &[u8]) -> Result<Vec<Value>, String> {
    let documents = serde_yaml::Deserializer::from_slice(bytes);
    documents.map(|document| Value::deserialize(document).map_err(|error| format!("{path}: {error}"))).collect()
}

fn workload(service: &str, manifest: &Value) -> Result<Workload, String> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let template = at(manifest, &["spec", "template"]);
    let containers: Vec<(String, String)> = at(template, &["spec", "containers"])
        .as_sequence()
        .into_iter()
        .flatten()
        .filter_map(|container| Some((word(at(container, &["name"]))?, word(at(container, &["image"]))?)))
        .collect();
    if containers.is_empty() {
        return Err("a Deployment without containers".to_owned());
    }
    let settings = at(template, &["spec", "containers"]).as_sequence().into_iter().flatten();
    let settings = settings.filter_map(|container| {
        let written = |name: &str| serde_json::to_value(at(container, &[name])).unwrap_or_default();
        let given = ["env", "envFrom"].map(|name| (name.to_owned(), written(name)));
        let given: serde_json::Map<String, Json> = given.into_iter().filter(|(_, value)| !value.is_null()).collect();
        Some((word(at(container, &["name"]))?, Json::Object(given)))
    });
    let settings = settings.collect();
    let labels = at(template, &["metadata", "labels"]).as_mapping().into_iter().flatten();
    let replicas = at(manifest, &["spec", "replicas"]).as_u64().unwrap_or(1);
    Ok(Workload {
        service: service.to_owned(),
        namespace: word(at(manifest, &["metadata", "namespace"])).unwrap_or_else(|| service.to_owned()),
        name: word(at(manifest, &["metadata", "name"])).ok_or("a Deployment without a name")?,
        replicas: usize::try_from(replicas).unwrap_or(usize::MAX).min(500),
        containers,
        labels: labels.filter_map(|(name, value)| Some((word(name)?, word(value)?))).collect(),
        settings,
        ..Workload::default()
    })
}

/// Where `resource` is, seen from `directory`.
fn resolve(directory: &str, resource: &str) -> String {
    let mut steps: Vec<&str> = directory.split('/').collect();
    for step in resource.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            _ => steps.push(step),
        }
    }
    steps.join("/")
}

fn set(value: &mut Value, member: &str, new: Value) {
    if let Some(mapping) = value.as_mapping_mut() {
        mapping.insert(member.into(), new);
    }
}

/// An image without its version, and its version: a digest, a tag or nothing.
pub(super) fn split(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, ""),
    }
}

/// What stands under these members, or null.
fn at<'a>(value: &'a Value, steps: &[&str]) -> &'a Value {
    const NULL: &Value = &Value::Null;
    steps.iter().fold(value, |value, step| value.get(*step).unwrap_or(NULL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::history::present;

    #[test]
    fn every_flavour_of_the_demo_is_rendered() {
        let shown = |environment: &str| -> Vec<String> {
            let desired = desired(&present(), environment);
            let workloads = desired.into_values().flat_map(|found| found.unwrap());
            workloads
                .map(|found| {
                    format!("{}/{} {} x{}", found.namespace, found.name, found.containers[0].1, found.replicas)
                })
                .collect()
        };
        let image = |service: &str| format!("registry.example.com/shop/{service}");
        assert_eq!(
            shown("staging"),
            [
                format!("cart/cart {}:v3.4.1 x1", image("cart")),
                format!("checkout/checkout {}:v1.2.4 x2", image("checkout")),
                format!("payments/payments {}:v5.1.0 x1", image("payments")),
                format!("search/search {}:2.9.0 x1", image("search")),
            ]
        );
        assert_eq!(
            shown("prod"),
            [
                format!("cart/cart {}:v3.4.1 x4", image("cart")),
                format!("checkout/checkout {}:v1.2.4 x3", image("checkout")),
                format!("payments/payments {}:v5.0.2 x6", image("payments")),
                format!("search/search {}:2.8.3 x3", image("search")),
            ]
        );
    }

    #[test]
    fn what_does_not_parse_is_reported_and_the_rest_rendered() {
        let mut files = present();
        files.insert("apps/cart/prod/cart.yaml".into(), b"a: [".to_vec());
        let desired = desired(&files, "prod");
        assert!(desired["cart"].as_ref().unwrap_err().contains("cart.yaml"));
        assert!(desired["search"].is_ok());
    }

    #[test]
    fn images_split_at_their_version() {
        assert_eq!(split("localhost:5000/a/b"), ("localhost:5000/a/b", ""));
        assert_eq!(split("localhost:5000/a/b:v1"), ("localhost:5000/a/b", "v1"));
        assert_eq!(split("a/b@sha256:00"), ("a/b", "sha256:00"));
    }
}
