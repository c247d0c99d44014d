//! The workloads of bench/README.md on axum, with the validator crate.
use std::sync::{Arc, LazyLock};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use regex::Regex;
use serde::{Deserialize, Serialize};
use validator::Validate;

static SKU: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[A-Z]{3}-[0-9]{4}$").unwrap());

#[derive(Deserialize, Serialize, Validate)]
struct Item {
    #[validate(regex(path = *SKU))]
    sku: String,
    #[validate(range(min = 1, max = 1000))]
    quantity: u32,
    #[validate(range(min = 0.0))]
    price: f64,
}

#[derive(Deserialize, Validate)]
struct Order {
    #[validate(length(min = 1, max = 100))]
    customer: String,
    #[validate(length(min = 1, max = 50), nested)]
    items: Vec<Item>,
    #[validate(length(max = 500))]
    #[allow(dead_code)]
    note: Option<String>,
}

#[derive(Serialize)]
struct Receipt {
    customer: String,
    items: usize,
    total: f64,
}

#[derive(Deserialize)]
struct UserQuery {
    #[serde(default)]
    verbose: bool,
}

#[derive(Serialize)]
struct User {
    id: i64,
    verbose: bool,
    name: String,
}

#[derive(Clone, Serialize)]
struct Article {
    id: i64,
    name: String,
    sku: String,
    price: f64,
    quantity: i64,
    active: bool,
    note: Option<String>,
}

async fn plain() -> &'static str {
    "Hello, World!"
}

async fn user(Path(id): Path<i64>, Query(query): Query<UserQuery>) -> Response {
    if id < 1 {
        return (StatusCode::UNPROCESSABLE_ENTITY, "id must be at least 1").into_response();
    }
    Json(User { id, verbose: query.verbose, name: format!("user {id}") }).into_response()
}

async fn create(Json(order): Json<Order>) -> Response {
    if let Err(errors) = order.validate() {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(errors)).into_response();
    }
    let total = order.items.iter().map(|item| f64::from(item.quantity) * item.price).sum();
    (StatusCode::CREATED, Json(Receipt { items: order.items.len(), customer: order.customer, total })).into_response()
}

async fn list(State(articles): State<Arc<Vec<Article>>>) -> Response {
    Json(articles.as_ref()).into_response()
}

#[tokio::main]
async fn main() {
    let articles: Vec<Article> = (0..200)
        .map(|i| Article {
            id: i,
            name: format!("Item number {i}"),
            sku: format!("ABC-{}", 1000 + i),
            price: 9.99 + i as f64,
            quantity: i % 17,
            active: i % 2 == 0,
            note: None,
        })
        .collect();
    let app = Router::new()
        .route("/plain", get(plain))
        .route("/users/{id}", get(user))
        .route("/orders", post(create))
        .route("/list", get(list))
        .with_state(Arc::new(articles));
    let port = std::env::var("PORT").unwrap_or_else(|_| "8000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
