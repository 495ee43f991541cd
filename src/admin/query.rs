//! Query parameters. Each route declares its own with [`parameters!`]; any other one is refused, for every route alike.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use orderly_domain::text::shown;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;
use url::form_urlencoded;

use super::operation::SchemaOf;
use super::problem::Problem;

/// A query parameter that a route knows.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// What the parameter means, for a person.
    pub about: &'static str,
    /// The schema of its values.
    pub schema: SchemaOf,
    /// Whether a request must have it.
    pub is_required: bool,
    /// Whether it may have this value; `None` where a request leaves it out.
    pub check: fn(Option<&str>) -> Result<(), Expected>,
}

/// The query parameters of a route, with their values.
pub trait Parameters: Sized {
    /// All of them, whether a request has them or not.
    fn all() -> Vec<Parameter>;

    /// Their values in a request.
    fn read(given: &Given) -> Result<Self, Problem>;
}

/// The type of a query parameter.
pub trait Value: Sized {
    /// The value of a text, or what the text must be.
    fn parse(text: &str) -> Result<Self, Expected>;

    /// The schema of the values.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// A field of a struct of parameters: a value that may be absent, has a default, or is required.
pub trait Field: Sized {
    /// Whether a request must have it.
    const IS_REQUIRED: bool = false;

    /// The value; `text` is what the request has, if anything.
    fn read(text: Option<&str>) -> Result<Self, Expected>;

    /// The schema of the values.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// One of these.
    OneOf(Vec<&'static str>),
    /// Something else, such as "a number from 1 to 500".
    Other(String),
}

impl<T: Value> Field for Option<T> {
    fn read(text: Option<&str>) -> Result<Self, Expected> {
        text.map(T::parse).transpose()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

/// Any text but the empty one.
impl Value for String {
    fn parse(text: &str) -> Result<Self, Expected> {
        if text.is_empty() {
            return Err(Expected::Other("a text that is not empty".to_owned()));
        }
        Ok(text.to_owned())
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// The parameters of both.
impl<A: Parameters, B: Parameters> Parameters for (A, B) {
    fn all() -> Vec<Parameter> {
        A::all().into_iter().chain(B::all()).collect()
    }

    fn read(given: &Given) -> Result<Self, Problem> {
        Ok((A::read(given)?, B::read(given)?))
    }
}

/// The name of the parameter of a field. A field may have to be written as a raw identifier.
pub(super) fn name_of(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

/// Defines a struct of query parameters. Each field is a parameter of the field's name, and has a comment: the document of
/// the API shows it. The last member may be `..name: Type`, the parameters of another such struct.
macro_rules! parameters {
    (
        $(#[$about:meta])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty, )*
            $( ..$more:ident: $More:ty )?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        $vis struct $name {
            $( $(#[doc = $doc])+ $vis $field: $type, )*
            $( $vis $more: $More, )?
        }

        impl $crate::admin::query::Parameters for $name {
            fn all() -> Vec<$crate::admin::query::Parameter> {
                #[allow(unused_mut, reason = "not every struct has the parameters of another one")]
                let mut all = vec![$(
                    $crate::admin::query::Parameter {
                        name: $crate::admin::query::name_of(stringify!($field)),
                        about: concat!($($doc),+).trim_ascii(),
                        schema: <$type as $crate::admin::query::Field>::schema,
                        is_required: <$type as $crate::admin::query::Field>::IS_REQUIRED,
                        check: |text| <$type as $crate::admin::query::Field>::read(text).map(drop),
                    },
                )*];
                $( all.extend(<$More as $crate::admin::query::Parameters>::all()); )?
                all
            }

            fn read(
                given: &$crate::admin::query::Given,
            ) -> Result<Self, $crate::admin::Problem> {
                Ok(Self {
                    $( $field: given.value($crate::admin::query::name_of(stringify!($field)))?, )*
                    $( $more: $crate::admin::query::Parameters::read(given)?, )?
                })
            }
        }
    };
}
pub(crate) use parameters;

/// The query of a request, decoded.
#[derive(Debug)]
pub struct Given(Vec<(String, String)>);

impl Given {
    /// Reads a query. What is not valid percent-encoded UTF-8 becomes U+FFFD, which no name and no value has.
    pub(super) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Refuses a parameter that is not `known`, or that is given twice.
    pub(super) fn check(&self, known: &[Parameter]) -> Result<(), Problem> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if !known.iter().any(|parameter| parameter.name == name) {
                return Err(unknown(name, known));
            }
            if self.0[..place].iter().any(|(earlier, _)| earlier == name) {
                let problem = Problem::unprocessable(format!("{name}: is given more than once"));
                return Err(problem.with("parameter", json!(name)));
            }
        }
        Ok(())
    }

    /// The value of a parameter.
    pub(super) fn value<T: Field>(&self, name: &str) -> Result<T, Problem> {
        self.read(name, T::IS_REQUIRED, T::read)
    }

    /// Refuses a parameter whose value is not possible, or that must be given and is not.
    pub(super) fn check_value(&self, parameter: &Parameter) -> Result<(), Problem> {
        self.read(parameter.name, parameter.is_required, parameter.check)
    }

    fn read<T>(
        &self,
        name: &str,
        is_required: bool,
        read: impl FnOnce(Option<&str>) -> Result<T, Expected>,
    ) -> Result<T, Problem> {
        let text = self.0.iter().find(|(given, _)| given == name).map(|(_, text)| text.as_str());
        if text.is_none() && is_required {
            let problem = Problem::unprocessable(format!("{name}: must be given"));
            return Err(problem.with("parameter", json!(name)));
        }
        read(text).map_err(|expected| wrong(name, text.unwrap_or_default(), &expected))
    }
}

fn unknown(name: &str, known: &[Parameter]) -> Problem {
    let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
    let there_are = match &names[..] {
        [] => "there are none here".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    let name = shown(name);
    Problem::unprocessable(format!("there is no query parameter {name:?}; {there_are}"))
        .with("parameter", json!(name))
        .with("parameters", json!(names))
}

/// The problem of a value that is not what it must be.
pub(super) fn wrong(name: &str, text: &str, expected: &Expected) -> Problem {
    let text = shown(text);
    let (must_be, allowed) = match expected {
        Expected::OneOf(names) => (format!("one of {}", names.join(", ")), Some(names)),
        Expected::Other(must_be) => (must_be.clone(), None),
    };
    let problem = Problem::unprocessable(format!("{name}: must be {must_be}, not {text:?}"))
        .with("parameter", json!(name));
    match allowed {
        Some(names) => problem.with("allowed", json!(names)),
        None => problem,
    }
}

/// The query parameters of a request, for a handler. The route has checked already that there are no others.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: Parameters> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(T::read(&Given::parse(request.query_string())).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::listing::{Limit, Window};
    use orderly_domain::order::Status;

    parameters! {
        /// The parameters of a list.
        struct Filter {
            /// Only those of this status,
            /// whatever else they have.
            status: Option<Status>,
            /// Only those of this order.
            order_id: Option<String>,
            ..window: Window<String>
        }
    }

    fn read(query: &str) -> Result<Filter, String> {
        let given = Given::parse(query);
        let all = Filter::all();
        let named = || given.check(&all);
        let read =
            named().and_then(|()| Filter::read(&given)).map_err(|problem| problem.to_string());
        // what a parameter refuses by itself is what reading all of them refuses
        let checked = named().and_then(|()| all.iter().try_for_each(|one| given.check_value(one)));
        assert_eq!(checked.map_err(|problem| problem.to_string()).err(), read.clone().err());
        read
    }

    #[test]
    fn each_parameter_has_the_name_and_the_comment_of_its_field() {
        let all = Filter::all();
        let names: Vec<_> = all.iter().map(|parameter| parameter.name).collect();
        assert_eq!(names, ["status", "order_id", "limit", "after"]);
        assert_eq!(all[0].about, "Only those of this status, whatever else they have.");
        assert!(all.iter().all(|parameter| !parameter.about.is_empty()));
    }

    #[test]
    fn values_are_decoded_and_absent_ones_have_their_default() {
        assert_eq!(read(""), Ok(Filter::default()));
        let wanted = Filter {
            status: Some(Status::RefundDue),
            order_id: Some("o/7 ä".to_owned()),
            window: Window { limit: Limit::default(), after: Some("&".to_owned()) },
        };
        assert_eq!(read("after=%26&status=refund_due&order_id=o%2F7+%C3%A4"), Ok(wanted));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        let rows = [
            (
                "customer=u-1",
                "there is no query parameter \"customer\"; there are status, order_id, limit, after",
            ),
            (
                "status=payed",
                "status: must be one of rejected, awaiting_payment, partially_paid, under_review, paid, completed, \
                 expired, cancelled, refund_due, partially_refunded, refunded, authorized, not \"payed\"",
            ),
            ("status=paid&status=paid", "status: is given more than once"),
            ("order_id=", "order_id: must be a text that is not empty, not \"\""),
            ("limit=0", "limit: must be a number from 1 to 500, not \"0\""),
        ];
        for (query, said) in rows {
            assert_eq!(read(query), Err(said.to_owned()), "{query}");
        }
        let none = Given::parse("x=1").check(&[]).expect_err("there is no parameter").to_string();
        assert_eq!(none, "there is no query parameter \"x\"; there are none here");
        let long = format!("{}=1", "x".repeat(5_000));
        let told = Given::parse(&long).check(&[]).expect_err("there is no parameter").to_string();
        assert!(told.len() < 200, "{told}");
    }
}
