//! Matching routing keys against topic patterns, as AMQP defines it: words separated by dots,
//! `*` stands for one word, `#` for any number of words, none included.

/// True when `key` matches `pattern`.
pub fn matches(pattern: &str, key: &str) -> bool {
    // Two positions suffice: when words differ, the latest `#` takes one more and all after it is
    // tried again. So the work is at most words of the key times words of the pattern.
    let pattern: Vec<&str> = pattern.split('.').collect();
    // The empty key has no words, although splitting it yields one.
    let key: Vec<&str> = key.split('.').filter(|_| !key.is_empty()).collect();
    let (mut at, mut word) = (0, 0);
    let mut retry = None;
    while word < key.len() {
        match pattern.get(at) {
            Some(&"#") => {
                retry = Some((at, word));
                at += 1;
            }
            Some(wanted) if *wanted == "*" || *wanted == key[word] => {
                at += 1;
                word += 1;
            }
            _ => {
                let Some((hash, taken)) = retry else {
                    return false;
                };
                retry = Some((hash, taken + 1));
                at = hash + 1;
                word = taken + 1;
            }
        }
    }
    let rest = &pattern[at..];
    rest.iter().all(|wanted| *wanted == "#") || (key.is_empty() && pattern == [""])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn follows_the_rules_of_a_topic_exchange() {
        for (pattern, key, expected) in [
            ("#", "", true),
            ("#", "order.paid", true),
            ("order.paid", "order.paid", true),
            ("order.paid", "order.placed", false),
            ("order.*", "order.paid", true),
            ("order.*", "order", false),
            ("order.*", "order.a.b", false),
            ("order.#", "order", true),
            ("order.#", "order.a.b", true),
            ("#.paid", "order.paid", true),
            ("#.paid", "paid", true),
            ("#.paid", "order.paid.late", false),
            ("#.a.#", "x.a.y.z", true),
            ("#.a.#", "x.y.z", false),
            ("#.a.b", "a.a.b", true),
            ("*.*", "a", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", false),
            ("#.#", "", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern:?} {key:?}");
        }
    }

    /// The definition, word by word; exponential, so only for small cases.
    fn defined(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), None) => defined(rest, key),
            (Some((&"#", rest)), Some((_, later))) => defined(rest, key) || defined(pattern, later),
            (None, Some(_)) | (Some(_), None) => false,
            (Some((word, rest)), Some((first, later))) => {
                (*word == "*" || word == first) && defined(rest, later)
            }
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "#"]), 1..6),
            key in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..7),
        ) {
            prop_assert_eq!(matches(&pattern.join("."), &key.join(".")), defined(&pattern, &key));
        }
    }
}
