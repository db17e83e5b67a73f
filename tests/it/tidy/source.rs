//! A Rust file as the rules see it: tokens with their lines (comments and literals gone), the modules written
//! inline, the paths that are named with `use` groups unfolded and `self`/`super` resolved, the attributes.
//! It is a reader for this house's own, formatted code and no parser of Rust.

use std::ops::Range;

/// One token. Comments, lifetimes and character literals leave none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier, keyword or number.
    Word(String),
    /// A string literal of any kind, without what it says.
    Literal,
    /// One punctuation character.
    Mark(char),
}

/// A path that the code names: `std::fs::read`, with where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// From 1.
    pub(crate) line: usize,
    /// `std`, `fs`, `read`; `*` for a glob.
    pub(crate) steps: Vec<String>,
    /// Whether a `use` brings it in, so that more can be reached through it.
    pub(crate) used: bool,
    /// Whether it stands in test code.
    pub(crate) in_tests: bool,
}

impl NamedPath {
    /// The path as it is written.
    pub(crate) fn text(&self) -> String {
        self.steps.join("::")
    }

    /// Whether this reaches into `place`, or brings in a module through which it could.
    pub(crate) fn reaches(&self, place: &[&str]) -> bool {
        let common = self.steps.iter().zip(place).take_while(|(step, place)| step == place).count();
        let opens = common == self.steps.len() || self.steps.get(common).is_some_and(|step| step == "*");
        common == place.len() || (self.used && opens)
    }
}

/// Whether a module of this name may hold test code.
pub(crate) fn is_test_module(name: &str) -> bool {
    matches!(name, "tests" | "properties")
}

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the package, with `/`.
    pub(crate) path: String,
    tokens: Vec<(usize, Token)>,
    modules: Vec<(String, Range<usize>)>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = Reader { chars: text.chars().collect(), at: 0, line: 1 }.tokens();
        let mut source = Self { path: path.to_owned(), tokens, modules: Vec::new() };
        source.modules = source.inline_modules();
        source
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test_file(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".rs");
        is_test_module(name) || name.ends_with("_tests") || self.path.split('/').any(|folder| folder == "tests")
    }

    /// Whether the token at `at` is test code.
    pub(crate) fn in_tests(&self, at: usize) -> bool {
        self.is_test_file() || self.modules.iter().any(|(name, range)| is_test_module(name) && range.contains(&at))
    }

    /// How many lines the inline test modules take.
    pub(crate) fn test_lines(&self) -> usize {
        let tests = self.modules.iter().filter(|(name, _)| is_test_module(name));
        tests.map(|(_, range)| self.line(range.end) - self.line(range.start) + 1).sum()
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(1, |(line, _)| *line)
    }

    pub(crate) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).map(|(_, token)| token)
    }

    pub(crate) fn word(&self, at: usize) -> Option<&str> {
        match self.token(at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn is(&self, at: usize, mark: char) -> bool {
        self.token(at) == Some(&Token::Mark(mark))
    }

    pub(crate) fn indexes(&self) -> Range<usize> {
        0..self.tokens.len()
    }

    /// The places of this word.
    pub(crate) fn places<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.indexes().filter(move |at| self.word(*at) == Some(word))
    }

    /// Where the bracket that opens at `open` closes; the last token when it does not.
    pub(crate) fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            match self.token(at) {
                Some(Token::Mark('(' | '[' | '{')) => depth += 1,
                Some(Token::Mark(')' | ']' | '}')) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len().saturating_sub(1)
    }

    /// The attributes, from their `#` to their `]`.
    pub(crate) fn attributes(&self) -> Vec<Range<usize>> {
        let open = |at: usize| if self.is(at + 1, '!') { at + 2 } else { at + 1 };
        let starts = self.indexes().filter(|at| self.is(*at, '#') && self.is(open(*at), '['));
        starts.map(|at| at..self.closing(open(at)) + 1).collect()
    }

    /// Every path of two steps or more, and every one that a `use` brings in.
    pub(crate) fn paths(&self) -> Vec<NamedPath> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let before = found.len();
            let begins = self.word(at).is_some_and(|word| word != "use");
            let next = if begins { self.path(at, &[], &mut found) } else { at + 1 };
            let before_it = if at >= 3 && self.is(at - 1, ':') { at - 3 } else { at.saturating_sub(1) };
            let used = self.word(before_it) == Some("use");
            found.iter_mut().skip(before).for_each(|path| path.used = used);
            at = next;
        }
        found.retain(|path| path.used || path.steps.len() > 1);
        found
    }

    /// Reads the path or `use` tree at `at`, whose steps follow `prefix`; gives the place after it.
    fn path(&self, at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
        let stands_in = prefix.is_empty() && matches!(self.word(at), Some("self" | "super"));
        let mut steps = if stands_in { self.inside(at) } else { prefix.to_vec() };
        let mut next = at;
        loop {
            match self.token(next) {
                Some(Token::Word(word)) if word == "super" => drop(steps.pop()),
                Some(Token::Word(word)) if word == "self" => {}
                Some(Token::Word(word)) => steps.push(word.clone()),
                Some(Token::Mark('*')) => steps.push("*".to_owned()),
                Some(Token::Mark('{')) => return self.group(next, &steps, found),
                _ => break,
            }
            next += 1;
            if !(self.is(next, ':') && self.is(next + 1, ':')) {
                break;
            }
            next += 2;
        }
        found.push(NamedPath { line: self.line(at), steps, used: false, in_tests: self.in_tests(at) });
        next
    }

    /// Reads the `{a, b::c}` of a `use` tree.
    fn group(&self, open: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
        let end = self.closing(open);
        let mut at = open + 1;
        while at < end {
            let begins = self.word(at).is_some() || self.is(at, '*') || self.is(at, '{');
            let after = if begins { self.path(at, prefix, found) } else { at };
            // What follows a path, such as `as name`, ends at the next comma.
            at = (after..end).find(|next| self.is(*next, ',')).unwrap_or(end) + 1;
        }
        end + 1
    }

    /// The module that the token at `at` stands in, as steps from `crate`.
    fn inside(&self, at: usize) -> Vec<String> {
        let file = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let file = file.strip_suffix("_tests").map_or(file.to_owned(), |of| format!("{of}/tests"));
        let folders = file.split('/').filter(|step| *step != "lib").map(ToOwned::to_owned);
        let inline = self.modules.iter().filter(|(_, range)| range.contains(&at)).map(|(name, _)| name.clone());
        std::iter::once("crate".to_owned()).chain(folders).chain(inline).collect()
    }

    fn inline_modules(&self) -> Vec<(String, Range<usize>)> {
        let opened = self.places("mod").filter(|at| self.is(at + 2, '{'));
        opened.filter_map(|at| Some((self.word(at + 1)?.to_owned(), at..self.closing(at + 2)))).collect()
    }
}

/// Takes a text apart into tokens.
struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn tokens(mut self) -> Vec<(usize, Token)> {
        let mut tokens = Vec::new();
        while let Some(next) = self.peek(0) {
            let line = self.line;
            if let Some(token) = self.token(next) {
                tokens.push((line, token));
            }
        }
        tokens
    }

    fn token(&mut self, next: char) -> Option<Token> {
        match (next, self.peek(1)) {
            ('/', Some('/')) => self.skip_while(|c| c != '\n'),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => return Some(self.quoted('"')),
            ('\'', Some('\\')) => drop(self.quoted('\'')),
            ('\'', _) if self.peek(2) == Some('\'') => self.skip(3),
            ('\'', _) => {
                self.skip(1);
                self.skip_while(is_word);
            }
            (c, _) if is_word(c) => return Some(self.word_or_literal()),
            (c, _) => {
                self.skip(1);
                return (!c.is_whitespace()).then_some(Token::Mark(c));
            }
        }
        None
    }

    fn word_or_literal(&mut self) -> Token {
        let start = self.at;
        self.skip_while(is_word);
        let word: String = self.chars.iter().take(self.at).skip(start).collect();
        let hashes = (0..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        let raw = matches!(word.as_str(), "r" | "br" | "cr") && self.peek(hashes) == Some('"');
        match (word.as_str(), self.peek(0)) {
            _ if raw => self.raw(hashes),
            ("b" | "c", Some('"')) => self.quoted('"'),
            ("b", Some('\'')) => self.quoted('\''),
            _ => Token::Word(word),
        }
    }

    fn quoted(&mut self, end: char) -> Token {
        self.skip(1);
        while let Some(c) = self.peek(0).filter(|c| *c != end) {
            self.skip(if c == '\\' { 2 } else { 1 });
        }
        self.skip(1);
        Token::Literal
    }

    fn raw(&mut self, hashes: usize) -> Token {
        self.skip(hashes + 1);
        let ends =
            |reader: &Self| reader.peek(0) == Some('"') && (1..=hashes).all(|ahead| reader.peek(ahead) == Some('#'));
        while self.peek(0).is_some() && !ends(self) {
            self.skip(1);
        }
        self.skip(hashes + 1);
        Token::Literal
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.skip(1);
                    continue;
                }
            }
            self.skip(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line += self.chars.iter().take(end).skip(self.at).filter(|c| **c == '\n').count();
        self.at = end;
    }

    fn skip_while(&mut self, goes_on: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&goes_on) {
            self.skip(1);
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
