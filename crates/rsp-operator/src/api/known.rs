//! Parameters of the query that an operation does not know are refused: a filter that is written wrong must not be one that
//! is silently left out. What it knows is what its description says, so neither can be changed without the other.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{OpenApi, PathItem, RefOr};

use super::problem::{self, Problem};

/// The parameters of the query of each operation, by method and route.
pub(crate) struct Known(HashMap<(Method, String), Vec<String>>);

impl Known {
    /// What the routes of a description know.
    pub(crate) fn of(description: &OpenApi) -> Arc<Self> {
        let of_route = |(route, item): (&String, &PathItem)| {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            let known = operations.map(|(method, operation)| {
                let parameters = operation.iter().flat_map(|operation| operation.parameters.iter().flatten());
                let names = parameters.filter_map(|parameter| match parameter {
                    RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
                    _ => None,
                });
                ((method, route.clone()), names.collect())
            });
            known.into_iter().collect::<Vec<_>>()
        };
        Arc::new(Self(description.paths.paths.iter().flat_map(of_route).collect()))
    }

    fn check(&self, method: &Method, route: &str, uri: &Uri) -> Result<(), Problem> {
        let Ok(Query(given)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::new(problem::MALFORMED, "the query cannot be read"));
        };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let known = self.0.get(&(method.clone(), route.to_owned())).map(Vec::as_slice).unwrap_or_default();
        if given.iter().all(|(name, _)| known.contains(name)) {
            return Ok(());
        }
        // What was sent is not repeated: somebody may have put a secret there.
        Err(Problem::new(
            problem::MALFORMED,
            match known {
                [] => "the operation takes no parameters in the query".to_owned(),
                known => format!("the query has a parameter that is none of {}", known.join(", ")),
            },
        ))
    }
}

/// Refuses a query with what the operation does not know.
pub(crate) async fn only_known(State(known): State<Arc<Known>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    match known.check(request.method(), route, request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
