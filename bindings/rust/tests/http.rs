//! HTTP by types: what handlers take and give, hooks, dependencies, streams, the end of clients, of handlers and of the application.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard::testing::TestApp;
use spikard::{
    App, BodyStream, Bytes, Cause, Cookies, Depends, Event, Failure, Form, Headers, Inject, Json, Made, Path, Phase, Problem, Query, Request, Response, Result,
    Scope, Value,
};
use tokio::sync::Notify;

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
struct Item {
    name: String,
    #[schemars(range(min = 1))]
    count: u32,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Size {
    Small,
    Large,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
struct Order {
    items: Vec<Item>,
    size: Size,
    note: Option<String>,
    #[serde(default)]
    gift: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Page {
    #[serde(default = "ten")]
    #[schemars(range(max = 100))]
    limit: u32,
    after: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

fn ten() -> u32 {
    10
}

#[derive(Deserialize, JsonSchema)]
struct Trace {
    x_trace: String,
}

#[derive(Deserialize, JsonSchema)]
struct Session {
    session: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Names {
    shop: String,
    id: u64,
}

fn serve(fill: impl FnOnce(&mut App)) -> TestApp {
    let mut app = App::new("test");
    app.config(Value::from_json(r#"{"log": {"level": "off"}, "shutdown": {"timeout_ms": 5000}}"#).unwrap());
    fill(&mut app);
    TestApp::serve(&app).unwrap()
}

#[test]
fn bodies_are_checked_and_decoded() {
    let test = serve(|app| {
        app.post("/orders", |Json(order): Json<Order>| async move { Json(order) }).status(201);
    });
    let order = Order { items: vec![Item { name: "tea".into(), count: 2 }], size: Size::Large, note: None, gift: false };
    let answer = test.post("/orders").json(&order).unwrap().send().unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json::<Order>().unwrap(), order);

    let answer =
        test.post("/orders").header("content-type", "application/json").body(r#"{"items": [{"name": "tea", "count": 0}], "size": "huge"}"#).send().unwrap();
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem: Value = answer.json().unwrap();
    assert_eq!(problem.get("errors").list().len(), 2, "{problem}");
}

#[test]
fn parameters_come_from_every_place() {
    let test = serve(|app| {
        app.get("/page", |Query(page): Query<Page>| async move { format!("{} {:?} {:?}", page.limit, page.after, page.tags) });
        app.get("/one/{id:int}", |Path(id): Path<i64>| async move { id.to_string() });
        app.get("/two/{shop}/{id:int}", |Path((shop, id)): Path<(String, u64)>| async move { format!("{shop} {id}") });
        app.get("/named/{shop}/{id:int}", |Path(n): Path<Names>| async move { format!("{} {}", n.shop, n.id) });
        app.get("/headers", |Headers(t): Headers<Trace>, Cookies(s): Cookies<Session>| async move { format!("{} {:?}", t.x_trace, s.session) });
        app.post("/form", |Form(item): Form<Item>| async move { Json(item) });
    });
    let text = |path: &str| test.get(path).send().unwrap().text();
    assert_eq!(text("/page"), "10 None []");
    assert_eq!(text("/page?limit=5&after=x&tags=a&tags=b"), "5 Some(\"x\") [\"a\", \"b\"]");
    assert_eq!(test.get("/page?limit=101").send().unwrap().status, 422);
    assert_eq!(text("/one/-7"), "-7");
    assert_eq!(test.get("/one/x").send().unwrap().status, 422);
    assert_eq!(text("/two/corner/3"), "corner 3");
    assert_eq!(text("/named/corner/3"), "corner 3");
    let answer = test.get("/headers").header("x-trace", "t").header("cookie", "session=s").send().unwrap();
    assert_eq!(answer.text(), "t Some(\"s\")");
    assert_eq!(test.get("/headers").send().unwrap().status, 422);
    let answer = test.post("/form").header("content-type", "application/x-www-form-urlencoded").body("name=tea&count=3").send().unwrap();
    assert_eq!(answer.json::<Item>().unwrap(), Item { name: "tea".into(), count: 3 });
}

#[test]
fn errors_are_problems_and_panics_say_nothing() {
    let test = serve(|app| {
        app.get("/problem", || async { Err::<(), _>(Failure::from(Problem::new(409).detail("sold out").member("left", 0))) });
        app.get("/error", || async { Err::<(), Failure>(std::fs::read("/nowhere/secret").unwrap_err().into()) });
        app.get("/panic", || async { panic!("secret") as () });
        app.get("/question", || async {
            "x".parse::<u32>()?;
            Ok::<_, Failure>(())
        });
        app.get("/none", || async { None::<String> });
    });
    let answer = test.get("/problem").send().unwrap();
    let problem: Value = answer.json().unwrap();
    assert_eq!((answer.status, problem.get("detail").as_str(), problem.get("left").as_i64()), (409, Some("sold out"), Some(0)));
    for path in ["/error", "/panic", "/question"] {
        let answer = test.get(path).send().unwrap();
        assert_eq!(answer.status, 500);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.text().contains("secret") && !answer.text().contains("digit"), "{}", answer.text());
    }
    assert_eq!(test.get("/none").send().unwrap().status, 404);
    assert_eq!(test.stop().unwrap().get("exit_code").as_i64(), Some(0));
}

#[test]
fn hooks_see_and_change_requests_and_answers() {
    let seen = Arc::new(Mutex::new(String::new()));
    let why = seen.clone();
    let test = serve(|app| {
        app.hook(Phase::OnRequest, |draft| async move {
            match draft.header("authorization") {
                Some(user) => draft.set("user", user),
                None => return Err(Problem::new(401).into()),
            }
            Ok(None)
        });
        app.hook(Phase::OnResponse, |draft| async move {
            draft.set_header("x-status", draft.status().to_string());
            Ok(None)
        });
        app.hook(Phase::OnError, move |draft| {
            *why.lock().unwrap() = draft.failure().map(|f| f.to_string()).unwrap_or_default();
            async { Ok(Some(Response::json("sorry").status(503))) }
        });
        app.get("/who", |r: Request| async move { r.context().get("user").as_str().unwrap_or_default().to_string() });
        app.get("/fail", || async { Err::<(), _>(Failure::new("inner")) });
    });
    assert_eq!(test.get("/who").send().unwrap().status, 401);
    let answer = test.get("/who").header("authorization", "ada").send().unwrap();
    assert_eq!((answer.text().as_str(), answer.header("x-status")), ("ada", Some("200")));
    let answer = test.get("/fail").header("authorization", "ada").send().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (503, "\"sorry\""));
    assert_eq!(*seen.lock().unwrap(), "inner");
}

#[test]
fn dependencies_are_made_once_or_each_time_and_ended() {
    struct Pool(Arc<Mutex<Vec<&'static str>>>);
    struct Session(Arc<Pool>);
    let log = Arc::new(Mutex::new(Vec::new()));
    let trace = log.clone();
    let test = serve(|app| {
        app.provide("pool", Scope::Singleton, &[], move |_: Depends| {
            let trace = trace.clone();
            async move {
                trace.lock().unwrap().push("pool");
                Ok(Made::new(Pool(trace)))
            }
        });
        app.provide("session", Scope::Request, &["pool"], |depends: Depends| async move {
            let pool = depends.get::<Pool>(0)?;
            pool.0.lock().unwrap().push("open");
            let ends = pool.clone();
            Ok(Made::new(Session(pool)).cleanup(move || async move {
                ends.0.lock().unwrap().push("close");
                Ok(())
            }))
        });
        app.value("name", "shop".to_string());
        app.get("/", |session: Inject<Session>, name: Inject<String>| async move {
            session.0 .0 .0.lock().unwrap().push("use");
            name.to_string()
        });
    });
    assert_eq!(test.get("/").send().unwrap().text(), "shop");
    assert_eq!(test.get("/").send().unwrap().text(), "shop");
    test.stop().unwrap();
    assert_eq!(*log.lock().unwrap(), ["pool", "open", "use", "close", "open", "use", "close"]);
}

#[test]
fn what_nothing_provides_is_refused_at_the_start() {
    let mut app = App::new("test");
    app.get("/", |_: Inject<u64>| async {});
    let error = app.start().err().expect("nothing provides it").to_string();
    assert!(error.contains("u64"), "{error}");
}

#[test]
fn streams_go_both_ways() {
    let test = serve(|app| {
        app.post("/count", |mut body: BodyStream| async move {
            let mut n = 0;
            while let Some(chunk) = body.chunk().await? {
                n += chunk.len();
            }
            Ok::<_, Failure>(n.to_string())
        });
        app.post("/echo", |body: BodyStream| async move { Response::from_stream(body) });
        app.post("/bytes", |Bytes(data): Bytes| async move { data });
        app.get("/events", || async {
            Response::stream(|mut out| async move {
                out.event(&Event { id: Some("1".into()), ..Event::data("a\nb") }).await?;
                Ok(())
            })
            .media_type("text/event-stream")
        });
        app.get("/cut", || async {
            Response::stream(|mut out| async move {
                out.write("begun").await?;
                Err(Failure::new("in the middle"))
            })
        });
    });
    let big: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
    assert_eq!(test.post("/count").body(big.clone()).send().unwrap().text(), "300000");
    assert_eq!(test.post("/echo").body(big.clone()).send().unwrap().body, big);
    assert_eq!(test.post("/bytes").body("abc").send().unwrap().body, b"abc");
    assert_eq!(test.get("/events").send().unwrap().text(), "id: 1\ndata: a\ndata: b\n\n");
    let mut cut = test.get("/cut").open().unwrap();
    assert_eq!(cut.chunk().unwrap().unwrap(), b"begun");
    assert!(cut.chunk().is_err());
}

#[test]
fn answers_come_in_any_order() {
    let held = Arc::new(Notify::new());
    let (tell, told) = mpsc::channel();
    let (wait, go) = (held.clone(), held.clone());
    let test = serve(|app| {
        app.get("/slow", move || {
            let (wait, tell) = (wait.clone(), tell.clone());
            async move {
                tell.send(()).unwrap();
                wait.notified().await;
                "slow"
            }
        });
        app.get("/fast", move || {
            let go = go.clone();
            async move {
                go.notify_one();
                "fast"
            }
        });
    });
    let port = test.port();
    let slow = std::thread::spawn({
        let request = test.get("/slow");
        move || request.send().unwrap().text()
    });
    told.recv().unwrap();
    assert_ne!(port, 0);
    assert_eq!(test.get("/fast").send().unwrap().text(), "fast");
    assert_eq!(slow.join().unwrap(), "slow");
}

#[test]
fn a_client_that_goes_drops_its_handler() {
    struct Dropped(mpsc::Sender<Option<Cause>>, spikard::Cancellation);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(self.1.cause()).unwrap();
        }
    }
    let (tell, told) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    let test = serve(|app| {
        app.get("/wait", move |cancellation: spikard::Cancellation| {
            let (tell, begun) = (tell.clone(), begun.clone());
            async move {
                let _dropped = Dropped(tell, cancellation);
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
            }
        });
    });
    let port = test.port();
    let mut client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::io::Write::write_all(&mut client, b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    begins.recv().unwrap();
    drop(client);
    assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), Some(Cause::ClientGone));
}

#[test]
fn a_timeout_is_answered_and_drops_the_handler() {
    let mut app = App::new("test");
    app.config(Value::from_json(r#"{"log": {"level": "off"}}"#).unwrap());
    let (tell, told) = mpsc::channel();
    app.get("/wait", move |cancellation: spikard::Cancellation| {
        let tell = tell.clone();
        async move {
            spikard::spawn(async move { tell.send(cancellation.cancelled().await).unwrap() });
            spikard::sleep(Duration::from_secs(3600)).await?;
            Ok::<_, Failure>(())
        }
    })
    .timeout(Duration::from_millis(50));
    let test = TestApp::serve(&app).unwrap();
    assert_eq!(test.get("/wait").send().unwrap().status, 408);
    assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), Cause::Deadline);
}

#[test]
fn the_end_waits_for_what_is_in_flight() {
    let served = Arc::new(AtomicUsize::new(0));
    let begun = Arc::new(AtomicUsize::new(0));
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let (tell, told) = mpsc::channel();
    let (count, gate, starts) = (served.clone(), go.clone(), begun.clone());
    let test = serve(move |app| {
        app.get("/", move |r: Request| {
            let (count, gate, tell, starts) = (count.clone(), gate.clone(), tell.clone(), starts.clone());
            async move {
                if starts.fetch_add(1, Ordering::SeqCst) == 31 {
                    tell.send(()).unwrap();
                }
                let _pass = gate.acquire().await?;
                let after = count.clone();
                r.background(async move {
                    after.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                });
                Ok::<_, Failure>("done")
            }
        });
    });
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let request = test.get("/");
            std::thread::spawn(move || request.send().unwrap().text())
        })
        .collect();
    told.recv_timeout(Duration::from_secs(20)).unwrap();
    test.drain().unwrap();
    go.add_permits(32);
    let answers: Vec<String> = clients.into_iter().map(|c| c.join().unwrap()).collect();
    assert!(answers.iter().all(|a| a == "done"));
    let report = test.stop().unwrap();
    assert_eq!(report.get("exit_code").as_i64(), Some(0), "{report}");
    assert_eq!(served.load(Ordering::SeqCst), 32, "what was to do after the answers");
}

#[test]
fn starts_and_stops_run_in_order() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (a, b, c) = (log.clone(), log.clone(), log.clone());
    let mut app = App::new("test");
    app.on_start(move || {
        a.lock().unwrap().push("start");
        async { Ok(()) }
    });
    app.on_stop(move || {
        b.lock().unwrap().push("stop");
        async { Ok(()) }
    });
    app.get("/", move || {
        c.lock().unwrap().push("request");
        async {}
    });
    let test = TestApp::serve(&app).unwrap();
    assert_eq!(test.get("/").send().unwrap().status, 204);
    test.stop().unwrap();
    assert_eq!(*log.lock().unwrap(), ["start", "request", "stop"]);

    let mut app = App::new("test");
    app.on_start(|| async { Err(Failure::new("no")) });
    app.get("/", || async {});
    let result: Result<_> = app.start();
    assert_eq!(result.err().expect("the start failed").to_string(), "no");
}

#[test]
fn several_ports_serve_one_application() {
    let threads = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let seen = threads.clone();
    let mut app = App::new("test");
    app.ports(2);
    app.get("/", move || {
        seen.lock().unwrap().insert(std::thread::current().id());
        async { "ok" }
    });
    let test = TestApp::serve(&app).unwrap();
    for _ in 0..64 {
        assert_eq!(test.get("/").send().unwrap().text(), "ok");
    }
    assert_eq!(test.stop().unwrap().get("exit_code").as_i64(), Some(0));
    assert!(!threads.lock().unwrap().is_empty() && threads.lock().unwrap().len() <= 2);
}
