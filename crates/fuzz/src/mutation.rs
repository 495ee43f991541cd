//! From samples to an input.
//!
//! | module | changes |
//! |---|---|
//! | `raw` | any bytes |
//! | `json` | values and members of JSON |
//! | `cbor` | heads of items of CBOR |
//! | `message` | headers and body of a message, gzip too |

mod cbor;
mod json;
mod message;
mod raw;

use crate::random::Random;
use crate::targets::Form;

/// The longest input.
const LONGEST: usize = 600_000;

/// Changes an input once.
pub(crate) fn mutate(input: &mut Vec<u8>, form: Form, samples: &[Vec<u8>], random: &mut Random) {
    match form {
        Form::Json if !random.one_in(3) => json::mutate(input, random),
        Form::Cbor if !random.one_in(3) => cbor::mutate(input, random),
        Form::Message if !random.one_in(4) => message::mutate(input, random),
        Form::Json | Form::Cbor | Form::Message | Form::Text | Form::Bytes => {
            raw::mutate(input, samples, random);
        }
    }
    input.truncate(LONGEST);
}

/// How often something is repeated: mostly a few times, sometimes very often.
fn often(random: &mut Random) -> usize {
    match random.below(64) {
        0 => 1 + random.below(60_000),
        1..8 => 1 + random.below(400),
        _ => 1 + random.below(8),
    }
}
