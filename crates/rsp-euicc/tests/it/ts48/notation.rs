//! ASN.1 value notation (X.680 clause 17 and on), as far as the generic test profiles use it. Of this test alone: what it says
//! about a package must not come from the code that the package is installed with.

/// A value as it is written down.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Number(u32),
    Text,
    /// NULL, or the name of an enumerated value.
    Word(String),
    /// `name : value`.
    Choice(String, Box<Value>),
    /// `{ 2 23 143 … }`.
    Identifier(Vec<u32>),
    /// Components with their names, or elements without.
    Braces(Vec<(Option<String>, Value)>),
}

impl Value {
    /// The component of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.components().iter().find_map(|(other, value)| (other.as_deref() == Some(name)).then_some(value))
    }

    pub(crate) fn components(&self) -> &[(Option<String>, Value)] {
        match self {
            Self::Braces(items) => items,
            other => panic!("components of {other:?}"),
        }
    }

    /// Elements of a list.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Value> {
        self.components().iter().map(|(name, value)| {
            assert!(name.is_none(), "{name:?} in a list");
            value
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            other => panic!("bytes of {other:?}"),
        }
    }

    /// Bytes of an optional component.
    pub(crate) fn bytes_of(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(Value::bytes)
    }

    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::Number(number) => *number,
            other => panic!("the number of {other:?}"),
        }
    }

    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Word(word) => word,
            other => panic!("the word of {other:?}"),
        }
    }

    pub(crate) fn choice(&self) -> (&str, &Value) {
        match self {
            Self::Choice(name, value) => (name, value),
            other => panic!("the choice of {other:?}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(u32),
    Bytes(Vec<u8>),
    Text,
    Sign(char),
    Assigned,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    // Some of the files begin with a byte order mark.
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '{' | '}' | ',' => (Token::Sign(first), 1),
            ':' if rest.starts_with("::=") => (Token::Assigned, 3),
            ':' => (Token::Sign(':'), 1),
            '"' => (Token::Text, rest[1..].find('"').expect("the end of a text") + 2),
            '\'' => {
                let end = rest[1..].find('\'').expect("the end of a string") + 1;
                assert_eq!(&rest[end + 1..end + 2], "H");
                (Token::Bytes(hex::decode(&rest[1..end]).expect("hexadecimal")), end + 2)
            }
            _ => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
                assert!(length > 0, "{first:?} is not part of a value");
                let word = &rest[..length];
                (word.parse().map_or_else(|_| Token::Word(word.to_owned()), Token::Number), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Reads a file of `name ProfileElement ::= kind : value`: the kinds and their values, in order.
pub(crate) fn read(text: &str) -> Vec<(String, Value)> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens };
    let mut elements = Vec::new();
    while !reader.tokens.is_empty() {
        let [Token::Word(_), Token::Word(kind), Token::Assigned, ..] = reader.tokens else { panic!("an assignment") };
        assert_eq!(kind, "ProfileElement");
        reader.tokens = &reader.tokens[3..];
        match reader.value() {
            Value::Choice(kind, value) => elements.push((kind, *value)),
            other => panic!("{other:?} is no element"),
        }
    }
    elements
}

struct Reader<'a> {
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn next(&mut self) -> Token {
        let (first, rest) = self.tokens.split_first().expect("a token");
        self.tokens = rest;
        first.clone()
    }

    fn at(&self, place: usize, sign: char) -> bool {
        self.tokens.get(place) == Some(&Token::Sign(sign))
    }

    fn value(&mut self) -> Value {
        match self.next() {
            Token::Bytes(bytes) => Value::Bytes(bytes),
            Token::Number(number) => Value::Number(number),
            Token::Text => Value::Text,
            Token::Word(name) if self.at(0, ':') => {
                self.next();
                Value::Choice(name, Box::new(self.value()))
            }
            Token::Word(word) => Value::Word(word),
            Token::Sign('{') => self.braces(),
            other => panic!("{other:?} is no value"),
        }
    }

    fn braces(&mut self) -> Value {
        if let [Token::Number(_), Token::Number(_), ..] = self.tokens {
            let mut arcs = Vec::new();
            loop {
                match self.next() {
                    Token::Number(arc) => arcs.push(arc),
                    Token::Sign('}') => return Value::Identifier(arcs),
                    other => panic!("{other:?} in an object identifier"),
                }
            }
        }
        let mut items = Vec::new();
        while !self.at(0, '}') {
            let alone = [',', '}', ':'].iter().any(|sign| self.at(1, *sign));
            let name = match self.tokens.first() {
                Some(Token::Word(name)) if !alone => Some(name.clone()),
                _ => None,
            };
            if name.is_some() {
                self.next();
            }
            items.push((name, self.value()));
            if self.at(0, ',') {
                self.next();
            } else {
                assert!(self.at(0, '}'), "a comma or the end: {:?}", &self.tokens[..3]);
            }
        }
        self.next();
        Value::Braces(items)
    }
}
