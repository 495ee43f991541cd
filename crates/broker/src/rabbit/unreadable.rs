//! Sets aside commands that lapin cannot read.
//!
//! AMQP's short strings may hold any bytes, and `RabbitMQ` passes them on as they came; lapin wants
//! UTF-8 and gives up the whole connection otherwise. One command with a Latin-1 `message_id` would
//! so stop the shop: each new connection would meet it again, unable even to reject it. Here a
//! connection of our own, frame by frame, takes what a consumer would get, publishes the body of
//! each such command to `NS.dead` without its properties, and acks it. What is readable goes back
//! to its queue untouched.
//!
//! Invariant: a command is acked only when the confirm of its copy is there.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    io::{self, ErrorKind},
    pin::Pin,
    time::Duration,
};

use amq_protocol::{
    auth::Credentials,
    frame::{AMQPContentHeader, AMQPFrame, ProtocolVersion, gen_frame},
    protocol::{AMQPClass, basic, channel, confirm, connection, constants, parse_class},
    types::{AMQPValue, FieldTable},
};
use futures_io::{AsyncRead, AsyncWrite};
use lapin::tcp::AMQPUriTcpExt;

use super::{
    super::{REASON_HEADER, Settings},
    Error,
    endpoint::{Endpoint, patiently},
};

/// Deliveries come at once; when there was none for so long, that was all the prefetch allows.
const QUIET: Duration = Duration::from_secs(1);

/// More than any broker agrees to; what claims to be larger is no frame.
const FRAME_LIMIT: usize = 16 * 1024 * 1024;

/// The one channel used.
const CHANNEL: u16 = 1;

/// Class and method of `basic.deliver`.
const DELIVER: [u8; 4] = [0, 60, 0, 60];

/// Of a body frame's size, what is not body.
const FRAME_OVERHEAD: usize = 8;

/// Sets aside every unreadable command among the first `prefetch` ones; returns how many.
///
/// The broker must see no other consumer of the queue while this runs.
pub(super) async fn set_aside(endpoint: &Endpoint, settings: &Settings) -> Result<usize, Error> {
    patiently("setting aside unreadable commands", async {
        let runtime = lapin::runtime::default_runtime().map_err(Error::Connect)?;
        let tls = endpoint.tls.as_ref();
        let stream = endpoint.uri.connect_with_config_async(tls, &runtime).await;
        let mut wire = Wire {
            stream: stream.map_err(Error::Raw)?,
            input: Vec::new(),
            chunk: vec![0; 64 * 1024],
            frame_max: 0,
        };
        wire.open(endpoint).await.map_err(Error::Raw)?;
        let mut sieve = Sieve::new(&settings.names.dead);
        wire.sift(&mut sieve, settings).await.map_err(Error::Raw)?;
        Ok(sieve.done)
    })
    .await?
}

/// Decides, frame by frame, what to do; no I/O.
struct Sieve {
    dead: String,
    /// The delivery whose frames are coming in.
    current: Option<Incoming>,
    /// Publishes whose confirm is outstanding, with the tag of what each is the copy of.
    unconfirmed: BTreeMap<u64, u64>,
    published: u64,
    done: usize,
}

struct Incoming {
    tag: u64,
    readable: bool,
    body: Vec<u8>,
    left: u64,
}

impl Sieve {
    fn new(dead: &str) -> Self {
        Self {
            dead: dead.to_owned(),
            current: None,
            unconfirmed: BTreeMap::new(),
            published: 0,
            done: 0,
        }
    }

    /// Takes a frame in; returns the frames to send for it.
    fn take(&mut self, frame: &Raw, body_max: usize) -> io::Result<Vec<AMQPFrame>> {
        match frame.kind {
            constants::FRAME_METHOD if frame.payload.starts_with(&DELIVER) => {
                self.current = Some(Incoming {
                    tag: delivery_tag(&frame.payload)?,
                    readable: frame.method().is_some(),
                    body: Vec::new(),
                    left: 0,
                });
                Ok(Vec::new())
            }
            constants::FRAME_METHOD => self.answer(frame),
            constants::FRAME_HEADER => {
                let (size, readable) = content_header(&frame.payload)?;
                let current = self.current.as_mut().ok_or_else(unexpected)?;
                current.left = size;
                current.readable &= readable;
                Ok(self.complete(body_max))
            }
            constants::FRAME_BODY => {
                let current = self.current.as_mut().ok_or_else(unexpected)?;
                let size = frame.payload.len() as u64;
                current.left = current.left.checked_sub(size).ok_or_else(unexpected)?;
                if !current.readable {
                    current.body.extend_from_slice(&frame.payload);
                }
                Ok(self.complete(body_max))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// What the broker says besides deliveries.
    fn answer(&mut self, frame: &Raw) -> io::Result<Vec<AMQPFrame>> {
        match frame.method() {
            Some(AMQPClass::Basic(basic::AMQPMethod::Ack(ack))) => {
                let rest = self.unconfirmed.split_off(&(ack.delivery_tag + 1));
                let mut confirmed = std::mem::replace(&mut self.unconfirmed, rest);
                if !ack.multiple {
                    let others = confirmed.split_off(&ack.delivery_tag);
                    let (only, others) = (others, confirmed);
                    self.unconfirmed.extend(others);
                    confirmed = only;
                }
                self.done += confirmed.len();
                Ok(confirmed.into_values().map(acknowledge).collect())
            }
            Some(AMQPClass::Basic(basic::AMQPMethod::Nack(_) | basic::AMQPMethod::Return(_))) => {
                Err(io::Error::other("the broker refused a dead letter"))
            }
            Some(AMQPClass::Channel(channel::AMQPMethod::Close(close))) => {
                Err(io::Error::other(close.reply_text.to_string()))
            }
            Some(AMQPClass::Connection(connection::AMQPMethod::Close(close))) => {
                Err(io::Error::other(close.reply_text.to_string()))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// When the current delivery is whole and unreadable: the frames of its copy.
    fn complete(&mut self, body_max: usize) -> Vec<AMQPFrame> {
        let Some(Incoming { tag, body, .. }) = self
            .current
            .take_if(|incoming| incoming.left == 0)
            .filter(|incoming| !incoming.readable)
        else {
            return Vec::new();
        };
        self.published += 1;
        self.unconfirmed.insert(self.published, tag);
        dead_letter(&self.dead, &body, body_max)
    }
}

fn dead_letter(exchange: &str, body: &[u8], body_max: usize) -> Vec<AMQPFrame> {
    let publish = basic::Publish {
        exchange: exchange.into(),
        routing_key: "".into(),
        mandatory: true,
        immediate: false,
    };
    let mut headers = FieldTable::default();
    let reason = AMQPValue::LongString("unreadable properties".into());
    headers.insert(REASON_HEADER.into(), reason);
    let properties = basic::AMQPProperties::default().with_delivery_mode(2).with_headers(headers);
    let header = AMQPContentHeader {
        class_id: publish.get_amqp_class_id(),
        body_size: body.len() as u64,
        properties,
    };
    let mut frames = vec![
        AMQPFrame::Method(CHANNEL, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))),
        AMQPFrame::Header(CHANNEL, header),
    ];
    frames
        .extend(body.chunks(body_max.max(1)).map(|chunk| AMQPFrame::Body(CHANNEL, chunk.to_vec())));
    frames
}

fn acknowledge(delivery_tag: u64) -> AMQPFrame {
    let ack = basic::Ack { delivery_tag, multiple: false };
    AMQPFrame::Method(CHANNEL, AMQPClass::Basic(basic::AMQPMethod::Ack(ack)))
}

/// The tag in a `basic.deliver`, which stands behind the consumer's tag: read without a look at
/// the strings, which may be what is unreadable.
fn delivery_tag(payload: &[u8]) -> io::Result<u64> {
    let rest = &payload[DELIVER.len()..];
    rest.split_first()
        .and_then(|(length, rest)| rest.get(usize::from(*length)..))
        .and_then(|rest| rest.first_chunk())
        .map(|tag| u64::from_be_bytes(*tag))
        .ok_or_else(unexpected)
}

/// The size of the body in a content header, and whether lapin could read its properties.
fn content_header(payload: &[u8]) -> io::Result<(u64, bool)> {
    let size = payload.get(4..).and_then(|rest| rest.first_chunk());
    let properties = payload.get(12..);
    let (Some(size), Some(properties)) = (size, properties) else {
        return Err(unexpected());
    };
    let readable = matches!(basic::parse_properties(properties), Ok(([], _)));
    Ok((u64::from_be_bytes(*size), readable))
}

fn unexpected() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "unexpected frame")
}

/// A frame as it came.
#[derive(Debug)]
struct Raw {
    kind: u8,
    payload: Vec<u8>,
}

impl Raw {
    /// The method in it, if it can be read.
    fn method(&self) -> Option<AMQPClass> {
        match parse_class(self.payload.as_slice()) {
            Ok(([], method)) => Some(method),
            _ => None,
        }
    }
}

/// A connection to the broker, frame by frame.
struct Wire<S> {
    stream: S,
    /// What has been read and not taken apart yet.
    input: Vec<u8>,
    /// Room to read into.
    chunk: Vec<u8>,
    frame_max: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Logs in and opens the channel.
    async fn open(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        let version = ProtocolVersion::amqp_0_9_1();
        self.send(&[AMQPFrame::ProtocolHeader(version)]).await?;
        self.expect(|method| matches!(method, connection::AMQPMethod::Start(_))).await?;
        let mechanism = endpoint.uri.query.auth_mechanism.unwrap_or_default();
        let credentials = Credentials::from(endpoint.uri.authority.userinfo.clone());
        let start = connection::StartOk {
            client_properties: FieldTable::default(),
            mechanism: mechanism.name().into(),
            response: credentials.sasl_auth_string(mechanism),
            locale: "en_US".into(),
        };
        self.send(&[at_connection(connection::AMQPMethod::StartOk(start))]).await?;
        let tune = self.expect(|method| matches!(method, connection::AMQPMethod::Tune(_))).await?;
        if let connection::AMQPMethod::Tune(tune) = tune {
            self.frame_max = tune.frame_max;
            let tune = connection::TuneOk {
                channel_max: tune.channel_max,
                frame_max: tune.frame_max,
                // It is over before one would be missed.
                heartbeat: 0,
            };
            let open = connection::Open { virtual_host: endpoint.uri.vhost.as_str().into() };
            self.send(&[
                at_connection(connection::AMQPMethod::TuneOk(tune)),
                at_connection(connection::AMQPMethod::Open(open)),
            ])
            .await?;
        }
        self.expect(|method| matches!(method, connection::AMQPMethod::OpenOk(_))).await?;
        Ok(())
    }

    /// Consumes until it is quiet, doing what `sieve` says; then closes.
    async fn sift(&mut self, sieve: &mut Sieve, settings: &Settings) -> io::Result<()> {
        let consume = basic::Consume {
            queue: settings.names.commands.as_str().into(),
            consumer_tag: "unreadable".into(),
            no_local: false,
            no_ack: false,
            exclusive: false,
            nowait: false,
            arguments: FieldTable::default(),
        };
        let qos = basic::Qos { prefetch_count: settings.prefetch, global: false };
        let select = confirm::Select { nowait: false };
        // The broker answers them in turn; each answer that matters is an error.
        let opening = [
            AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)),
            AMQPClass::Basic(basic::AMQPMethod::Qos(qos)),
            AMQPClass::Basic(basic::AMQPMethod::Consume(consume)),
        ];
        self.send(&opening.map(|method| AMQPFrame::Method(CHANNEL, method))).await?;
        let body_max = match usize::try_from(self.frame_max) {
            Ok(0) | Err(_) => FRAME_LIMIT,
            Ok(max) => max,
        }
        .saturating_sub(FRAME_OVERHEAD);
        loop {
            match tokio::time::timeout(QUIET, self.receive()).await {
                Ok(frame) => {
                    let answer = sieve.take(&frame?, body_max)?;
                    self.send(&answer).await?;
                }
                Err(_) if sieve.unconfirmed.is_empty() => break,
                Err(_) => {}
            }
        }
        let close = connection::Close {
            reply_code: constants::REPLY_SUCCESS,
            reply_text: "bye".into(),
            class_id: 0,
            method_id: 0,
        };
        self.send(&[at_connection(connection::AMQPMethod::Close(close))]).await?;
        self.expect(|method| matches!(method, connection::AMQPMethod::CloseOk(_))).await?;
        Ok(())
    }

    /// Waits for a method of the connection, past all else.
    async fn expect(
        &mut self,
        wanted: impl Fn(&connection::AMQPMethod) -> bool,
    ) -> io::Result<connection::AMQPMethod> {
        loop {
            match self.receive().await?.method() {
                Some(AMQPClass::Connection(method)) if wanted(&method) => return Ok(method),
                Some(AMQPClass::Connection(connection::AMQPMethod::Close(close))) => {
                    return Err(io::Error::other(close.reply_text.to_string()));
                }
                _ => {}
            }
        }
    }

    /// The next frame. What has been read is kept when this is dropped.
    async fn receive(&mut self) -> io::Result<Raw> {
        loop {
            if let Some((frame, length)) = split_frame(&self.input)? {
                self.input.drain(..length);
                return Ok(frame);
            }
            let Self { stream, chunk, .. } = self;
            let read = poll_fn(|context| Pin::new(&mut *stream).poll_read(context, chunk));
            match read.await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.input.extend_from_slice(&self.chunk[..count]),
            }
        }
    }

    async fn send(&mut self, frames: &[AMQPFrame]) -> io::Result<()> {
        let mut output = Vec::new();
        for frame in frames {
            let context = gen_frame(frame)(output.into()).map_err(io::Error::other)?;
            output = context.into_inner().0;
        }
        let stream = &mut self.stream;
        let mut rest = output.as_slice();
        while !rest.is_empty() {
            let written = poll_fn(|context| Pin::new(&mut *stream).poll_write(context, rest));
            match written.await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => rest = &rest[count..],
            }
        }
        poll_fn(|context| Pin::new(&mut *stream).poll_flush(context)).await
    }
}

fn at_connection(method: connection::AMQPMethod) -> AMQPFrame {
    AMQPFrame::Method(0, AMQPClass::Connection(method))
}

/// The first frame in `input`, and how long it is; none while it is not whole.
fn split_frame(input: &[u8]) -> io::Result<Option<(Raw, usize)>> {
    // Type, channel, size; behind the payload an end mark.
    let [kind, _, _, s0, s1, s2, s3, rest @ ..] = input else {
        return Ok(None);
    };
    let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]) as usize;
    if size > FRAME_LIMIT {
        return Err(unexpected());
    }
    let (Some(payload), Some(end)) = (rest.get(..size), rest.get(size)) else {
        return Ok(None);
    };
    if *end != constants::FRAME_END {
        return Err(unexpected());
    }
    let frame = Raw { kind: *kind, payload: payload.to_vec() };
    Ok(Some((frame, size + FRAME_OVERHEAD)))
}
