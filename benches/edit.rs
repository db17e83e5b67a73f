//! One value set in files of 60 and 5,000 lines: our edit, proof included, beside programs without an edit engine
//! (serde_yaml reads the file and writes all of it again), beside npm's `yaml` at token level and Python's ruamel.yaml
//! where those are installed, and beside the least that any of them must do (read the file's events once). All in one
//! run, turn by turn, in processor time: the ratios count, not the times. Then what an edit costs for each KB up to 5 MB.

use std::{
    error::Error,
    fmt::Write as _,
    hint::black_box,
    io::{self, Write as _},
    path::{Path as FilePath, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use granit_parser::Parser;
use leverframe::core::yaml::{self, Assignment, Document, Path};
use serde::Deserialize as _;
use serde_json::{Value as Json, json};
use serde_yaml::{Deserializer, Value};

/// What every contestant sets.
const NEW_IMAGE: &str = "registry.example.com/shop/checkout:v1.2.5";

/// How often each contestant gets its turn; the ratios are between turns that lie beside each other.
const ROUNDS: usize = 3;

/// npm's `yaml` must take so many times as long.
const LIMIT: f64 = 4.0;

type Outcome = Result<String, Box<dyn Error>>;

/// A contestant's name, its time, and whether only the wanted bytes changed.
type Turn = (String, Duration, bool);

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let others = Others::look(&mut out)?;
    for (documents, calls) in [(1, 500), (82, 40)] {
        let text = manifest(documents);
        compare(&mut out, &text, documents - 1, (calls, &others))?;
    }
    writeln!(out, "\nwhat an edit costs, the last value of the file set and proven")?;
    writeln!(out, "{:>10} {:>28} {:>28}", "size", "many documents", "one list")?;
    for (kilobytes, calls) in [(10, 100), (100, 20), (1_000, 5), (5_000, 3)] {
        let documents = kilobytes * 1_000 / manifest(1).len() + 1;
        let many = cost(&manifest(documents), &format!("{}", documents - 1), IMAGE, calls)?;
        let (text, path) = list(kilobytes);
        let one = cost(&text, "0", &path, calls)?;
        writeln!(out, "{kilobytes:>7} KB {many:>28} {one:>28}")?;
    }
    Ok(())
}

const IMAGE: &str = "spec.template.spec.containers[name=app].image";

/// A file as people write it, with comments and quotes, of so many Deployments of 60 lines each.
fn manifest(count: usize) -> String {
    let mut documents = Vec::new();
    for number in 0..count {
        let mut text = format!(
            "# Owned by the shop team, see the runbook.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  \
             name: checkout-{number}   # one per region\n  labels: {{ app: \"checkout\", tier: 'backend' }}\nspec:\n  \
             replicas: 3\n  template:\n    spec:\n      containers:\n        - name: app\n          \
             image: registry.example.com/shop/checkout:v1.2.4   # moved by levers\n          env:\n"
        );
        for variable in 0..23 {
            let _ = writeln!(text, "            - name: SETTING_{variable}\n              value: \"{variable}\"");
        }
        documents.push(text);
    }
    documents.join("---\n")
}

/// One list of about so many KB, and the path of its last image.
fn list(kilobytes: usize) -> (String, String) {
    let item = "- name: app # c\n  image: registry.example.com/shop/checkout:v1.2.4\n  args: [\"--a\", '--b']\n";
    let count = kilobytes * 1_000 / item.len();
    (item.repeat(count), format!("[{}].image", count.saturating_sub(1)))
}

/// One table: every contestant on one file.
fn compare(
    out: &mut impl io::Write,
    text: &str,
    last: usize,
    (calls, others): (u32, &Others),
) -> Result<(), Box<dyn Error>> {
    let wanted = edited(text, &last.to_string(), IMAGE)?;
    writeln!(out, "\n{} lines, {} bytes", text.lines().count(), text.len())?;
    let mut rows: Vec<(String, Vec<f64>, bool)> = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..ROUNDS {
        let mut turn: Vec<Turn> = Vec::new();
        let (time, _) = mean(calls, &|| edited(text, &last.to_string(), IMAGE))?;
        ours.push(time);
        let (least, _) = mean(calls, &|| events(text))?;
        turn.push(("every event read once".to_owned(), least, true));
        let (again, written) = mean(calls, &|| serialised_again(text, last))?;
        turn.push(("serde_yaml, written again".to_owned(), again, written == wanted));
        turn.extend(others.turn(text, last, &wanted)?);
        for (name, time, exact) in turn {
            let ratio = time.as_secs_f64() / ours.last().map_or(1.0, Duration::as_secs_f64);
            match rows.iter_mut().find(|(own, ..)| *own == name) {
                Some((_, ratios, _)) => ratios.push(ratio),
                None => rows.push((name, vec![ratio], exact)),
            }
        }
    }
    ours.sort_unstable();
    writeln!(out, "  ours, proven              {:>9.1?}  exact", ours.get(ROUNDS / 2).copied().unwrap_or_default())?;
    for (name, mut ratios, exact) in rows {
        ratios.sort_by(f64::total_cmp);
        let [low, middle, high] =
            [0, ratios.len() / 2, ratios.len() - 1].map(|at| ratios.get(at).copied().unwrap_or(0.0));
        let exact = if exact { "exact" } else { "not exact" };
        let verdict = match name.contains("tokens") {
            true if middle >= LIMIT => format!("; at least {LIMIT}x asked: met"),
            true => format!("; at least {LIMIT}x asked: NOT met"),
            false => String::new(),
        };
        writeln!(out, "  {name:<25} {middle:>8.2}x  ({low:.2} to {high:.2})  {exact}{verdict}")?;
    }
    Ok(())
}

/// Ours: the bytes of one value replaced, and proven.
fn edited(text: &str, document: &str, path: &str) -> Outcome {
    let assignment = Assignment::new(Document::parse(document)?, Path::parse(path)?, NEW_IMAGE);
    Ok(yaml::set(text, &[assignment])?.text)
}

/// The baseline: every document read into values and written again.
fn serialised_again(text: &str, last: usize) -> Outcome {
    let mut written = Vec::new();
    for (number, document) in Deserializer::from_str(text).enumerate() {
        let mut value = Value::deserialize(document)?;
        if number == last {
            let image =
                ["spec", "template", "spec", "containers"].iter().try_fold(&mut value, |at, key| at.get_mut(key));
            let image = image.and_then(|containers| containers.get_mut(0)?.get_mut("image"));
            *image.ok_or("the image is not there")? = NEW_IMAGE.into();
        }
        written.push(serde_yaml::to_string(&value)?);
    }
    Ok(written.join("---\n"))
}

/// The least: every event of the file once.
fn events(text: &str) -> Outcome {
    for event in Parser::new_from_str(text) {
        black_box(event?);
    }
    Ok(String::new())
}

/// The processor time of one call, over `calls` of them, and what it gave. Time on the clock would count what else the
/// machine does.
fn mean(calls: u32, call: &dyn Fn() -> Outcome) -> Result<(Duration, String), Box<dyn Error>> {
    let (mut given, started) = (String::new(), processor_time()?);
    for _ in 0..calls {
        given = black_box(call()?);
    }
    Ok((processor_time()?.saturating_sub(started) / calls, given))
}

/// How long this thread has run; on systems that do not say, the time on the clock.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    static START: OnceLock<Instant> = OnceLock::new();
    let started = *START.get_or_init(Instant::now);
    let Ok(said) = std::fs::read_to_string("/proc/thread-self/schedstat") else { return Ok(started.elapsed()) };
    let nanoseconds = said.split(' ').next().ok_or("the system says no time")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// The time of an edit, in all and for each KB.
fn cost(text: &str, document: &str, path: &str, calls: u32) -> Outcome {
    let (time, _) = mean(calls, &|| edited(text, document, path))?;
    let each = time.as_secs_f64() * 1e9 / text.len() as f64;
    Ok(format!("{time:.2?}, {each:.1} \u{b5}s/KB"))
}

/// The programs that others run, as far as they are there.
struct Others {
    /// Name, program and what it is called with before the folder and the seconds.
    found: Vec<(&'static str, Vec<String>)>,
}

impl Others {
    /// Looks for them, and says how to have those that are missing.
    fn look(out: &mut impl io::Write) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "where the baselines lie is for this bench alone to know")]
        let folder = std::env::var("LEVERFRAME_SHARED").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|_| FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
        let script = |name: &str| folder.join("bench/yaml").join(name);
        let mut found = Vec::new();
        for (name, program, probe, file, library, remedy) in [
            ("npm yaml, its tokens", "node", ["-e", "require('yaml')"], "yaml_js.cjs", "yaml-cst", NODE),
            ("npm yaml, its documents", "node", ["-e", "require('yaml')"], "yaml_js.cjs", "yaml-doc", NODE),
            ("ruamel.yaml", "python3", ["-c", "import ruamel.yaml"], "yaml_py.py", "ruamel-tuned", PYTHON),
        ] {
            let probed = Command::new(program).args(probe).stdout(Stdio::null()).stderr(Stdio::null()).status();
            let file = script(file);
            if probed.is_ok_and(|status| status.success()) && file.is_file() {
                let words = [program, &file.to_string_lossy(), "time", library].map(str::to_owned);
                found.push((name, words.to_vec()));
            } else {
                writeln!(out, "not measured: {name}. {remedy}")?;
            }
        }
        Ok(Self { found })
    }

    /// One turn of each, in processor time.
    fn turn(&self, text: &str, last: usize, wanted: &str) -> Result<Vec<Turn>, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = json!(["spec", "template", "spec", "containers", 0, "image"]);
        let task = json!([{ "file": "x.yaml", "doc": last, "path": path, "new": NEW_IMAGE, "lines": 0 }]);
        for (name, content) in [("x.yaml", text), ("x.yaml.ideal", wanted), ("gen.json", &task.to_string())] {
            std::fs::write(folder.path().join(name), content)?;
        }
        let mut turn = Vec::new();
        for (name, words) in &self.found {
            let Some((program, arguments)) = words.split_first() else { continue };
            let done = Command::new(program).args(arguments).arg(folder.path()).arg("2").output()?;
            let said = String::from_utf8_lossy(&done.stdout);
            let said: Json = serde_json::from_str(&said)
                .map_err(|_| format!("{name}: {}", String::from_utf8_lossy(&done.stderr)))?;
            let each = said.get("ops_per_cpu_s").and_then(Json::as_f64).ok_or("a baseline said no time")?;
            let exact = said.get("exact").and_then(Json::as_bool).unwrap_or(false);
            turn.push(((*name).to_owned(), Duration::from_secs_f64(1.0 / each), exact));
        }
        Ok(turn)
    }
}

const NODE: &str =
    "Run `npm install --prefix target/baselines yaml@2.9.1`, and this with NODE_PATH=target/baselines/node_modules.";
const PYTHON: &str = "Run `pip install ruamel.yaml==0.19.1`; the scripts lie in `bench/yaml` beside the project.";
