//! The body without its encoding and without its byte order mark.
//!
//! Invariant: no more is decompressed than a command may have, whatever the compressed body says; or, of a message that is no
//! command, than is kept of it.

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use orderly_domain::command::Invalid;
use orderly_domain::text::shown;
use orderly_domain::verdict::Reason;
use std::io::Read as _;

/// The byte order mark of UTF-8. Some producers put it in front of JSON.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The bytes that a compressed body may have beyond a hundredth more than its content: what cannot be compressed grows a
/// little, and has a header.
const ENVELOPE: usize = 1024;

/// The JSON that a body stands for, of at most `most` bytes. `None`: it is the body itself.
pub(super) fn readable(
    body: &[u8],
    encoding: Option<&str>,
    most: usize,
) -> Result<Option<Bytes>, Invalid> {
    let encoding = encoding.unwrap_or("").trim();
    let is = |name: &str| encoding.eq_ignore_ascii_case(name);
    if encoding.is_empty() || is("identity") {
        within(body, most)?;
        Ok(body.strip_prefix(MARK).map(Bytes::copy_from_slice))
    } else if is("gzip") {
        within(body, most.saturating_add(most / 100).saturating_add(ENVELOPE))?;
        Ok(Some(without_mark(decompressed(body, most)?)))
    } else {
        let found = shown(encoding);
        Err(Invalid::malformed(format_args!(
            "content_encoding: must be gzip or identity, not {found:?}"
        )))
    }
}

/// The same as far as it can be read from a body that may be damaged, cut or too long: at most the first `most` bytes of it.
pub(super) fn beginning(body: &Bytes, encoding: Option<&str>, most: usize) -> Bytes {
    if !encoding.unwrap_or("").trim().eq_ignore_ascii_case("gzip") {
        return without_mark(body.slice(..body.len().min(most)));
    }
    let mut content = Vec::new();
    // what was read before an error stays
    let _ = MultiGzDecoder::new(&body[..]).take(most as u64).read_to_end(&mut content);
    without_mark(content.into())
}

/// The same bytes behind the byte order mark, where they begin with it.
pub(super) fn without_mark(bytes: Bytes) -> Bytes {
    if bytes.starts_with(MARK) { bytes.slice(MARK.len()..) } else { bytes }
}

fn within(body: &[u8], most: usize) -> Result<(), Invalid> {
    if body.len() <= most {
        return Ok(());
    }
    let detail = format!("the body has {} bytes, at most {most} are allowed", body.len());
    Err(Invalid { reason: Reason::TooLarge, detail })
}

fn decompressed(body: &[u8], most: usize) -> Result<Bytes, Invalid> {
    let mut content = Vec::new();
    let limit = (most as u64).saturating_add(1);
    MultiGzDecoder::new(body).take(limit).read_to_end(&mut content).map_err(|_| {
        Invalid::malformed("content_encoding: the body is not gzip, or it is damaged or cut")
    })?;
    if content.len() > most {
        let detail =
            format!("the decompressed body has more than {most} bytes, which are the most allowed");
        return Err(Invalid { reason: Reason::TooLarge, detail });
    }
    Ok(content.into())
}
