//! What can be known of a broker for a cluster, without changing anything there: which nodes answer, of which version, and how
//! the stream of the journal was made.

use amq_protocol::types::{AMQPValue, FieldTable};

use super::{
    Error,
    connection::Connection,
    endpoint::{Address, Endpoint},
    stream::{self, Options},
    unreadable::server_properties,
};
use crate::Settings;

/// What a node of the broker says of itself before anybody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The program, such as `RabbitMQ`; empty if it does not say.
    pub product: String,
    /// Its version, such as `3.13.7`; empty if it does not say.
    pub version: String,
    /// The name of its cluster; empty if it does not say.
    pub cluster: String,
}

/// How a stream was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// There is none.
    Missing,
    /// With the arguments that it would be declared with.
    AsConfigured,
    /// With other ones, in the broker's words.
    Otherwise(String),
}

/// Asks every node of the settings who it is.
///
/// The errors that come before any node is asked: [`Error::Url`], [`Error::CaFile`].
pub async fn nodes(settings: &Settings) -> Result<Vec<(Address, Result<About, Error>)>, Error> {
    let mut endpoint = Endpoint::new(settings)?;
    let mut nodes = Vec::new();
    for _ in 0..endpoint.count() {
        let about = server_properties(&endpoint).await.map(|properties| About::read(&properties));
        nodes.push((endpoint.address(), about));
        endpoint.try_next();
    }
    Ok(nodes)
}

/// Looks how the stream was made, at the first of the addresses.
pub async fn stream(settings: &Settings, options: &Options) -> Result<Made, Error> {
    let connection =
        Connection::open(&Endpoint::new(settings)?, format!("{} check", options.name)).await?;
    let made = stream::made(settings, &connection, options).await;
    connection.close().await?;
    made
}

impl About {
    fn read(properties: &FieldTable) -> Self {
        let text = |key: &str| match properties.inner().get(key) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            _ => String::new(),
        };
        Self { product: text("product"), version: text("version"), cluster: text("cluster_name") }
    }

    /// The numbers of its version: (3, 13, 7). `None`: it says none that can be read.
    pub fn numbers(&self) -> Option<(u32, u32, u32)> {
        let mut numbers = self.version.split(['.', '-', '+']).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some((next()?, next()?, next().unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_numbers() {
        for (version, numbers) in [
            ("3.10.8", Some((3, 10, 8))),
            ("4.0", Some((4, 0, 0))),
            ("4.1.0-beta.3", Some((4, 1, 0))),
            ("3.13.7+1", Some((3, 13, 7))),
            ("", None),
            ("next", None),
        ] {
            let about =
                About { product: String::new(), version: version.into(), cluster: String::new() };
            assert_eq!(about.numbers(), numbers, "{version}");
        }
    }
}
