//! A connection to the broker, frame by frame.

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    pin::Pin,
    time::Duration,
};

use amq_protocol::{
    auth::Credentials,
    frame::{AMQPFrame, ProtocolVersion, gen_frame},
    protocol::{AMQPClass, basic, channel, confirm, connection, constants},
    types::FieldTable,
};
use futures_io::{AsyncRead, AsyncWrite};

use super::{
    super::{super::Settings, endpoint::Endpoint},
    filter::{CHANNEL, UnreadableFilter},
    frame::{FRAME_LIMIT, FRAME_OVERHEAD, RawFrame, split_frame},
};

/// Read from the socket at a time.
const CHUNK: usize = 64 * 1024;

/// A connection that is not lapin's.
pub(super) struct RawConnection<S> {
    stream: S,
    /// What has been read and not taken apart yet.
    input: Vec<u8>,
    /// Room to read into.
    chunk: Vec<u8>,
    frame_max: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawConnection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, input: Vec::new(), chunk: vec![0; CHUNK], frame_max: 0 }
    }

    /// Begins to speak AMQP. Returns what the broker says of itself.
    pub(super) async fn begin(&mut self) -> io::Result<FieldTable> {
        let version = ProtocolVersion::amqp_0_9_1();
        self.send(&[AMQPFrame::ProtocolHeader(version)]).await?;
        let is_start = |method: &_| matches!(method, connection::AMQPMethod::Start(_));
        match self.expect(is_start).await? {
            connection::AMQPMethod::Start(start) => Ok(start.server_properties),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Logs in and opens the connection.
    pub(super) async fn open(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        self.begin().await?;
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
                // The connection ends before a heartbeat would be missed.
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

    /// Consumes until nothing came for `quiet`, sending what `filter` says; then closes.
    pub(super) async fn consume(
        &mut self,
        filter: &mut UnreadableFilter,
        settings: &Settings,
        quiet: Duration,
    ) -> io::Result<()> {
        let consume = basic::Consume {
            queue: settings.names.queue.as_str().into(),
            consumer_tag: "unreadable".into(),
            no_local: false,
            no_ack: false,
            exclusive: false,
            nowait: false,
            arguments: FieldTable::default(),
        };
        let qos = basic::Qos { prefetch_count: settings.prefetch, global: false };
        let select = confirm::Select { nowait: false };
        // Answers that are no errors are not waited for.
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
            match tokio::time::timeout(quiet, self.receive()).await {
                Ok(frame) => {
                    let answer = filter.take(&frame?, body_max)?;
                    self.send(&answer).await?;
                }
                Err(_) if !filter.is_waiting() => break,
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

    /// Waits for a method of the connection, skipping everything else.
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

    /// The next frame. Dropping the future keeps what has been read.
    async fn receive(&mut self) -> io::Result<RawFrame> {
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
