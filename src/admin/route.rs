//! The table of routes. What a request may be is declared there once, and every route is served by the same rules:
//!
//! - `HEAD` is answered as `GET`, without the body.
//! - Another method is 405 with `Allow`, a path that is not in the table 404.
//! - A query parameter that the route does not declare is 422.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, Handler, HttpRequest, HttpResponse, ResponseError, guard};
use serde_json::json;

use super::operation::{Inputs, Operation, Output};
use super::problem::Problem;
use super::query::{Given, Parameter};

/// A method of a path, and what answers it.
#[derive(Clone)]
pub struct Route {
    method: Method,
    path: &'static str,
    about: &'static str,
    is_open: bool,
    operation: Operation,
    service: Arc<dyn Fn() -> actix_web::Route + Send + Sync>,
}

impl Route {
    /// A route that reads, and `HEAD` of the same path. `about` says what for, in one sentence.
    pub fn get<F, Args>(path: &'static str, about: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Output + 'static> + Send + Sync,
        Args: Inputs + 'static,
    {
        Self::new(Method::GET, path, about, handler)
    }

    /// A route that removes something.
    pub fn delete<F, Args>(path: &'static str, about: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Output + 'static> + Send + Sync,
        Args: Inputs + 'static,
    {
        Self::new(Method::DELETE, path, about, handler)
    }

    /// A route that changes something.
    pub fn post<F, Args>(path: &'static str, about: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Output + 'static> + Send + Sync,
        Args: Inputs + 'static,
    {
        Self::new(Method::POST, path, about, handler)
    }

    fn new<F, Args>(method: Method, path: &'static str, about: &'static str, handler: F) -> Self
    where
        F: Handler<Args, Output: Output + 'static> + Send + Sync,
        Args: Inputs + 'static,
    {
        let mut operation = Operation::default();
        F::Output::describe(&mut operation);
        Args::describe(&mut operation);
        operation.problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "A query parameter is unknown, or has a value that is not possible",
        );
        let known: Arc<[Parameter]> = operation.query.clone().into();
        let guarded = method.clone();
        let service = move || {
            let known = Arc::clone(&known);
            let check = move |request, next| check_query(Arc::clone(&known), request, next);
            let route = web::route().to(handler.clone()).wrap(from_fn(check));
            if guarded == Method::GET {
                route.guard(guard::Any(guard::Get()).or(guard::Head()))
            } else {
                route.method(guarded.clone())
            }
        };
        Self { method, path, about, is_open: false, operation, service: Arc::new(service) }
    }

    /// Answers without a token.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// May answer with a problem of this status, beside those that follow from the arguments of the handler.
    #[must_use]
    pub fn problem(mut self, status: StatusCode, about: &'static str) -> Self {
        self.operation.problem(status, about);
        self
    }

    /// The method; `GET` stands for `HEAD` too.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with its parameters in braces.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// What the route is for.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Whether the route answers without a token.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// What a request with this query is refused for before its handler runs, if it is: an unknown parameter, or a value
    /// that is not possible.
    pub fn check_query(&self, query: &str) -> Result<(), Problem> {
        let given = Given::parse(query);
        given.check(&self.operation.query)?;
        self.operation.query.iter().try_for_each(|parameter| given.check_value(parameter))
    }

    /// What the route takes and answers.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }
}

async fn check_query(
    known: Arc<[Parameter]>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match Given::parse(request.query_string()).check(&known) {
        Ok(()) => next.call(request).await,
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

type Configure = dyn Fn(&mut ServiceConfig) + Send + Sync;

/// A set of routes, and the data that their handlers share.
#[derive(Clone, Default)]
pub struct Routes {
    all: Vec<Route>,
    data: Vec<Arc<Configure>>,
}

impl Routes {
    /// These routes, without data.
    pub fn new(all: impl IntoIterator<Item = Route>) -> Self {
        Self { all: all.into_iter().collect(), data: Vec::new() }
    }

    /// Data that handlers take as [`Data`].
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, data: T) -> Self {
        self.data.push(Arc::new(move |config: &mut ServiceConfig| {
            config.app_data(Data::new(data.clone()));
        }));
        self
    }

    /// The routes of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        self.data.extend(other.data);
        self
    }

    /// Every route.
    pub fn all(&self) -> &[Route] {
        &self.all
    }

    /// Whether a path answers without a token.
    pub(super) fn is_open(&self, path: &str) -> bool {
        self.all.iter().any(|route| route.is_open && names(route.path, path))
    }

    /// Serves the routes, and nothing else.
    pub(super) fn configure(&self, config: &mut ServiceConfig) {
        for data in &self.data {
            data(config);
        }
        let mut paths: Vec<_> = self.all.iter().map(|route| route.path).collect();
        // The framework takes the first path that matches: a fixed one must come before one with a parameter in its place.
        paths.sort_unstable_by_key(|path| path.replace('{', "\u{10ffff}"));
        paths.dedup();
        for path in paths {
            let here = self.all.iter().filter(|route| route.path == path);
            let allowed = allowed(here.clone());
            let resource =
                here.fold(web::resource(path), |resource, route| resource.route((route.service)()));
            let wrong_method = move |request| wrong_method(&request, &allowed);
            config.service(resource.default_service(web::to(wrong_method)));
        }
        config.default_service(web::to(nowhere));
    }
}

/// The methods that a path has, `HEAD` included.
fn allowed<'a>(routes: impl Iterator<Item = &'a Route>) -> Vec<Method> {
    let head = |route: &Route| (route.method == Method::GET).then_some(Method::HEAD);
    routes.flat_map(|route| std::iter::once(route.method.clone()).chain(head(route))).collect()
}

/// Whether a path is one of a route; a parameter stands for one segment that is not empty.
fn names(route: &str, path: &str) -> bool {
    let (mut of_route, mut of_path) = (route.split('/'), path.split('/'));
    loop {
        match (of_route.next(), of_path.next()) {
            (None, None) => return true,
            (Some(parameter), Some(segment))
                if parameter.starts_with('{') && !segment.is_empty() => {}
            (Some(fixed), Some(segment)) if fixed == segment => {}
            _ => return false,
        }
    }
}

fn wrong_method(request: &HttpRequest, allowed: &[Method]) -> Ready<HttpResponse> {
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    let detail = format!("there is no {} here, but {}", request.method(), names.join(", "));
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED).detail(detail);
    let mut response = problem.with("allowed", json!(names)).error_response();
    let allow = header::HeaderValue::from_str(&names.join(", ")).expect("names of methods");
    response.headers_mut().insert(header::ALLOW, allow);
    ready(response)
}

fn nowhere() -> Ready<HttpResponse> {
    ready(Problem::not_found("there is nothing at this path").error_response())
}
