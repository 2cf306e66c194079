//! Detection of numbers that 64-bit types cannot represent exactly.

/// Number of digits that every 64-bit float preserves: a shorter number needs no check.
const SAFE_DIGITS: usize = 15;
/// Half of the shortest run of digits that needs a check.
const HALF_RUN: usize = 8;
/// The most significant digits of a 64-bit float.
const MAX_SIGNIFICANT_DIGITS: usize = 767;

/// Returns whether a JSON text has a number that neither a 64-bit integer nor a 64-bit float represents exactly.
///
/// Such a number has a run of at least 16 digits, one of which may be its point, so that only every 16th byte is
/// checked. A sign ends a run, so that dates do not match.
pub(crate) fn has_inexact(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = SAFE_DIGITS;
    while at < bytes.len() {
        // A run that covers this byte also covers the eight bytes before it or the eight bytes after it.
        let digit = |at: usize| bytes.get(at).is_some_and(|byte| is_digit(*byte));
        let before = || digit(at - HALF_RUN) && digit(at - HALF_RUN / 2);
        if !digit(at) || !(before() || digit(at + HALF_RUN) && digit(at + HALF_RUN / 2)) {
            at += SAFE_DIGITS + 1;
            continue;
        }
        let start = bytes[..at].iter().rposition(|byte| !is_numeric(*byte)).map_or(0, |before| before + 1);
        let end = bytes[at..].iter().position(|byte| !is_numeric(*byte)).map_or(bytes.len(), |length| at + length);
        if end - start > SAFE_DIGITS && is_value(bytes, start) && !is_exact(&json[start..end]) {
            return true;
        }
        at = end + SAFE_DIGITS;
    }
    false
}

/// Returns whether a byte is a digit or a point. The single comparison also accepts the slash between them.
const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'.') <= b'9' - b'.'
}

/// Returns whether a byte may be part of a number.
const fn is_numeric(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')
}

/// Returns whether a value may begin here. Most digits outside of numbers are in strings of digits only.
fn is_value(bytes: &[u8], start: usize) -> bool {
    start == 0 || matches!(bytes[start - 1], b':' | b',' | b'[' | b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns whether a JSON number keeps all of its digits in 64 bits. `true` for a text that is not a number.
pub(super) fn is_exact(number: &str) -> bool {
    if number.len() <= SAFE_DIGITS || number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok() {
        return true;
    }
    let Ok(float) = number.parse::<f64>() else { return true };
    let Some((digits, exponent)) = significant_digits(number) else { return true };
    if !float.is_finite() {
        // The parser refuses the number.
        return true;
    }
    if digits.is_empty() {
        return true;
    }
    // Compares the digits with those of the parsed float, formatted with the same precision, and with its shortest
    // form: if the float lies halfway between two texts, either may be printed.
    if digits.len() > MAX_SIGNIFICANT_DIGITS {
        return false;
    }
    let precision = digits.len() - 1;
    let same = [format!("{float:.precision$e}"), format!("{float:e}")];
    let number = Some((digits, exponent));
    same.iter().any(|text| significant_digits(text) == number)
}

/// Returns the digits of a number without leading and trailing zeros, and the power of ten of the first.
fn significant_digits(number: &str) -> Option<(Vec<u8>, i64)> {
    let number = number.trim_start_matches('-');
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let end = digits.iter().rposition(|digit| *digit != b'0').map_or(zeros, |last| last + 1);
    let power = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? + exponent;
    Some((digits[zeros..end].to_vec(), power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn number_is_exact_when_all_digits_are_preserved() {
        let exact = [
            "0",
            "1e400",
            "18446744073709551615",
            "-9223372036854775808",
            "100000000000000000000",
            "1.00000000000000000000",
            "0.30000000000000004",
            "0.1000000000000000055511151231257827021181583404541015625",
            "-1.7976931348623157e308",
            "-1307160392426736.3",
            "-1307160392426736.2",
            "0.0000000000000000000000",
        ];
        let inexact = [
            "18446744073709551616123",
            "-9223372036854775809",
            "12345678901234567890123456789",
            "0.1234567890123456789012345",
            "1234567890123456.789",
            "9007199254740993.0",
            "1.00000000000000000001e5",
        ];
        for number in exact {
            assert!(is_exact(number), "{number}");
        }
        for number in inexact {
            assert!(!is_exact(number), "{number}");
            for text in [format!("[1,{number}]"), format!("{{\"a\": {number}}}"), number.to_owned()] {
                assert!(has_inexact(&text), "{text}");
            }
            assert!(!has_inexact(&format!("[\"{number}\"]")), "{number}");
        }
    }

    proptest! {
        /// Floats in any usual format and 64-bit integers are exact.
        #[test]
        fn printed_numbers_are_exact(float in any::<f64>(), integer in any::<i64>(), precision in 0_usize..17) {
            prop_assume!(float.is_finite());
            let texts =
                [format!("{float}"), format!("{float:e}"), format!("{float:.precision$e}"), integer.to_string()];
            for text in texts {
                prop_assert!(is_exact(&text), "{}", text);
            }
        }

        /// A long decimal number is detected at every offset, with and without an exponent.
        #[test]
        fn long_decimal_is_found_at_every_offset(
            blanks in 0_usize..40,
            number in "-?(0|[1-9][0-9]{0,9})\\.[0-9]{0,40}1([eE][+-]?[0-9]{1,2})?",
        ) {
            let text = format!("[{}{number}{}]", " ".repeat(blanks), " ".repeat(blanks % 7));
            prop_assert_eq!(has_inexact(&text), !is_exact(&number));
        }

        /// A long integer is detected at every offset.
        #[test]
        fn long_number_is_found_at_every_offset(blanks in 0_usize..40, digits in "[1-9][0-9]{20,60}1") {
            let text = format!("[{}{digits}{}]", " ".repeat(blanks), " ".repeat(blanks % 7));
            prop_assert_eq!(has_inexact(&text), !is_exact(&digits));
        }
    }
}
