//! The YAML edit engine as a filter: `yaml_set FILE PATH VALUE [--document N] [--raw]` prints the edited file, or
//! refuses with exit code 1 and the reason on stderr. `yaml_set --batch` reads JSON lines
//! `{"text","document","path","value"}` and answers each with `{"text"}` or `{"refused":"reason"}`.

use std::{
    fs,
    io::{self, BufRead, BufWriter, Write},
    process::ExitCode,
};

use clap::Parser;
use leverframe::core::yaml::{self, Assignment, Document, Path, Refusal, Scalar};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Sets one value of a YAML file and prints the file; every other byte stays as it is.
#[derive(Parser)]
struct Arguments {
    /// The file.
    #[arg(required_unless_present = "batch")]
    file: Option<String>,
    /// The path of the value: `spec.containers[name=app].image`.
    #[arg(required_unless_present = "batch")]
    path: Option<Path>,
    /// The value, as text.
    #[arg(required_unless_present = "batch", allow_hyphen_values = true)]
    value: Option<String>,
    /// The document, from 0, or `Kind/name`.
    #[arg(long, default_value_t, conflicts_with = "batch")]
    document: Document,
    /// Takes the value as a JSON number or boolean.
    #[arg(long, conflicts_with = "batch")]
    raw: bool,
    /// Reads JSON lines from stdin and answers each on stdout.
    #[arg(long, conflicts_with_all = ["file", "path", "value"])]
    batch: bool,
}

/// One line of `--batch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(default)]
    document: Document,
    path: String,
    /// As it is written, so that a number keeps its digits.
    value: Box<RawValue>,
}

/// The answer to it.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Text(String),
    Refused(String),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match (&arguments.file, &arguments.path, &arguments.value) {
        (Some(file), Some(path), Some(value)) => {
            let Some(value) = given(value, arguments.raw) else {
                complain(&format!("`{value}` is not a JSON number or boolean. Leave `--raw` out to set it as text."));
                return ExitCode::from(2);
            };
            one(file, Assignment::new(arguments.document, path.clone(), value))
        }
        (None, _, _) | (_, None, _) | (_, _, None) => batch().map_err(|error| format!("stdin or stdout: {error}.")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&reason);
            ExitCode::FAILURE
        }
    }
}

/// The value that the command line means; a float keeps its digits.
fn given(text: &str, raw: bool) -> Option<Scalar> {
    if !raw {
        return Some(text.into());
    }
    match scalar(text).ok()? {
        value @ (Scalar::Float(_) | Scalar::Integer(_) | Scalar::Bool(_)) => Some(value),
        Scalar::Null | Scalar::String(_) => None,
    }
}

/// The scalar that a JSON text is; a float keeps its digits.
fn scalar(json: &str) -> Result<Scalar, String> {
    let value = serde_json::from_str(json).map_err(|error| format!("the value is not JSON: {error}."))?;
    match Scalar::from_json(&value).map_err(|error| error.to_string())? {
        Scalar::Float(_) => Ok(Scalar::Float(json.trim().to_owned())),
        value @ (Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_) | Scalar::String(_)) => Ok(value),
    }
}

fn one(file: &str, assignment: Assignment) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("{file}: {error}. Name a file that can be read."))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{file}: the file is not UTF-8. Convert it."))?;
    let edited = yaml::set(&text, &[assignment]).map_err(|refusal| format!("{file}: {}", reason(&refusal)))?;
    let mut out = io::stdout().lock();
    out.write_all(edited.text.as_bytes()).and_then(|()| out.flush()).map_err(|error| format!("stdout: {error}."))
}

fn batch() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        serde_json::to_writer(&mut out, &answer(&line?))?;
        out.write_all(b"\n")?;
        // Whoever asks line by line waits for each answer.
        out.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Answer {
    match edited(line) {
        Ok(text) => Answer::Text(text),
        Err(reason) => Answer::Refused(reason),
    }
}

fn edited(line: &str) -> Result<String, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| format!("the line is not a request: {error}."))?;
    let path = Path::parse(&line.path).map_err(|error| error.to_string())?;
    let value = scalar(line.value.get())?;
    let edited = yaml::set(&line.text, &[Assignment::new(line.document, path, value)]);
    edited.map(|edited| edited.text).map_err(|refusal| reason(&refusal))
}

/// The refusal in one line, the remedy last.
fn reason(refusal: &Refusal) -> String {
    format!("{refusal}. {}", refusal.remedy())
}

fn complain(reason: &str) {
    let _ = writeln!(io::stderr(), "{reason}");
}
