//! Publishing batches on one channel.
//!
//! Invariants: a batch's messages enter the connection in order. The outcome of every mandatory
//! message is known before the next window of mandatory messages is published.

use futures_util::future::join_all;
use lapin::{
    Channel, Confirmation, PublisherConfirm,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

use super::{
    super::{Confirm, Message},
    Error,
    codec::Outbound,
    connection::Connection,
    error::{Refusal, refusal},
    limits::with_timeout,
};

/// Messages handed to lapin at a time. Each of its publishes waits until it is written to the
/// socket; together they cost one wake-up. `join_all` needs no allocation per future up to 30.
const AT_ONCE: usize = 30;

/// A message that was handed to lapin.
#[derive(Debug)]
enum Pending {
    /// Its confirm is still to come.
    Sent(PublisherConfirm),
    /// Its outcome is known.
    Settled(Confirm),
}

/// A batch that was handed to lapin; its confirms are awaited together.
#[derive(Debug)]
pub(crate) struct Batch {
    messages: Vec<Pending>,
    /// How many are settled: the last message first, then the others from the first on.
    settled: usize,
    returned: Vec<Return>,
    /// What broke the channel while the batch was in flight.
    error: Option<lapin::Error>,
}

/// A message that the broker returned, as far as the broker repeats it.
#[derive(Debug)]
struct Return {
    exchange: String,
    routing_key: String,
    message_id: Option<String>,
    reason: String,
}

/// Opens a channel for publishing with confirms.
pub(crate) async fn open_confirming(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.open_channel().await?;
    let selecting = channel.confirm_select(ConfirmSelectOptions::default());
    with_timeout("asking for confirms", selecting).await?.map_err(Error::Channel)?;
    Ok(channel)
}

/// Hands `messages` over in their order. Errors show as [`Confirm::Lost`] later.
pub(crate) async fn send(
    channel: &Channel,
    messages: &[Message],
    options: BasicPublishOptions,
) -> Batch {
    let mut batch = Batch {
        messages: Vec::with_capacity(messages.len()),
        settled: 0,
        returned: Vec::new(),
        error: None,
    };
    for chunk in messages.chunks(AT_ONCE) {
        let publishing = chunk.iter().map(|message| publish(channel, message, options));
        for sent in join_all(publishing).await {
            let pending = sent.unwrap_or_else(|error| {
                batch.error.get_or_insert(error);
                Pending::Settled(Confirm::Lost)
            });
            batch.messages.push(pending);
        }
    }
    batch
}

async fn publish(
    channel: &Channel,
    message: &Message,
    options: BasicPublishOptions,
) -> Result<Pending, lapin::Error> {
    let outbound = match Outbound::new(message) {
        Ok(outbound) => outbound,
        Err(error) => return Ok(Pending::Settled(Confirm::Returned(error.to_string()))),
    };
    let Outbound { exchange, routing_key, properties } = outbound;
    let publishing =
        channel.basic_publish(exchange, routing_key, options, &message.body, properties);
    publishing.await.map(Pending::Sent)
}

/// Publishes a window of mandatory messages and awaits what became of each.
///
/// lapin attaches a returned message to whichever confirm comes next, not to its own. So a window
/// has the channel to itself, and returned messages are matched by their properties when all
/// confirms are there.
///
/// The error, if any, is what broke the channel meanwhile.
pub(crate) async fn publish_mandatory(
    channel: &Channel,
    messages: &[Message],
) -> (Vec<Confirm>, Option<lapin::Error>) {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut batch = send(channel, messages, options).await;
    batch.confirmed().await;
    let error = batch.error();
    let returned = std::mem::take(&mut batch.returned);
    let confirms = batch
        .outcomes()
        .into_iter()
        .zip(messages)
        .map(|(confirm, message)| match confirm {
            Confirm::Acked | Confirm::Nacked => returned
                .iter()
                .find(|returned| returned.is(message))
                .map_or(confirm, |returned| Confirm::Returned(returned.reason.clone())),
            confirm => confirm,
        })
        .collect();
    (confirms, error)
}

impl Batch {
    /// Waits for all confirms; may be dropped and called again.
    ///
    /// The last confirm is awaited first, as the others are mostly there by then: one wake-up for
    /// the batch instead of one for each message.
    pub(crate) async fn confirmed(&mut self) {
        let total = self.messages.len();
        while self.settled < total {
            let index = (self.settled + total - 1) % total;
            if let Pending::Sent(confirm) = &mut self.messages[index] {
                let confirm = match confirm.await {
                    Ok(Confirmation::Ack(returned)) => {
                        self.returned.extend(returned.map(Return::new));
                        Confirm::Acked
                    }
                    Ok(Confirmation::Nack(returned)) => {
                        self.returned.extend(returned.map(Return::new));
                        Confirm::Nacked
                    }
                    // Without a confirm nothing is known of the message.
                    Ok(Confirmation::NotRequested) => Confirm::Lost,
                    Err(error) => {
                        let confirm = closed_by(&error);
                        self.error.get_or_insert(error);
                        confirm
                    }
                };
                self.messages[index] = Pending::Settled(confirm);
            }
            self.settled += 1;
        }
    }

    /// The outcomes, in the order of the messages; what is not settled is lost.
    pub(crate) fn outcomes(self) -> Vec<Confirm> {
        self.messages.into_iter().map(Pending::confirm).collect()
    }

    /// What broke the channel under this batch, if that happened.
    pub(crate) fn error(&self) -> Option<lapin::Error> {
        self.error.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
}

/// What became of a message whose channel broke by `error` before its confirm.
fn closed_by(error: &lapin::Error) -> Confirm {
    match refusal(error) {
        Refusal::Precondition | Refusal::AccessRefused | Refusal::Locked => {
            Confirm::Refused(error.to_string())
        }
        // A missing exchange is the supervisor's to mend; other errors are of the connection.
        Refusal::NotFound | Refusal::Other => Confirm::Lost,
    }
}

impl Pending {
    fn confirm(self) -> Confirm {
        match self {
            Self::Sent(_) => Confirm::Lost,
            Self::Settled(confirm) => confirm,
        }
    }
}

impl Return {
    fn new(message: BasicReturnMessage) -> Self {
        let reason = format!("{} {}", message.reply_code, message.reply_text);
        let delivery = message.delivery;
        Self {
            exchange: delivery.exchange.into(),
            routing_key: delivery.routing_key.into(),
            message_id: delivery.properties.message_id().clone().map(String::from),
            reason,
        }
    }

    /// Messages alike in all three are routed alike: if one was returned, so was the other, or the
    /// other is at worst published once more.
    fn is(&self, message: &Message) -> bool {
        self.exchange == message.exchange
            && self.routing_key == message.routing_key
            && self.message_id == message.properties.message_id
    }
}
