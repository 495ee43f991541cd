//! Times as RFC 3339 writes them, for the years 0 to 9999.
//!
//! Read is the grammar of the RFC and nothing else: `T` and `Z` in either case, a space in place of `T` (the RFC allows that to
//! applications), any number of digits of a second, an offset with a colon. Digits beyond microseconds are dropped.
//!
//! `jiff::Timestamp` is not used: it ends a day before the year 9999 does, and accepts other forms of ISO 8601.

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The first microsecond of the year 0 and the last of the year 9999, in UTC, since 1970.
pub(crate) const YEARS: std::ops::RangeInclusive<i64> =
    -62_167_219_200_000_000..=253_402_300_799_999_999;

/// Microseconds since 1970. `None`: `text` is not RFC 3339, or in UTC the time is not within the years 0 to 9999.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.as_bytes().split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = 100 * two(y1, y2)? + two(y3, y4)?;
    let month = two(m1, m2).filter(|month| (1..=12).contains(month))?;
    let last_day = days_in_month(year, month);
    let day = two(d1, d2).filter(|day| (1..=last_day).contains(day))?;
    let [b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2, rest @ ..] = time else {
        return None;
    };
    let hour = two(*h1, *h2).filter(|hour| *hour < 24)?;
    let minute = two(*n1, *n2).filter(|minute| *minute < 60)?;
    let second = two(*s1, *s2).filter(|second| *second <= 60)?;
    let (fraction, offset) = fraction(rest)?;
    let to_the_minute = DAY * days_since_1970(year, month, day) + HOUR * hour + MINUTE * minute;
    let to_the_minute = to_the_minute - offset_of(offset)?;
    let micros = if second < 60 {
        to_the_minute + SECOND * second + fraction
    } else {
        // A leap second ends a month of UTC, and POSIX time has none: it counts as the last instant before the next month.
        let next_minute = to_the_minute + MINUTE;
        let (_, _, day) = date_of(next_minute.div_euclid(DAY));
        (next_minute.rem_euclid(DAY) == 0 && day == 1).then_some(next_minute - 1)?
    };
    YEARS.contains(&micros).then_some(micros)
}

/// The text in UTC, with six digits of a second. `None`: the time is not within the years 0 to 9999.
pub(crate) fn format(micros: i64) -> Option<[u8; 27]> {
    if !YEARS.contains(&micros) {
        return None;
    }
    let (year, month, day) = date_of(micros.div_euclid(DAY));
    let within_day = micros.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |digits: std::ops::Range<usize>, mut number: i64| {
        for digit in text[digits].iter_mut().rev() {
            *digit += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    };
    put(0..4, year);
    put(5..7, month);
    put(8..10, day);
    put(11..13, within_day / HOUR);
    put(14..16, within_day % HOUR / MINUTE);
    put(17..19, within_day % MINUTE / SECOND);
    put(20..26, within_day % SECOND);
    Some(text)
}

/// The number that two digits write.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(10 * digit(tens)? + digit(ones)?)
}

/// The microseconds that a fraction at the beginning of `text` writes, and what follows the fraction.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', text @ ..] = text else { return Some((0, text)) };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let mut micros = 0;
    for place in 0..6 {
        micros = 10 * micros + digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    (count > 0).then_some((micros, rest))
}

/// The microseconds by which a local time with this offset is ahead of UTC.
fn offset_of(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = two(h1, h2).filter(|hours| *hours < 24)?;
            let minutes = two(m1, m2).filter(|minutes| *minutes < 60)?;
            let ahead = HOUR * hours + MINUTE * minutes;
            Some(if sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of 400 years of the Gregorian calendar.
const ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Days since 1970-01-01 of a date of the Gregorian calendar. A year begins in March here, so that its leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    ERA * era + day_of_era - EPOCH
}

/// The date that is `days` after 1970-01-01: year, month, day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let era = days.div_euclid(ERA);
    let day_of_era = days.rem_euclid(ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn text(micros: i64) -> String {
        String::from_utf8(format(micros).expect("is within the years").to_vec()).expect("is ASCII")
    }

    /// A text, and the same time in UTC.
    #[rstest]
    #[case("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    #[case("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z")]
    #[case("2026-01-31 12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    #[case("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500000Z")]
    #[case("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z")]
    #[case("2026-01-31T12:00:00.00000000000000001Z", "2026-01-31T12:00:00.000000Z")]
    #[case("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z")]
    #[case("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00.000000Z")]
    #[case("2026-01-31T12:00:00-05:30", "2026-01-31T17:30:00.000000Z")]
    #[case("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000000Z")]
    #[case("2026-01-31T12:00:00+23:59", "2026-01-30T12:01:00.000000Z")]
    #[case("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z")]
    #[case("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z")]
    #[case("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z")]
    #[case("9999-12-30T22:00:01Z", "9999-12-30T22:00:01.000000Z")]
    #[case("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z")]
    #[case("9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000000Z")]
    // a leap second
    #[case("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z")]
    #[case("2016-12-31T23:59:60.75Z", "2016-12-31T23:59:59.999999Z")]
    #[case("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999999Z")]
    #[case("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999999Z")]
    fn is_a_time(#[case] written: &str, #[case] utc: &str) {
        assert_eq!(parse(written).map(text).as_deref(), Some(utc));
        assert_eq!(parse(utc).map(text).as_deref(), Some(utc));
    }

    #[rstest]
    #[case("")]
    #[case("2026-01-31")]
    #[case("2026-01-31T12:00:00")]
    #[case("2026-01-31T12:00Z")]
    #[case("2026-01-31T12Z")]
    #[case("20260131T120000Z")]
    #[case("2026-031T12:00:00Z")]
    #[case("2026-W05-6T12:00:00Z")]
    #[case("2026-01-31T12:00:00+01")]
    #[case("2026-01-31T12:00:00+0100")]
    #[case("2026-01-31T12:00:00+01:00:30")]
    #[case("2026-01-31T12:00:00+24:00")]
    #[case("2026-01-31T12:00:00+01:60")]
    #[case("2026-01-31T12:00:00 +01:00")]
    #[case("2026-01-31T12:00:00Z[UTC]")]
    #[case("2026-01-31T12:00:00ZZ")]
    #[case("2026-01-31T12:00:00.Z")]
    #[case("2026-01-31T12:00:00,5Z")]
    #[case("2026-01-31T24:00:00Z")]
    #[case("2026-01-31T12:60:00Z")]
    #[case("2026-01-31T12:00:61Z")]
    #[case("2026-01-31_12:00:00Z")]
    #[case("2026-00-31T12:00:00Z")]
    #[case("2026-13-01T12:00:00Z")]
    #[case("2026-04-31T12:00:00Z")]
    #[case("2026-02-29T12:00:00Z")]
    #[case("1900-02-29T12:00:00Z")]
    #[case(" 2026-01-31T12:00:00Z")]
    #[case("+2026-01-31T12:00:00Z")]
    #[case("10000-01-01T00:00:00Z")]
    #[case("-0001-01-01T00:00:00Z")]
    #[case("2026-01-31T1é:00:00Z")]
    // no leap second is there
    #[case("2016-12-31T23:58:60Z")]
    #[case("2016-12-30T23:59:60Z")]
    #[case("2016-12-31T23:59:60+01:00")]
    // beyond the years, in UTC
    #[case("9999-12-31T23:59:59-00:01")]
    #[case("0000-01-01T00:00:00+00:01")]
    fn is_no_time(#[case] written: &str) {
        assert_eq!(parse(written), None);
    }

    #[test]
    fn a_time_beyond_the_years_has_no_text() {
        for micros in [*YEARS.start() - 1, *YEARS.end() + 1, i64::MIN, i64::MAX] {
            assert_eq!(format(micros), None);
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_back(micros in YEARS) {
            prop_assert_eq!(parse(&text(micros)), Some(micros));
        }

        /// jiff knows the calendar too.
        #[test]
        fn a_time_is_that_of_jiff(micros in YEARS) {
            if let Ok(time) = jiff::Timestamp::from_microsecond(micros) {
                prop_assert_eq!(text(micros), format!("{time:.6}"));
            }
        }
    }
}
