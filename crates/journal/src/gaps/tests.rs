use proptest::prelude::*;

use super::*;

/// What a reader makes of each of these offsets, which are delivered one after the other.
fn seen(gaps: &mut Gaps, offsets: &[u64]) -> Vec<Found> {
    offsets.iter().map(|offset| gaps.see(*offset)).collect()
}

#[test]
fn a_gap_of_the_streams_own_is_looked_at_once() {
    let mut gaps = Gaps::behind(5);
    assert_eq!(seen(&mut gaps, &[6, 8]), [Found::Next, Found::LookAgain(6)]);
    assert!(gaps.is_looking());
    // the stream begins a little in front of the last record
    assert_eq!(seen(&mut gaps, &[4, 5, 6]), [Found::Known; 3]);
    assert!(!gaps.is_looking());
    assert_eq!(seen(&mut gaps, &[8, 9, 11]), [Found::Next, Found::Next, Found::LookAgain(9)]);
}

#[test]
fn where_the_last_record_is_gone_records_may_be_missing() {
    for next in [8, 9] {
        let mut gaps = Gaps::behind(6);
        assert_eq!(seen(&mut gaps, &[8, next]), [Found::LookAgain(6), Found::Missing]);
    }
}

#[test]
fn a_gap_that_has_grown_meanwhile_is_another_one() {
    let mut gaps = Gaps::behind(6);
    let grown = [Found::LookAgain(6), Found::Known, Found::LookAgain(6), Found::Missing];
    assert_eq!(seen(&mut gaps, &[8, 6, 9, 9]), grown);
}

#[test]
fn offsets_go_back_only_where_the_stream_has_lost_its_end() {
    for offset in [5, 6] {
        assert_eq!(Gaps::behind(6).see(offset), Found::Missing);
    }
}

#[derive(Debug, Clone)]
enum Happens {
    /// A record is appended, behind so many offsets that the stream takes for itself.
    Append(u64),
    /// The stream deletes so many of its records.
    Delete(usize),
    /// So many records are delivered.
    Read(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => prop_oneof![4 => Just(0), 1 => 1_u64..3].prop_map(Happens::Append),
        1 => (1_usize..4).prop_map(Happens::Delete),
        2 => (1_usize..4).prop_map(Happens::Read),
    ]
}

proptest! {
    /// Whatever is deleted while it reads, a reader reads no record without all that were between it and the one before.
    #[test]
    fn no_record_is_read_behind_one_that_was_missed(steps in prop::collection::vec(happens(), 1..80)) {
        let (mut offsets, mut front) = (vec![0], 0);
        let mut gaps = Gaps::behind(0);
        let (mut read, mut from) = (0, 1);
        for step in steps {
            match step {
                Happens::Append(taken) => offsets.push(offsets.last().expect("the first") + 1 + taken),
                Happens::Delete(count) => front = (front + count).min(offsets.len() - 1),
                Happens::Read(count) => for _ in 0..count {
                    let left = &offsets[front..];
                    let Some(&offset) = left.iter().find(|offset| **offset >= from) else { break };
                    from = offset + 1;
                    match gaps.see(offset) {
                        Found::Known => {}
                        Found::LookAgain(at) => from = at,
                        Found::Next => {
                            read += 1;
                            prop_assert_eq!(offset, offsets[read]);
                        }
                        Found::Missing => {
                            prop_assert!(front > read, "nothing is missing");
                            return Ok(());
                        }
                    }
                },
            }
        }
        // when nothing is deleted any more, the reader comes to the end, or finds out that it cannot
        for _ in 0..4 * offsets.len() {
            let Some(&offset) = offsets[front..].iter().find(|offset| **offset >= from) else { break };
            from = offset + 1;
            match gaps.see(offset) {
                Found::Known => {}
                Found::LookAgain(at) => from = at,
                Found::Next => read += 1,
                Found::Missing => {
                    prop_assert!(front > read, "nothing is missing");
                    return Ok(());
                }
            }
        }
        prop_assert_eq!(read, offsets.len() - 1, "the reader stands still");
    }
}
