//! Reading GraphQL documents, for every simulator that speaks it.

/// Place in a document: line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub place: Place,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: Vec<Fragment>,
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub verb: String,
    pub name: Option<String>,
    pub variables: Vec<Variable>,
    pub selection: Vec<Selection>,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub name: String,
    pub ty: String,
    pub default: Option<Input>,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub name: String,
    pub on: String,
    pub selection: Vec<Selection>,
}

#[derive(Clone, Debug)]
pub(crate) enum Selection {
    Field(Field),
    Inline { on: Option<String>, selection: Vec<Selection> },
    Spread { name: String, place: Place },
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Vec<Entry>,
    pub selection: Vec<Selection>,
    pub place: Place,
    /// Where its selection begins, if it has one.
    pub below: Place,
}

/// A named value: an argument, or an entry of an input object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub input: Input,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub value: InputValue,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum InputValue {
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    /// A bare word, or text that came through a variable, which may stand for one.
    Word(String),
    /// Text from a variable.
    Given(String),
    List(Vec<Input>),
    Object(Vec<Entry>),
    Variable(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Mark(char),
    Spread,
    Name(String),
    Int(i64),
    Float(f64),
    Text(String),
    End,
}

impl Token {
    fn name(&self) -> String {
        match self {
            Self::Mark(mark) => format!("'{mark}'"),
            Self::Spread => "'...'".to_owned(),
            Self::Name(name) => format!("Name '{name}'"),
            Self::Int(number) => format!("Int '{number}'"),
            Self::Float(number) => format!("Float '{number}'"),
            Self::Text(text) => format!("String '{text}'"),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Document, SyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut document = Document::default();
    while *parser.peek() != Token::End {
        let place = parser.place();
        match parser.peek().clone() {
            Token::Mark('{') => {
                let selection = parser.selection()?;
                let verb = "query".to_owned();
                document.operations.push(Operation { verb, name: None, variables: Vec::new(), selection, place });
            }
            Token::Name(word) if word == "fragment" => {
                parser.next();
                let name = parser.name()?;
                parser.word("on")?;
                let on = parser.name()?;
                let selection = parser.selection()?;
                document.fragments.push(Fragment { name, on, selection });
            }
            Token::Name(verb) if matches!(verb.as_str(), "query" | "mutation" | "subscription") => {
                parser.next();
                let name = match parser.peek() {
                    Token::Name(_) => Some(parser.name()?),
                    _ => None,
                };
                let variables = parser.variables()?;
                parser.directives()?;
                let selection = parser.selection()?;
                document.operations.push(Operation { verb, name, variables, selection, place });
            }
            _ => return Err(parser.unexpected()),
        }
    }
    if document.operations.is_empty() {
        return Err(parser.unexpected());
    }
    Ok(document)
}

/// The names of the top-level fields of a request.
pub(crate) fn top_fields(text: &str) -> Vec<String> {
    let Ok(document) = parse(text) else { return Vec::new() };
    let fields = document.operations.into_iter().flat_map(|operation| operation.selection);
    fields
        .filter_map(|selection| match selection {
            Selection::Field(Field { name, .. }) => Some(name),
            _ => None,
        })
        .collect()
}

struct Parser {
    tokens: Vec<(Token, Place)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn place(&self) -> Place {
        self.tokens.get(self.at).or(self.tokens.last()).map(|(_, place)| *place).unwrap_or_default()
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn unexpected(&self) -> SyntaxError {
        SyntaxError { message: format!("Syntax Error: Unexpected {}.", self.peek().name()), place: self.place() }
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let message = format!("Syntax Error: Expected {what}, found {}.", self.peek().name());
        SyntaxError { message, place: self.place() }
    }

    fn skip(&mut self, mark: char) -> bool {
        let there = *self.peek() == Token::Mark(mark);
        self.at += usize::from(there);
        there
    }

    fn mark(&mut self, mark: char) -> Result<(), SyntaxError> {
        if self.skip(mark) { Ok(()) } else { Err(self.expected(&format!("'{mark}'"))) }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.expected("Name")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), SyntaxError> {
        match self.peek() {
            Token::Name(name) if name == word => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.expected(&format!("'{word}'"))),
        }
    }

    fn variables(&mut self) -> Result<Vec<Variable>, SyntaxError> {
        let mut variables = Vec::new();
        if !self.skip('(') {
            return Ok(variables);
        }
        while !self.skip(')') {
            let place = self.place();
            self.mark('$')?;
            let name = self.name()?;
            self.mark(':')?;
            let ty = self.ty()?;
            let default = if self.skip('=') { Some(self.input()?) } else { None };
            variables.push(Variable { name, ty, default, place });
        }
        Ok(variables)
    }

    fn ty(&mut self) -> Result<String, SyntaxError> {
        let mut ty = if self.skip('[') {
            let inner = self.ty()?;
            self.mark(']')?;
            format!("[{inner}]")
        } else {
            self.name()?
        };
        if self.skip('!') {
            ty.push('!');
        }
        Ok(ty)
    }

    /// Reads directives and forgets them.
    fn directives(&mut self) -> Result<(), SyntaxError> {
        while self.skip('@') {
            self.name()?;
            self.arguments()?;
        }
        Ok(())
    }

    fn selection(&mut self) -> Result<Vec<Selection>, SyntaxError> {
        self.mark('{')?;
        let mut selection = Vec::new();
        loop {
            if !selection.is_empty() && self.skip('}') {
                return Ok(selection);
            }
            let place = self.place();
            if *self.peek() == Token::Spread {
                self.next();
                match self.peek().clone() {
                    Token::Name(word) if word != "on" => {
                        let place = self.place();
                        let name = self.name()?;
                        self.directives()?;
                        selection.push(Selection::Spread { name, place });
                    }
                    token => {
                        let on = if token == Token::Name("on".to_owned()) {
                            self.next();
                            Some(self.name()?)
                        } else {
                            None
                        };
                        self.directives()?;
                        selection.push(Selection::Inline { on, selection: self.selection()? });
                    }
                }
                continue;
            }
            selection.push(Selection::Field(self.field(place)?));
        }
    }

    fn field(&mut self, place: Place) -> Result<Field, SyntaxError> {
        let first = self.name()?;
        let (alias, name) = if self.skip(':') { (Some(first), self.name()?) } else { (None, first) };
        let arguments = self.arguments()?;
        self.directives()?;
        let below = self.place();
        let selection = if *self.peek() == Token::Mark('{') { self.selection()? } else { Vec::new() };
        Ok(Field { alias, name, arguments, selection, place, below })
    }

    fn arguments(&mut self) -> Result<Vec<Entry>, SyntaxError> {
        if self.skip('(') { self.entries(')') } else { Ok(Vec::new()) }
    }

    fn entries(&mut self, close: char) -> Result<Vec<Entry>, SyntaxError> {
        let mut entries = Vec::new();
        while !self.skip(close) {
            let place = self.place();
            let name = self.name()?;
            self.mark(':')?;
            entries.push(Entry { name, input: self.input()?, place });
        }
        Ok(entries)
    }

    fn input(&mut self) -> Result<Input, SyntaxError> {
        let place = self.place();
        let value = match self.peek().clone() {
            Token::Mark('$') => {
                self.next();
                InputValue::Variable(self.name()?)
            }
            Token::Mark('[') => {
                self.next();
                let mut items = Vec::new();
                while !self.skip(']') {
                    items.push(self.input()?);
                }
                InputValue::List(items)
            }
            Token::Mark('{') => {
                self.next();
                InputValue::Object(self.entries('}')?)
            }
            token => {
                let value = match token {
                    Token::Int(number) => InputValue::Int(number),
                    Token::Float(number) => InputValue::Float(number),
                    Token::Text(text) => InputValue::Text(text),
                    Token::Name(word) => match word.as_str() {
                        "true" => InputValue::Bool(true),
                        "false" => InputValue::Bool(false),
                        "null" => InputValue::Null,
                        _ => InputValue::Word(word),
                    },
                    _ => return Err(self.unexpected()),
                };
                self.next();
                value
            }
        };
        Ok(Input { value, place })
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, Place)>, SyntaxError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line, mut start) = (0, 1, 0);
    while at < chars.len() {
        let place = Place { line, column: at - start + 1 };
        let c = chars[at];
        match c {
            '\n' => {
                line += 1;
                at += 1;
                start = at;
            }
            ' ' | '\t' | '\r' | ',' | '\u{feff}' => at += 1,
            '#' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '.' if chars[at..].starts_with(&['.', '.', '.']) => {
                tokens.push((Token::Spread, place));
                at += 3;
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '!' | '$' | '=' | '@' | '|' | '&' => {
                tokens.push((Token::Mark(c), place));
                at += 1;
            }
            '"' => {
                let (text, end) = string(&chars, at)
                    .ok_or_else(|| SyntaxError { message: "Syntax Error: Unterminated string.".to_owned(), place })?;
                line += chars[at..end].iter().filter(|c| **c == '\n').count();
                tokens.push((Token::Text(text), place));
                at = end;
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = (at..chars.len()).find(|end| !(chars[*end].is_ascii_alphanumeric() || chars[*end] == '_'));
                let end = end.unwrap_or(chars.len());
                tokens.push((Token::Name(chars[at..end].iter().collect()), place));
                at = end;
            }
            c if c.is_ascii_digit() || c == '-' => {
                let in_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
                let end = (at + 1..chars.len()).find(|end| !in_number(chars[*end])).unwrap_or(chars.len());
                let number: String = chars[at..end].iter().collect();
                let token = match (number.parse::<i64>(), number.parse::<f64>()) {
                    (Ok(number), _) => Token::Int(number),
                    (_, Ok(number)) => Token::Float(number),
                    _ => {
                        let message = format!("Syntax Error: Invalid number, expected digit but got: '{number}'.");
                        return Err(SyntaxError { message, place });
                    }
                };
                tokens.push((token, place));
                at = end;
            }
            c => return Err(SyntaxError { message: format!("Syntax Error: Unexpected character: '{c}'."), place }),
        }
    }
    tokens.push((Token::End, Place { line, column: at - start + 1 }));
    Ok(tokens)
}

/// The text of a string that starts at a quote, and the place after its end.
fn string(chars: &[char], start: usize) -> Option<(String, usize)> {
    let triple = ['"', '"', '"'];
    if chars[start..].starts_with(&triple) {
        let end = (start + 3..chars.len()).find(|at| chars[*at..].starts_with(&triple))?;
        let text: String = chars[start + 3..end].iter().collect();
        return Some((text.trim().to_owned(), end + 3));
    }
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        match *chars.get(at)? {
            '"' => return Some((text, at + 1)),
            '\n' => return None,
            '\\' => {
                at += 1;
                match *chars.get(at)? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let hex: String = chars.get(at + 1..at + 5)?.iter().collect();
                        text.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?).unwrap_or('\u{fffd}'));
                        at += 4;
                    }
                    other => text.push(other),
                }
            }
            c => text.push(c),
        }
        at += 1;
    }
}
