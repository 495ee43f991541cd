//! What is searched for, and where a page begins.

use super::*;
use orderly_store::Ordinal;

#[test]
fn a_text_is_compared_without_the_spaces_around_it() {
    let read = |text: &str| Text::read(Some(text)).map(|Text(text)| text);
    assert_eq!(read(" o-1\t"), Ok("o-1".to_owned()));
    assert_eq!(read("Ada Lovelace"), Ok("Ada Lovelace".to_owned()));
    let longest = "é".repeat(1_024);
    assert_eq!(read(&longest), Ok(longest.clone()));
    for text in ["", "  ", &format!("{longest}x"), &format!("{longest} ")] {
        let expected = Expected::Other("a text of 1 to 1024 characters".to_owned());
        assert_eq!(read(text), Err(expected), "{} characters", text.chars().count());
    }
}

#[test]
fn a_position_is_read_as_it_was_written_and_nothing_else_is_one() {
    for (stage, after, text) in [
        (0, None, "0"),
        (9, None, "9"),
        (0, Some(After::item(7)), "0.0.0.7"),
        (8, Some(After::at(Ordinal(12))), "8.0.12"),
    ] {
        let position = Position { stage, after };
        assert_eq!(position.to_string(), text);
        assert_eq!(Position::parse(text), Ok(position));
    }
    for text in ["", "10", "01", "-1", "3.", "3.5", "3.5.", "x.1.2", "3.1.2.3.4", "3 "] {
        assert_eq!(Position::parse(text), Err(next_of_a_page()), "{text}");
    }
}
