//! `/openapi.json`: the document of the API (OpenAPI 3.1), made from the table of routes and from the types of their handlers.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::api::pattern_of_cursors;
use super::operation::{Answer, Body, Content, Json, Shared, View};
use super::query::Parameter;
use super::readiness::Reason;
use super::route::{Route, Routes};
use crate::cluster::{ClusterRole, OwnerView};
use orderly_domain::partition::Partitions;

/// The document of a set of routes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "OpenApiDocument")]
pub struct Document(Map<String, Value>);

impl View for Document {
    type Kind = Self;
}

impl Shared for Document {}

impl Document {
    /// The document of `routes`.
    pub fn new(routes: &Routes) -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(never_null);
        let mut answered = settings
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .into_generator();
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for route in routes.all() {
            let operation = operation(route, &mut answered);
            let method = route.method().as_str().to_ascii_lowercase();
            paths.entry(route.path()).or_default().insert(method, operation);
        }
        let problem = answered.subschema_for::<ProblemDocument>();
        let mut schemas = answered.take_definitions(true);
        // Problems refer to it, also where the table has no route that may answer with one.
        schemas.entry("Problem").or_insert_with(|| problem.into());
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "orderly",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
            },
            "servers": [{ "url": "/" }],
            "security": [{ "bearer": [] }],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "`admin.token`, or for reading `admin.read_token`. No token is needed where \
                            none is configured.",
                    },
                },
            },
        });
        let Value::Object(document) = document else { unreachable!("it is written as an object") };
        Self(document)
    }

    /// The same document where lists are merged of several partitions: a page begins at a place in each of them.
    #[must_use]
    pub fn with_cursors_of(mut self, partitions: Partitions) -> Self {
        if !partitions.are_several() {
            return self;
        }
        let paths = self.0.get_mut("paths").and_then(Value::as_object_mut);
        let paths = paths.into_iter().flatten();
        // what is about an id is in the partition of the id
        let of_lists =
            paths.filter(|(path, _)| !path.contains('{')).map(|(_, operations)| operations);
        let operations = of_lists.filter_map(Value::as_object_mut);
        let parameters = operations
            .flat_map(Map::values_mut)
            .filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
        for parameter in parameters.flatten().filter(|parameter| parameter["name"] == "after") {
            parameter["schema"] =
                json!({ "type": "string", "pattern": pattern_of_cursors(partitions) });
        }
        self
    }

    /// The document of all routes that the server has.
    pub fn of_api() -> Self {
        Self::new(&super::table())
    }

    /// The document as JSON.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// `GET /openapi.json`.
pub(super) async fn show(
    document: actix_web::web::Data<Document>,
) -> Result<Json<Document>, super::Problem> {
    Ok(Json::new(document.get_ref())?)
}

const ABOUT: &str = "The API for operators of orderly, an event-driven order processor.\n\n\
    Errors are problem documents (RFC 9457). `HEAD` answers as `GET` without the body; another method that a path does \
    not have is 405 with `Allow`. An answer to `GET` has an `ETag`, and longer ones are compressed for who accepts \
    gzip. Amounts of money are whole numbers of minor units of their currency. Answers may get further members in later versions.";

/// A problem document (RFC 9457). It may have further members.
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[allow(dead_code, reason = "only its schema is used")]
struct ProblemDocument {
    /// `about:blank`: the problem is what the status says.
    r#type: String,
    /// The name of the status.
    title: String,
    /// The status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What is wrong this time, for a person.
    #[schemars(default, skip_serializing_if = "String::is_empty")]
    detail: String,
    /// The query parameter that is wrong.
    #[schemars(default, skip_serializing_if = "String::is_empty")]
    parameter: String,
    /// The header that is wrong.
    #[schemars(default, skip_serializing_if = "String::is_empty")]
    header: String,
    /// How many there are, where another number was confirmed.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The query parameters that there are.
    #[schemars(default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<String>,
    /// The values, or the methods, that there are.
    #[schemars(default, skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<String>,
    /// Of `/readyz`: why the process should be given no work.
    #[schemars(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
    /// Of `/readyz`: what this process is among the members of its namespace.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    role: Option<ClusterRole>,
    /// `not_owner`: another member owns the namespace, and only that one does what was asked for.
    #[schemars(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The owner, if it is known.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerView>,
}

/// A member that may be absent is never `null`: it is left out instead.
pub(crate) fn never_null(schema: &mut Schema) {
    transform_subschemas(&mut never_null, schema);
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, member) in properties {
        if !required.iter().any(|required| required == name) {
            not_null(member);
        }
    }
}

fn not_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|one| one != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(schemas) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        schemas.retain(|one| *one != json!({ "type": "null" }));
        if let [Value::Object(only)] = &schemas[..] {
            let only = only.clone();
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("anyOf");
                schema.extend(only);
            }
        }
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let operation = route.operation();
    let mut described = json!({
        "operationId": id(route),
        "tags": [tag(route)],
        "summary": route.about(),
        "responses": responses(route, generator),
    });
    let in_path = path_parameters(route.path()).map(|name| {
        json!({
            "name": name, "in": "path", "required": true,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    let in_query = operation.query.iter().map(|parameter| query_parameter(parameter, generator));
    let in_headers = operation.headers.iter().map(header_parameter);
    let parameters: Vec<_> = in_path.chain(in_query).chain(in_headers).collect();
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(Body { required, media_types }) = operation.body {
        // What is read may have other required members than what is written, so it shares no schema with an answer.
        let mut read = SchemaSettings::draft2020_12()
            .for_deserialize()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let content = media_types.iter();
        let content = content.map(|(name, schema)| (*name, json!({ "schema": schema(&mut read) })));
        let content: BTreeMap<_, _> = content.collect();
        described["requestBody"] = json!({ "required": required, "content": content });
    }
    if route.is_open() {
        described["security"] = json!([]);
    }
    described
}

fn query_parameter(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    let Parameter { name, about, schema, is_required, check: _ } = parameter;
    json!({
        "name": name, "in": "query", "required": is_required, "description": about,
        "schema": schema(generator),
    })
}

/// Headers are few and each is documented in place.
fn header_parameter(Parameter { name, about, schema, is_required, check: _ }: &Parameter) -> Value {
    let mut inline = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    json!({
        "name": name, "in": "header", "required": is_required, "description": about,
        "schema": schema(&mut inline),
    })
}

/// The answers of a route by status, those included that every route has.
fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let problem = |status, about| Answer { status, about, content: Content::Problem };
    let mut answers = route.operation().answers.clone();
    let shows_json = |answer: &Answer| {
        answer.status == StatusCode::OK && matches!(answer.content, Content::Json(_))
    };
    if route.method() == Method::GET && answers.iter().any(shows_json) {
        let about = "Nothing has changed since the answer whose `ETag` is in `If-None-Match`";
        answers.push(Answer { status: StatusCode::NOT_MODIFIED, about, content: Content::Nothing });
    }
    if !route.is_open() {
        answers.push(problem(StatusCode::UNAUTHORIZED, "The token is missing or wrong"));
        if route.method() != Method::GET {
            answers.push(problem(StatusCode::FORBIDDEN, "The token may only read"));
        }
    }
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for Answer { status, about, content } in answers {
        let response = responses.entry(status.as_u16().to_string()).or_insert_with(|| {
            let mut response = json!({ "description": "" });
            if let Some((media_types, schema)) = content_of(content, generator) {
                let one = |name: &&str| ((*name).to_owned(), json!({ "schema": schema }));
                response["content"] = media_types.iter().map(one).collect();
            }
            response
        });
        let said = response["description"].as_str().unwrap_or_default();
        let about = if about.is_empty() { route.about() } else { about };
        let said = if said.is_empty() { about.to_owned() } else { format!("{said}. {about}") };
        response["description"] = json!(said);
    }
    json!(responses)
}

/// The media types of a content, and its schema.
fn content_of(
    content: Content,
    generator: &mut SchemaGenerator,
) -> Option<(&'static [&'static str], Schema)> {
    match content {
        Content::Json(schema) => Some((&["application/json"], schema(generator))),
        Content::Text(media_types) => Some((media_types, json_schema!({ "type": "string" }))),
        Content::Bytes(media_types) => {
            Some((media_types, json_schema!({ "type": "string", "format": "binary" })))
        }
        Content::Problem => {
            Some((&["application/problem+json"], generator.subschema_for::<ProblemDocument>()))
        }
        Content::Nothing | Content::Unknown => None,
    }
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The segments of a path that name something, `api` left out.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '.']).filter(|segment| !segment.is_empty() && *segment != "api")
}

/// The name of a route for generated clients, such as `getOrdersByIdTimeline`.
fn id(route: &Route) -> String {
    let mut id = route.method().as_str().to_ascii_lowercase();
    for segment in segments(route.path()) {
        let (prefix, name) = match segment.strip_prefix('{') {
            Some(parameter) => ("By", parameter.trim_end_matches('}')),
            None => ("", segment),
        };
        id.push_str(prefix);
        for word in name.split('_') {
            id.extend(word.chars().next().map(|first| first.to_ascii_uppercase()));
            id.extend(word.chars().skip(1));
        }
    }
    id
}

/// What a route is about: the first segment of a path under `/api`.
fn tag(route: &Route) -> &str {
    match route.path().strip_prefix("/api/") {
        Some(path) => path.split('/').next().unwrap_or_default(),
        None => "process",
    }
}
