//! An owner whose intake a person pauses: what the journal is told, and when.

use super::*;
use tokio::sync::oneshot;

impl Member {
    /// What the journal is told of the intake next. What the core notes for itself is accepted on the way.
    async fn pause(&mut self) -> (bool, oneshot::Sender<()>) {
        loop {
            match timeout(LONG, self.inputs.recv()).await.expect("in time").expect("it runs") {
                Input::Pause { paused, known } => return (paused, known),
                Input::Units(units) => self.note(&units),
                other => panic!("{other:?}"),
            }
        }
    }

    fn note(&self, units: &[Arc<Unit>]) {
        assert!(units.iter().all(|unit| unit.events() == 0), "it takes commands");
        let position = self.accept(units);
        self.tell(Told::Durable(position.next));
    }

    /// The journal accepts the next command, and the event of it leaves.
    async fn process(&mut self, id: &str) {
        self.command(id);
        self.go_on().await;
    }

    async fn go_on(&mut self) {
        let units = self.given_for_command().await;
        let position = self.accept(&units);
        self.tell(Told::Durable(position.next));
        self.event().await;
    }

    async fn assert_takes_no_command(&mut self) {
        while let Ok(input) = timeout(SHORT, self.inputs.recv()).await {
            let Some(Input::Units(units)) = input else { panic!("{input:?}") };
            self.note(&units);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_know_of_a_pause_before_it_begins_and_hear_of_its_end() {
    let mut member = Member::start_with("10s");
    member.process("a").await;
    // When it is paused, then it waits until the others can know
    let handle = member.pipeline.handle.clone();
    let mut pausing = tokio::spawn(async move { handle.pause(None).await });
    let (paused, known) = member.pause().await;
    assert!(paused);
    assert!(timeout(SHORT, &mut pausing).await.is_err(), "it does not wait");
    known.send(()).expect("it waits");
    pausing.await.expect("no panic").expect("it runs");
    member.command("b");
    member.assert_takes_no_command().await;
    // When it goes on, then the others hear of it when it consumes again
    member.pipeline.handle.resume(None).await.expect("it runs");
    assert!(!member.pause().await.0);
    member.go_on().await;
    // a second time means nothing
    member.pipeline.handle.resume(None).await.expect("it runs");
    member.process("c").await;
    // When nobody can know of a pause any more, then it begins all the same
    let handle = member.pipeline.handle.clone();
    let pausing = tokio::spawn(async move { handle.pause(None).await });
    drop(member.pause().await);
    timeout(SHORT, pausing).await.expect("at once").expect("no panic").expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_does_not_answer_delays_a_pause_by_some_seconds_only() {
    let mut member = Member::start_with("10s");
    member.process("a").await;
    let handle = member.pipeline.handle.clone();
    let pausing = tokio::spawn(async move { handle.pause(None).await });
    let (_, _known) = member.pause().await;
    timeout(LONG, pausing).await.expect("in time").expect("no panic").expect("it runs");
    member.command("b");
    member.assert_takes_no_command().await;
}
