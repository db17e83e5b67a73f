//! A value as people mean it: text, number, yes or no, nothing. Reading follows the core schema of YAML 1.2;
//! how a value is written so that every reader agrees is `write.rs`.

use std::fmt;

use serde_json::Value;

/// One value of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Nothing: `null`, `~` or empty. Read, never set.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number between `i64::MIN` and `u64::MAX`.
    Integer(i128),
    /// Any other number, in the digits it was given: `0.10` stays `0.10`.
    Float(String),
    /// Text.
    String(String),
}

/// Why a JSON value is no scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} is no single value. {}", self.remedy())]
pub struct NotAScalar {
    found: &'static str,
}

impl NotAScalar {
    /// What to give instead.
    pub fn remedy(&self) -> String {
        "Give a text, a number, `true` or `false`.".to_owned()
    }
}

impl Scalar {
    /// What a plain (unquoted) scalar is by the core schema of YAML 1.2: `on` and `1:30` are text, `0o14` is 12.
    pub fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        // Everything below starts with a sign, a dot or a digit, so that most text is done here.
        if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
            return Self::String(text.to_owned());
        }
        match integer(text) {
            Some(value) if in_range(value) => Self::Integer(value),
            Some(_) => Self::Float(text.to_owned()),
            None if is_float(text) => Self::Float(text.to_owned()),
            None => Self::String(text.to_owned()),
        }
    }

    /// The scalar that a JSON value is.
    ///
    /// # Errors
    /// For a list or an object.
    pub fn from_json(value: &Value) -> Result<Self, NotAScalar> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Bool(value) => Ok(Self::Bool(*value)),
            Value::Number(number) => Ok(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Integer(value.into()),
                (None, Some(value)) => Self::Integer(value.into()),
                (None, None) => Self::Float(number.to_string()),
            }),
            Value::String(text) => Ok(Self::String(text.clone())),
            Value::Array(_) => Err(NotAScalar { found: "a list" }),
            Value::Object(_) => Err(NotAScalar { found: "an object" }),
        }
    }

    /// The JSON value that this is. A float that JSON cannot write (`.inf`, `.nan`) is its text.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (Err(_), Ok(value)) => value.into(),
                (Err(_), Err(_)) => value.to_string().into(),
            },
            Self::Float(text) => text
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or_else(|| Value::String(text.clone()), Value::Number),
            Self::String(text) => Value::String(text.clone()),
        }
    }

    /// The text of a `String`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Float(_) => None,
        }
    }

    /// Whether this can be written: not null, an integer in range, a float that is one.
    pub(super) fn can_be_set(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(_) | Self::String(_) => true,
            Self::Integer(value) => in_range(*value),
            Self::Float(text) => matches!(Self::of_plain(text), Self::Float(_)),
        }
    }
}

/// The text of a value without quotes, for messages and cards.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(text) | Self::String(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}
impl From<u64> for Scalar {
    fn from(value: u64) -> Self {
        Self::Integer(value.into())
    }
}
impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

fn in_range(value: i128) -> bool {
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value)
}

/// `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`. A number beyond `i128` comes back as its largest.
fn integer(text: &str) -> Option<i128> {
    let digits = |digits: &str, radix: u32| {
        let fits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        fits.then(|| i128::from_str_radix(digits, radix).unwrap_or(i128::MAX))
    };
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    match text.strip_prefix('-') {
        Some(rest) => digits(rest, 10).map(|value| -value),
        None => digits(text.strip_prefix('+').unwrap_or(text), 10),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `[-+]?.inf`, `.nan`.
fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + fraction.len() > 0 && all_digits(whole) && all_digits(fraction);
    digits
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && all_digits(exponent)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let float = |text: &str| Scalar::Float(text.to_owned());
        for (text, expected) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("Null", Scalar::Null),
            ("nULL", "nULL".into()),
            ("True", true.into()),
            ("on", "on".into()),
            ("y", "y".into()),
            ("12", 12_i64.into()),
            ("-12", Scalar::Integer(-12)),
            ("+12", 12_i64.into()),
            ("012", 12_i64.into()),
            ("0o14", 12_i64.into()),
            ("0x1F", 31_i64.into()),
            ("-0x1F", "-0x1F".into()),
            ("0b11", "0b11".into()),
            ("1_000", "1_000".into()),
            ("1:30", "1:30".into()),
            ("18446744073709551615", u64::MAX.into()),
            ("18446744073709551616", float("18446744073709551616")),
            ("999999999999999999999999999999999999999999", float("999999999999999999999999999999999999999999")),
            ("1.10", float("1.10")),
            ("1.", float("1.")),
            (".5", float(".5")),
            ("1e3", float("1e3")),
            ("1.5E-3", float("1.5E-3")),
            ("-.inf", float("-.inf")),
            (".nan", float(".nan")),
            ("+.nan", "+.nan".into()),
            (".", ".".into()),
            ("-", "-".into()),
            ("1e", "1e".into()),
            ("1.2.3", "1.2.3".into()),
            ("2001-01-01", "2001-01-01".into()),
        ] {
            assert_eq!(Scalar::of_plain(text), expected, "{text}");
        }
    }

    #[test]
    fn json_goes_in_and_comes_out() {
        for json in ["null", "true", "-3", "18446744073709551615", "1.5", r#""1.5""#] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(Scalar::from_json(&value).unwrap().to_json(), value);
        }
        assert_eq!(Scalar::Float(".inf".into()).to_json(), Value::from(".inf"));
        assert!(Scalar::from_json(&Value::Array(vec![])).is_err());
        assert!(!Scalar::Float("1.x".into()).can_be_set());
        assert!(!Scalar::Null.can_be_set());
        assert!(!Scalar::Integer(i128::MAX).can_be_set());
    }
}
