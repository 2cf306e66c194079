//! Translation of JavaScript regular expressions without flags into the syntax of the linear-time engine.
//!
//! Every literal is written as a code point, so that no character has a special meaning in the engine's syntax only.

use std::{fmt::Write, iter::Peekable, str::Chars};

/// An expression in the syntax of the engine.
#[derive(Debug, Default)]
pub(super) struct Translated {
    pub(super) text: String,
    pub(super) guards: Vec<Guard>,
}

/// A lookahead directly after a leading `^`: a separate expression, matched from the start of the text.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) text: String,
    /// True for `(?=`, false for `(?!`.
    pub(super) must_match: bool,
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
/// All characters except line ends.
const ANY: &str = r"[^\n\r\x{2028}\x{2029}]";

/// Translates an expression. The error is the reason.
pub(super) fn translate(text: &str) -> Result<Translated, String> {
    let mut rest = text;
    let mut guards = Vec::new();
    if let Some(mut behind) = text.strip_prefix('^') {
        while let Some(inner) = behind.strip_prefix("(?!").or_else(|| behind.strip_prefix("(?=")) {
            let must_match = behind.starts_with("(?=");
            let end = group_end(inner).ok_or("a `(` is not closed")?;
            let (body, _) = Translator::new(&inner[..end]).translate()?;
            guards.push(Guard { text: format!("^(?:{body})"), must_match });
            behind = &inner[end + 1..];
            if behind.starts_with(['*', '+', '?', '{']) {
                return Err("a quantifier has nothing to repeat".to_owned());
            }
        }
        rest = behind;
    }
    let (body, alternatives) = Translator::new(rest).translate()?;
    if guards.is_empty() {
        let anchor = if rest.len() < text.len() { "^" } else { "" };
        return Ok(Translated { text: format!("{anchor}{body}"), guards });
    }
    if alternatives {
        // In JavaScript, the lookaheads would apply to the first alternative only.
        return Err(unsupported("lookahead", if guards[0].must_match { "(?=" } else { "(?!" }));
    }
    Ok(Translated { text: format!("^{body}"), guards })
}

fn unsupported(construct: &str, written: &str) -> String {
    format!("the {construct} `{written}` is not supported, because expressions are matched in linear time: remove it")
}

/// Returns the position of the `)` that closes the group whose content starts the text.
fn group_end(text: &str) -> Option<usize> {
    let (mut depth, mut class, mut escaped) = (0_usize, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class && depth == 0 => return Some(at),
            ')' if !class => depth -= 1,
            _ => {}
        }
    }
    None
}

/// One element of a character class, or an escape.
enum Atom {
    Letter(char),
    /// The content of a class, and whether it is negated.
    Set(&'static str, bool),
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    depth: usize,
    /// Whether a quantifier may follow.
    repeatable: bool,
    /// Whether there is a `|` outside of groups.
    alternatives: bool,
}

impl<'a> Translator<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars().peekable(), out: String::new(), depth: 0, repeatable: false, alternatives: false }
    }

    /// Returns the translation, and whether it has alternatives outside of groups.
    fn translate(mut self) -> Result<(String, bool), String> {
        while let Some(letter) = self.rest.next() {
            let mut repeatable = true;
            match letter {
                '\\' => repeatable = self.escape()?,
                '[' => self.class()?,
                '(' => {
                    self.group()?;
                    repeatable = false;
                }
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or("a `)` has no matching `(`")?;
                    self.out.push(')');
                }
                '|' => {
                    self.alternatives |= self.depth == 0;
                    self.out.push('|');
                    repeatable = false;
                }
                '^' | '$' => {
                    self.out.push(letter);
                    repeatable = false;
                }
                '.' => self.out.push_str(ANY),
                '*' | '+' | '?' => {
                    self.repeat(&letter.to_string())?;
                    repeatable = false;
                }
                '{' => match self.count() {
                    Some(count) => {
                        self.repeat(&count)?;
                        repeatable = false;
                    }
                    None => self.letter('{'),
                },
                other => self.letter(other),
            }
            self.repeatable = repeatable;
        }
        if self.depth > 0 { Err("a `(` is not closed".to_owned()) } else { Ok((self.out, self.alternatives)) }
    }

    fn letter(&mut self, letter: char) {
        let _ = write!(self.out, "\\x{{{:X}}}", u32::from(letter));
    }

    fn repeat(&mut self, quantifier: &str) -> Result<(), String> {
        if !self.repeatable {
            return Err("a quantifier has nothing to repeat".to_owned());
        }
        self.out.push_str(quantifier);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        Ok(())
    }

    /// Parses the rest of `{2}`, `{2,}` or `{2,3}`. Anything else after `{` is literal and is not consumed.
    fn count(&mut self) -> Option<String> {
        let text: String = self.rest.clone().take_while(|letter| *letter != '}').take(20).collect();
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_count = match text.split_once(',') {
            None => number(&text),
            Some((min, max)) => number(min) && (max.is_empty() || number(max)),
        };
        if !is_count || self.rest.clone().nth(text.len()) != Some('}') {
            return None;
        }
        self.rest.by_ref().take(text.len() + 1).for_each(drop);
        Some(format!("{{{text}}}"))
    }

    /// Parses the text after `(`.
    fn group(&mut self) -> Result<(), String> {
        self.depth += 1;
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => self.out.push_str("?:"),
            Some(kind @ ('=' | '!')) => return Err(unsupported("lookahead", &format!("(?{kind}"))),
            Some('<') => {
                if let Some(kind) = self.rest.next_if(|letter| matches!(letter, '=' | '!')) {
                    return Err(unsupported("lookbehind", &format!("(?<{kind}")));
                }
                let name: String = self.rest.by_ref().take_while(|letter| *letter != '>').collect();
                let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(plain)
                {
                    return Err(format!("`{name}` is not a group name: letters, digits and `_` are allowed"));
                }
                let _ = write!(self.out, "?P<{name}>");
            }
            _ => return Err("a group begins with `(?`, but not with `(?:` or `(?<name>`".to_owned()),
        }
        Ok(())
    }

    /// Parses an escape outside of a class. Returns whether a quantifier may follow.
    fn escape(&mut self) -> Result<bool, String> {
        match self.rest.peek() {
            Some('b' | 'B') => {
                let word_boundary = if self.rest.next() == Some('b') { r"(?-u:\b)" } else { r"(?-u:\B)" };
                self.out.push_str(word_boundary);
                return Ok(false);
            }
            Some(digit @ '1'..='9') => return Err(unsupported("backreference", &format!("\\{digit}"))),
            Some('k') => return Err(unsupported("backreference", "\\k")),
            _ => {}
        }
        match self.escaped()? {
            Atom::Letter(letter) => self.letter(letter),
            Atom::Set(content, negated) => self.set(content, negated),
        }
        Ok(true)
    }

    fn set(&mut self, content: &str, negated: bool) {
        let _ = write!(self.out, "[{}{content}]", if negated { "^" } else { "" });
    }

    /// Parses an escape inside or outside of a class.
    fn escaped(&mut self) -> Result<Atom, String> {
        let letter = self.rest.next().ok_or("it ends with a `\\`")?;
        Ok(Atom::Letter(match letter {
            'd' | 'D' => return Ok(Atom::Set(DIGIT, letter == 'D')),
            'w' | 'W' => return Ok(Atom::Set(WORD, letter == 'W')),
            's' | 'S' => return Ok(Atom::Set(SPACE, letter == 'S')),
            't' => '\t',
            'n' => '\n',
            'v' => '\x0B',
            'f' => '\x0C',
            'r' => '\r',
            '0' if !self.rest.peek().is_some_and(char::is_ascii_digit) => '\0',
            'x' => self.code_point(2)?,
            'u' => self.code_point(4)?,
            other if other.is_ascii_alphanumeric() => return Err(format!("unknown escape `\\{other}`")),
            other => other,
        }))
    }

    fn code_point(&mut self, digits: usize) -> Result<char, String> {
        let text: String = self.rest.by_ref().take(digits).collect();
        let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(&text, 16).ok().filter(|_| plain);
        code.and_then(char::from_u32).ok_or_else(|| format!("`{text}` is not a character code"))
    }

    /// Parses a class up to its `]`.
    fn class(&mut self) -> Result<(), String> {
        const EVERYTHING: &str = r"\x{0}-\x{10FFFF}";
        let negated = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            self.set(EVERYTHING, !negated);
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        loop {
            let first = self.class_atom()?;
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|letter| letter != ']');
            if is_range {
                self.rest.next();
                match (first, self.class_atom()?) {
                    (Atom::Letter(first), Atom::Letter(last)) if first > last => {
                        return Err(format!("the range `{first}-{last}` is out of order"));
                    }
                    (Atom::Letter(first), Atom::Letter(last)) => {
                        self.letter(first);
                        self.out.push('-');
                        self.letter(last);
                    }
                    // A class cannot be the end of a range: the `-` is literal.
                    (first, last) => {
                        for atom in [first, Atom::Letter('-'), last] {
                            self.push_atom(&atom);
                        }
                    }
                }
            } else {
                self.push_atom(&first);
            }
            if self.rest.next_if_eq(&']').is_some() {
                self.out.push(']');
                return Ok(());
            }
        }
    }

    fn push_atom(&mut self, atom: &Atom) {
        match atom {
            Atom::Letter(letter) => self.letter(*letter),
            Atom::Set(content, negated) => self.set(content, *negated),
        }
    }

    fn class_atom(&mut self) -> Result<Atom, String> {
        match self.rest.next().ok_or("a `[` is not closed")? {
            '\\' if self.rest.next_if_eq(&'b').is_some() => Ok(Atom::Letter('\x08')),
            '\\' => self.escaped(),
            letter => Ok(Atom::Letter(letter)),
        }
    }
}

#[cfg(test)]
mod tests;
