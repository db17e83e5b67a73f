//! Quantities as Kubernetes writes them (`500m`, `1.5`, `512Mi`, `2e3`), compared without rounding.

/// A quantity in thousandths of its unit, rounded up; `None` for what is none.
pub(super) fn thousandths(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (digits, suffix) = text.split_at_checked(end)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') || digits.len() > 18 {
        return None;
    }
    let number: i128 = format!("{whole}{part}").parse().ok()?;
    let (up, down) = scale(suffix)?;
    let down = down.checked_mul(10_i128.checked_pow(u32::try_from(part.len()).ok()?)?)?;
    let scaled = number.checked_mul(up)?.checked_mul(1000)?;
    Some(scaled.div_euclid(down) + i128::from(scaled.rem_euclid(down) > 0))
}

/// What a suffix multiplies by, and divides by.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const THOUSAND: i128 = 1000;
    let binary = |power: u32| Some((1024_i128.checked_pow(power)?, 1));
    let decimal = |power: u32| Some((THOUSAND.checked_pow(power)?, 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, THOUSAND.pow(3))),
        "u" => Some((1, THOUSAND.pow(2))),
        "m" => Some((1, THOUSAND)),
        "k" => decimal(1),
        "M" => decimal(2),
        "G" => decimal(3),
        "T" => decimal(4),
        "P" => decimal(5),
        "E" => decimal(6),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => exponent(suffix.strip_prefix(['e', 'E'])?),
    }
}

fn exponent(text: &str) -> Option<(i128, i128)> {
    let power: i32 = text.parse().ok()?;
    let ten = 10_i128.checked_pow(power.unsigned_abs()).filter(|_| power.abs() <= 18)?;
    Some(if power < 0 { (1, ten) } else { (ten, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare_across_their_suffixes() {
        for (text, expected) in [
            ("1", Some(1000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("1536Mi", Some(1_610_612_736_000)),
            ("2e3", Some(2_000_000)),
            ("1E", Some(1_000_000_000_000_000_000_000)),
            ("1u", Some(1)),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("-1", None),
            ("1 Gi", None),
            ("1GB", None),
            ("many", None),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
