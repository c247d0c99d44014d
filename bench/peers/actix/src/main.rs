//! The workloads of bench/README.md on actix-web, with the validator crate.
use std::sync::LazyLock;

use actix_web::{get, post, web, App, HttpResponse, HttpServer, Responder};
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
struct Receipt<'a> {
    customer: &'a str,
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

#[derive(Serialize)]
struct Article {
    id: i64,
    name: String,
    sku: String,
    price: f64,
    quantity: i64,
    active: bool,
    note: Option<String>,
}

#[get("/plain")]
async fn plain() -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("Hello, World!")
}

#[get("/users/{id}")]
async fn user(id: web::Path<i64>, query: web::Query<UserQuery>) -> HttpResponse {
    let id = id.into_inner();
    if id < 1 {
        return HttpResponse::UnprocessableEntity().body("id must be at least 1");
    }
    HttpResponse::Ok().json(User { id, verbose: query.verbose, name: format!("user {id}") })
}

#[post("/orders")]
async fn create(order: web::Json<Order>) -> HttpResponse {
    if let Err(errors) = order.validate() {
        return HttpResponse::UnprocessableEntity().json(errors);
    }
    let total = order.items.iter().map(|item| f64::from(item.quantity) * item.price).sum();
    HttpResponse::Created().json(Receipt { customer: &order.customer, items: order.items.len(), total })
}

#[get("/list")]
async fn list(articles: web::Data<Vec<Article>>) -> impl Responder {
    HttpResponse::Ok().json(articles.as_ref())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
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
    let articles = web::Data::new(articles);
    let port = std::env::var("PORT").unwrap_or_else(|_| "8000".into()).parse().unwrap();
    HttpServer::new(move || App::new().app_data(articles.clone()).service(plain).service(user).service(create).service(list))
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
