//! Templates of files: directories below `.leverframe/templates`, and the starters that come with Leverframe. Each file
//! of a template is a minijinja template, its name too. What comes out must be YAML where its name says so.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use minijinja::{Environment, Error, UndefinedBehavior, Value as Lent};

use super::{
    definition::{Action, Change},
    load::DefinitionError,
    registry::Commands,
    template::{in_words, lent},
    value::Value,
};
use crate::core::{
    located::{Place, Problem, Problems, either, nearest},
    names::RepoPath,
    yaml,
};

/// Where a repository's own templates are, each a directory. One of the name of a starter replaces it.
pub const FOLDER: &str = ".leverframe/templates";

static STARTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The most files of one template.
const MOST_FILES: usize = 32;
/// The most bytes of a file that is rendered.
const LARGEST: usize = 64 * 1024;
/// The most steps one rendering may take.
const FUEL: u64 = 50_000;
/// What templates know beside the options of the command.
const KNOWN: [&str; 9] =
    ["target", "environment", "namespace", "place", "root", "source", "image", "repository_url", "branch"];

/// The templates there are: their files by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    by_name: BTreeMap<String, BTreeMap<String, String>>,
}

/// A file that came out of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFile {
    /// Its path, as seen from where the template is rendered into.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// What templates know beside the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The service that it is about.
    pub target: String,
    /// Where.
    pub environment: String,
    /// The namespace there.
    pub namespace: String,
    /// The directory of its files, from the top of the repository.
    pub place: String,
    /// The way from there to the top: `../../..`.
    pub root: String,
    /// The directory of the service that an option names, from the top of the repository.
    pub source: Option<String>,
    /// The image of that service, where the catalog names it.
    pub image: Option<String>,
    /// The repository's address.
    pub repository_url: String,
    /// The branch that is followed.
    pub branch: String,
}

/// Why a template gives no files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    /// There is none of that name.
    #[error("There is no template `{name}`.")]
    Unknown {
        /// The name.
        name: String,
    },
    /// It fails for these values.
    #[error("The template `{file}` fails: {reason}.")]
    Fails {
        /// The file.
        file: String,
        /// What the template engine says.
        reason: String,
    },
    /// Its name is no path.
    #[error("`{path}`, which `{file}` would become, is no path of a file.")]
    NotAPath {
        /// The template's file.
        file: String,
        /// What came out.
        path: String,
    },
    /// What comes out is not what its name says, or too much.
    #[error("What comes out of `{file}` is no YAML: {reason}.")]
    NotYaml {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
}

impl TemplateRefusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { name } => format!("Write it as a directory: `{FOLDER}/{name}`."),
            Self::Fails { .. } | Self::NotAPath { .. } | Self::NotYaml { .. } => {
                "Give other values, or correct the template in git.".to_owned()
            }
        }
    }
}

impl Templates {
    /// The starters that come with Leverframe.
    pub fn starters() -> Self {
        let mut templates = Self::default();
        for directory in STARTERS.dirs() {
            let name = directory.path().display().to_string();
            for file in directory.files() {
                let path = file.path().strip_prefix(directory.path()).map(|path| path.display().to_string());
                if let (Ok(path), Some(text)) = (path, file.contents_utf8()) {
                    templates.by_name.entry(name.clone()).or_default().insert(path, text.to_owned());
                }
            }
        }
        templates
    }

    /// These and a repository's own, by path and text; a template that the repository has is all its own.
    ///
    /// # Errors
    /// When one of them does not parse, with its line and column.
    pub fn with<'a>(mut self, files: impl Iterator<Item = (&'a RepoPath, &'a str)>) -> Result<Self, DefinitionError> {
        let mut own: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (path, text) in files {
            let Some((name, file)) = within(path.as_str()) else { continue };
            if let Err(error) = engine().template_from_str(text) {
                return Err(Problems::new(path.as_str(), vec![problem(&error, text)]));
            }
            own.entry(name.to_owned()).or_default().insert(file.to_owned(), text.to_owned());
        }
        self.by_name.extend(own);
        Ok(self)
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Looks whether every template that a command names is there, and uses nothing that the command does not give.
    ///
    /// # Errors
    /// What does not fit, with its line and column; `file_of` names the file of a command.
    pub fn fit(&self, commands: &Commands, file_of: &dyn Fn(&str) -> String) -> Result<(), DefinitionError> {
        for definition in commands.iter() {
            let Action::Change(Change::Render(rendering)) = &definition.action else { continue };
            let options: Vec<&str> = definition.options.iter().map(|option| option.name.as_str()).collect();
            let others = KNOWN.into_iter().filter(|name| !options.contains(name));
            let known: Vec<&str> = options.iter().copied().chain(others).collect();
            for part in &rendering.parts {
                let Some(files) = self.by_name.get(&part.template) else {
                    let file = file_of(definition.name.as_str());
                    return Err(Problems::new(&file, vec![self.missing(&part.template, part.place)]));
                };
                for (name, text) in files {
                    let file = format!("{FOLDER}/{}/{name}", part.template);
                    unknown(text, &known).map_or(Ok(()), |problem| Err(Problems::new(&file, vec![problem])))?;
                }
            }
        }
        Ok(())
    }

    fn missing(&self, name: &str, place: Place) -> Problem {
        let names = || self.by_name.keys().map(String::as_str);
        let remedy = match nearest(name, names()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Write it as a directory: `{FOLDER}/{name}`."),
        };
        let key = "change.render".to_owned();
        Problem { place, key, found: format!("the template `{name}`"), expected: either(names()), remedy }
    }

    /// The files that a template gives for these values, by path.
    ///
    /// # Errors
    /// When there is no such template, or it gives no files for them.
    pub fn made(
        &self,
        name: &str,
        values: &BTreeMap<String, Value>,
        around: &Surroundings,
    ) -> Result<Vec<MadeFile>, TemplateRefusal> {
        let unknown = || TemplateRefusal::Unknown { name: name.to_owned() };
        let files = self.by_name.get(name).ok_or_else(unknown)?;
        let context = context(values, around);
        files.iter().take(MOST_FILES).map(|(file, text)| one(&format!("{name}/{file}"), file, text, &context)).collect()
    }
}

/// The template and the file in it that a path of a repository names.
fn within(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("quote", |text: &str| serde_json::Value::from(text).to_string());
    environment
}

fn context(values: &BTreeMap<String, Value>, around: &Surroundings) -> BTreeMap<String, Lent> {
    let Surroundings { target, environment, namespace, place, root, source, image, repository_url, branch } = around;
    let always = [target, environment, namespace, place, root].into_iter().map(Some);
    let all = always.chain([source.as_ref(), image.as_ref(), Some(repository_url), Some(branch)]);
    let around =
        KNOWN.into_iter().zip(all).filter_map(|(name, text)| Some((name.to_owned(), Lent::from(text?.as_str()))));
    let given = values.iter().map(|(name, value)| (name.clone(), lent(value)));
    around.chain(given).collect()
}

fn one(named: &str, file: &str, text: &str, context: &BTreeMap<String, Lent>) -> Result<MadeFile, TemplateRefusal> {
    let (engine, named) = (engine(), named.to_owned());
    let failed = |error: Error| TemplateRefusal::Fails { file: named.clone(), reason: in_words(&error) };
    let path = engine.render_str(file, context).map_err(failed)?;
    let made = engine.render_str(text, context).map_err(failed)?;
    if path.split('/').any(|step| matches!(step, "" | "." | "..")) || RepoPath::parse(&path).is_err() {
        return Err(TemplateRefusal::NotAPath { file: named, path });
    }
    if made.len() > LARGEST {
        return Err(TemplateRefusal::NotYaml { file: named, reason: format!("more than {LARGEST} bytes") });
    }
    if [".yaml", ".yml"].iter().any(|end| path.ends_with(end))
        && let Err(refusal) = yaml::tree(&made)
    {
        return Err(TemplateRefusal::NotYaml { file: named, reason: refusal.to_string() });
    }
    Ok(MadeFile { path, text: made })
}

/// Where a template does not parse.
fn problem(error: &Error, text: &str) -> Problem {
    let line = error.line().unwrap_or(1);
    let within = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let column = within.chars().position(|c| c == '{').map_or(1, |before| before + 1);
    Problem {
        place: Place { line, column },
        key: String::new(),
        found: format!("a template that does not parse ({})", in_words(error)),
        expected: "a template".to_owned(),
        remedy: "Write it like `{{ service }}`.".to_owned(),
    }
}

/// The first variable of a template that nobody gives it, where it stands.
fn unknown(text: &str, known: &[&str]) -> Option<Problem> {
    let engine = engine();
    let template = engine.template_from_str(text).ok()?;
    let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    used.sort();
    let is_global = |name: &str| engine.globals().any(|(global, _)| global == name);
    let name = used.into_iter().find(|name| !known.contains(&name.as_str()) && !is_global(name))?;
    let in_line = |line: &str| Some(line.get(..line.find(&name)?)?.chars().count() + 1);
    let place = text.lines().enumerate().find_map(|(at, line)| Some(Place { line: at + 1, column: in_line(line)? }));
    let remedy = match nearest(&name, known.iter().copied()) {
        Some(near) => format!("Did you mean `{{{{ {near} }}}}`?"),
        None => "Use an option of the command, or add one.".to_owned(),
    };
    Some(Problem {
        place: place.unwrap_or(Place::TOP),
        key: String::new(),
        found: format!("the unknown variable `{name}`"),
        expected: either(known.iter().copied()),
        remedy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            target: "shop".into(),
            environment: "staging".into(),
            namespace: "shop".into(),
            place: "apps/shop/staging".into(),
            root: "../../..".into(),
            source: None,
            image: None,
            repository_url: "https://git.example.com/a/b.git".into(),
            branch: "main".into(),
        }
    }

    fn made(text: &str) -> Result<Vec<MadeFile>, TemplateRefusal> {
        let path = RepoPath::parse(".leverframe/templates/mine/{{ target }}.yaml").unwrap();
        let templates = Templates::default().with(std::iter::once((&path, text))).unwrap();
        templates.made("mine", &BTreeMap::new(), &around())
    }

    #[test]
    fn names_and_texts_are_rendered() {
        let files =
            made("at: {{ root }}/x\n{% if image %}\nimage: {{ image }}\n{% endif %}\nend: {{ branch | quote }}\n");
        let expected = MadeFile { path: "shop.yaml".into(), text: "at: ../../../x\nend: \"main\"\n".into() };
        assert_eq!(files, Ok(vec![expected]));
    }

    #[test]
    fn what_is_missing_or_is_no_yaml_is_refused() {
        assert!(matches!(made("a: {{ image }}\n"), Err(TemplateRefusal::Fails { .. })));
        assert!(matches!(made("a: [\n"), Err(TemplateRefusal::NotYaml { .. })));
        let unknown = Templates::default().made("none", &BTreeMap::new(), &around()).unwrap_err();
        assert_eq!(unknown.remedy(), "Write it as a directory: `.leverframe/templates/none`.");
    }

    #[test]
    fn mistakes_have_a_line_and_a_column() {
        let path = RepoPath::parse(".leverframe/templates/mine/a.yaml").unwrap();
        let refused = Templates::default().with(std::iter::once((&path, "a: 1\nb: {{ x\n"))).unwrap_err();
        assert!(refused.to_string().starts_with(".leverframe/templates/mine/a.yaml:2:"), "{refused}");
        let problem = unknown("a: 1\nb: {{ servise }}\n", &["service"]).unwrap();
        assert_eq!(
            (problem.place, problem.remedy()),
            (Place { line: 2, column: 7 }, "Did you mean `{{ service }}`?".into())
        );
    }

    #[test]
    fn every_starter_fits_its_command() {
        let commands = Commands::builtin().unwrap();
        Templates::starters().fit(&commands, &|name| format!("commands/{name}.yaml")).unwrap();
    }
}
