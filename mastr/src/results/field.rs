//! How a number or a text stands in a CSV file.

use std::fmt;

/// A number in the fewest digits that read back to the same double: `2147.56`, `100`, `1.5e-7`.
///
/// Plain from 1e-5 to below 1e16 and for zero, else with an exponent; never with a decimal point
/// that nothing follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortest(pub f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-5..1e16).contains(&size) {
            fmt::Display::fmt(&self.0, f)
        } else {
            fmt::LowerExp::fmt(&self.0, f)
        }
    }
}

/// A text, in quotes where RFC 4180 needs them.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a>(pub &'a str);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.contains([',', '"', '\n', '\r']) {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, want) in [
            (0.0, "0"),
            (100.0, "100"),
            (-2147.56, "-2147.56"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-5, "0.00001"),
            (1.5e-7, "1.5e-7"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e16, "1e16"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(Shortest(number).to_string(), want);
        }
    }

    #[test]
    fn text_is_quoted_where_it_has_to_be() {
        assert_eq!(Field("EU1").to_string(), "EU1");
        assert_eq!(Field("a,\"b\"").to_string(), "\"a,\"\"b\"\"\"");
        assert_eq!(Field("a\nb").to_string(), "\"a\nb\"");
    }

    proptest! {
        #[test]
        fn numbers_read_back_to_the_same_double(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let text = Shortest(number).to_string();
            prop_assert!(text.len() <= 24);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
