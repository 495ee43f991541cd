//! What to do about each frame: the copy of an unreadable command, and its acknowledgement.

use std::{collections::BTreeMap, io};

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame},
    protocol::{AMQPClass, basic, channel, connection, constants},
    types::{AMQPValue, FieldTable},
};

use super::{
    super::super::REASON_HEADER,
    frame::{DELIVER, RawFrame, content_header, delivery_tag, unexpected},
};

/// The one channel used.
pub(super) const CHANNEL: u16 = 1;

/// Decides, frame by frame, what to send; no I/O.
pub(super) struct UnreadableFilter {
    dead: String,
    /// The delivery whose frames are coming in.
    current: Option<Incoming>,
    /// Publishes whose confirm is outstanding, each with the tag of the command that it copies.
    unconfirmed: BTreeMap<u64, u64>,
    published: u64,
    set_aside: usize,
}

struct Incoming {
    tag: u64,
    readable: bool,
    body: Vec<u8>,
    left: u64,
}

impl UnreadableFilter {
    pub(super) fn new(dead: &str) -> Self {
        Self {
            dead: dead.to_owned(),
            current: None,
            unconfirmed: BTreeMap::new(),
            published: 0,
            set_aside: 0,
        }
    }

    /// Commands whose copy is confirmed.
    pub(super) fn set_aside(&self) -> usize {
        self.set_aside
    }

    /// True while the confirm of a copy is outstanding.
    pub(super) fn is_waiting(&self) -> bool {
        !self.unconfirmed.is_empty()
    }

    /// Reads a frame; returns the frames to send for it.
    pub(super) fn take(&mut self, frame: &RawFrame, body_max: usize) -> io::Result<Vec<AMQPFrame>> {
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

    /// Reads a method other than a delivery.
    fn answer(&mut self, frame: &RawFrame) -> io::Result<Vec<AMQPFrame>> {
        match frame.method() {
            Some(AMQPClass::Basic(basic::AMQPMethod::Ack(ack))) => {
                let rest = self.unconfirmed.split_off(&ack.delivery_tag.saturating_add(1));
                let mut confirmed = std::mem::replace(&mut self.unconfirmed, rest);
                if !ack.multiple {
                    let others = confirmed.split_off(&ack.delivery_tag);
                    let (only, others) = (others, confirmed);
                    self.unconfirmed.extend(others);
                    confirmed = only;
                }
                self.set_aside += confirmed.len();
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
