use super::*;

fn name(member: char) -> Name {
    Name::from(member.to_string().as_str())
}

/// A picture of partitions with these owners, `-` for none, as `own` sees it. All of `members` could own each.
fn picture(owners: &str, members: &str, own: char) -> Picture {
    let part = |owner: char| Part {
        owner: (owner != '-').then(|| name(owner)),
        is_own: owner == own,
        is_paused: false,
        ready: members.chars().filter(|member| *member != owner).map(name).collect(),
    };
    Picture(owners.chars().map(part).collect())
}

/// Who owns each partition in the end, and how many were given away.
fn shared(owners: &str, members: &str) -> (String, usize) {
    let mut owners: Vec<char> = owners.chars().collect();
    for given in 0..owners.len() {
        let text: String = owners.iter().collect();
        let gives = |own: char| {
            let picture = picture(&text, members, own);
            let given = picture.to_give(&name(own));
            given.map(|(number, to)| (usize::from(number), to.node.chars().next().expect("named")))
        };
        let mut givers = members.chars().filter_map(gives);
        let Some((number, to)) = givers.next() else { return (text, given) };
        assert_eq!(givers.next(), None, "one at a time: {text}");
        // who is to own next is the same for all, also when the owner has left
        for seen in [
            text.clone(),
            text.chars()
                .enumerate()
                .map(|(at, owner)| if at == number { '-' } else { owner })
                .collect(),
        ] {
            let number = u16::try_from(number).expect("small");
            for member in members.chars().filter(|member| *member != owners[usize::from(number)]) {
                let picture = picture(&seen, members, member);
                assert_eq!(picture.next_owner(number), Some(&name(to)), "{seen}, {number}");
            }
        }
        owners[number] = to;
    }
    panic!("it has no end: {owners:?}");
}

fn count(owners: &str, member: char) -> usize {
    owners.chars().filter(|owner| *owner == member).count()
}

#[test]
fn a_member_that_joins_gets_its_share_and_no_more_moves_than_that() {
    for (owners, members, moves) in [
        ("aaaa", "ab", 2),
        ("aaaa", "abc", 2),
        ("aabb", "abc", 1),
        ("aaaaaaaa", "abc", 5),
        ("abababab", "abcd", 4),
        ("aaabbbccc", "abcd", 2),
        ("aaa", "abcd", 2),
    ] {
        let (shared, given) = shared(owners, members);
        assert_eq!(given, moves, "{owners} of {members}: {shared}");
        let counts = members.chars().map(|member| count(&shared, member));
        let (least, most) = (counts.clone().min(), counts.max());
        assert!(most <= least.map(|least| least + 1), "{shared}");
    }
}

#[test]
fn members_that_own_as_many_give_nothing() {
    for (owners, members) in
        [("aabb", "ab"), ("aab", "ab"), ("ab", "abc"), ("a", "ab"), ("aaaa", "a")]
    {
        assert_eq!(shared(owners, members), (owners.to_owned(), 0));
    }
}

#[test]
fn nothing_is_given_while_a_partition_has_no_owner_or_nobody_could_take_it() {
    assert_eq!(picture("aaa-", "ab", 'a').to_give(&name('a')), None);
    let mut picture = picture("aaaa", "ab", 'a');
    for part in &mut picture.0 {
        part.ready.clear();
    }
    assert_eq!(picture.to_give(&name('a')), None);
    // it could take one alone
    picture.0[2].ready.insert(name('b'));
    assert_eq!(picture.to_give(&name('a')), Some((2, &name('b'))));
    // that it does not work on yet
    picture.0[2].is_own = false;
    assert_eq!(picture.to_give(&name('a')), None);
}

/// What the task of the journal says, to members that were heard so many seconds ago, each with whether its store has come to the end.
fn status(owner: Option<char>, members: &[(char, u64, bool)]) -> Status {
    use orderly_journal::members::Members;
    use orderly_journal::record::Probe;
    use orderly_journal::{Chain, Nonce, Progress, Record};
    let member = |&(member, since, has_come): &(char, u64, bool)| {
        let nonce = Nonce([u8::try_from(member).expect("ASCII"); 16]);
        let stored = has_come.then_some(Progress { next: 7, chain: Chain([0; 32]) });
        let mut members = Members::default();
        let probe = Probe { nonce, node: name(member), serial: 1, stored };
        members.note(&Record::Probe(probe), Duration::ZERO);
        let (_, heard) = members.iter().next().expect("a member");
        (nonce, heard.clone(), Duration::from_secs(since))
    };
    Status {
        role: orderly_journal::node::Role::Owner,
        epoch: None,
        owner: owner.map(name),
        cursor: 0,
        next: 7,
        lag: orderly_journal::follower::Lag { as_of: None, time: None },
        is_ready: true,
        is_paused: false,
        in_flight: 0,
        members: members.iter().map(member).collect(),
    }
}

#[tokio::test]
async fn who_is_silent_or_joins_takes_no_part() {
    let mode = crate::config::Mode::Standby;
    let cluster = Cluster::new(&crate::config::Cluster { mode, ..Default::default() });
    let told =
        status(Some('a'), &[('a', 0, true), ('b', 2, true), ('c', 4, true), ('d', 0, false)]);
    let (status_in, watched) = tokio::sync::watch::channel(told);
    assert_eq!(Part::of(&cluster), Part::default(), "nothing was heard yet");
    cluster.follow(watched);
    let ready = BTreeSet::from([name('b')]);
    let part = Part { owner: Some(name('a')), is_own: true, is_paused: false, ready };
    assert_eq!(Part::of(&cluster), part);
    // an owner that is silent
    status_in.send_replace(status(Some('a'), &[('a', 4, true), ('b', 0, true)]));
    assert_eq!(Part::of(&cluster), Part { owner: None, ..part });
}

#[test]
fn a_partition_whose_intake_is_paused_is_not_given_away() {
    let mut picture = picture("aaaa", "ab", 'a');
    for number in 0..4 {
        let Some((given, _)) = picture.to_give(&name('a')) else { panic!("{number} were paused") };
        let part = &mut picture.0[usize::from(given)];
        assert!(!part.is_paused);
        part.is_paused = true;
    }
    assert_eq!(picture.to_give(&name('a')), None);
}
