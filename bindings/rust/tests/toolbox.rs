//! The clients, and the handlers of messages, tasks, schedules and events, on a virtual clock with everything in memory.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard::testing::{TestApp, TestOptions};
use spikard::{
    fatal, manifest, named, retry, App, Cache, CloudEvent, Database, Decimal, Failure, Json, Kind, Message, Messaging, Result, Storage, TaskRun, Tasks,
    Transaction, Value,
};

fn app() -> App {
    let mut app = App::new("test");
    app.config(Value::from_json(r#"{"log": {"level": "off"}}"#).unwrap());
    app.get("/", || async {});
    app
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
struct Order {
    id: i64,
    item: String,
}

#[test]
fn caches_load_once_for_all_that_wait() {
    let test = TestApp::start(&app()).unwrap();
    test.run(async {
        let cache = Cache::default();
        assert_eq!(cache.get("k").await?, None);
        cache.set("k", "v").ttl(Duration::from_secs(60)).await?;
        assert_eq!(cache.get("k").await?.as_deref(), Some(&b"v"[..]));
        assert_eq!(cache.ttl("k").await?, Some(Duration::from_secs(60)));
        assert_eq!(cache.namespaced("other").get("k").await?, None);
        assert_eq!(cache.increment("n").by(5).await?, 5);
        assert_eq!(cache.get_many(["k", "x"]).await?, vec![Some(b"v".to_vec()), None]);

        let loads = Arc::new(AtomicU32::new(0));
        let callers: Vec<_> = (0..5)
            .map(|_| {
                let loads = loads.clone();
                spikard::spawn(async move {
                    let load = move || async move {
                        loads.fetch_add(1, Ordering::SeqCst);
                        spikard::sleep(Duration::from_secs(2)).await?;
                        Ok(Some(b"loaded".to_vec()))
                    };
                    Cache::default().get_or_load("slow", load).await
                })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await??.as_deref(), Some(&b"loaded"[..]));
        }
        assert_eq!(loads.load(Ordering::SeqCst), 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_load_that_is_dropped_goes_to_the_next_one() {
    let test = TestApp::start(&app()).unwrap();
    test.run(async {
        let stuck = spikard::spawn(async { Cache::default().get_or_load("k", || async { std::future::pending().await }).await.map(|_| ()) });
        spikard::sleep(Duration::from_millis(5)).await?;
        stuck.abort();
        let value = Cache::default().get_or_load("k", || async { Ok(Some(b"v".to_vec())) }).await?;
        assert_eq!(value.as_deref(), Some(&b"v"[..]));
        Ok(())
    })
    .unwrap();
}

#[derive(Debug, Deserialize, PartialEq)]
struct Row {
    id: i64,
    price: Decimal,
    note: Option<String>,
}

#[test]
fn transactions_commit_or_do_nothing() {
    let test = TestApp::start(&app()).unwrap();
    test.run(async {
        let db = Database::default();
        db.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, price DECIMAL_TEXT, note TEXT)", ()).await?;
        let insert = "INSERT INTO items (id, price, note) VALUES (?, ?, ?)";
        assert_eq!(db.execute(insert, (1, Decimal("1.10".into()), None::<String>)).await?, 1);
        assert_eq!(db.batch(insert, [(2, Decimal("2".into()), Some("two")), (3, Decimal("3".into()), None)]).await?, 2);
        let row: Row = db.first("SELECT id, price, note FROM items WHERE id = ?", (1,)).await?.unwrap();
        assert_eq!(row, Row { id: 1, price: Decimal("1.10".into()), note: None });
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM items WHERE id > :least", named([("least", &1 as _)])).await?, Some(2));

        let failed: Result<()> = db
            .transaction(|tx| async move {
                tx.execute("DELETE FROM items", ()).await?;
                Err(Failure::new("no"))
            })
            .await;
        assert_eq!(failed.unwrap_err().to_string(), "no");
        let left = db
            .transaction(|tx: Transaction| async move {
                tx.execute("DELETE FROM items WHERE id = 1", ()).await?;
                let undone: Result<()> = tx
                    .savepoint(|inner| async move {
                        inner.execute("DELETE FROM items", ()).await?;
                        Err(Failure::new("only this"))
                    })
                    .await;
                assert!(undone.is_err());
                Ok(tx.rows::<Row>("SELECT id, price, note FROM items ORDER BY id", ()).await?.len())
            })
            .await?;
        assert_eq!(left, 2);
        {
            let dropped = db.begin().await?;
            dropped.execute("DELETE FROM items", ()).await?;
        }
        let mut rows = db.stream::<Row>("SELECT id, price, note FROM items ORDER BY id", ());
        let mut ids = Vec::new();
        while let Some(row) = rows.next().await? {
            ids.push(row.id);
        }
        assert_eq!(ids, [2, 3]);
        let error = db.execute(insert, (2, Decimal("1".into()), None::<String>)).await.unwrap_err();
        assert_eq!((error.kind(), error.detail()), (Some(Kind::AlreadyExists), spikard::detail::DB_UNIQUE_VIOLATION));
        Ok(())
    })
    .unwrap();
}

struct Parts(u32);

impl futures_core::Stream for Parts {
    type Item = Result<Vec<u8>>;
    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        self.0 -= 1;
        std::task::Poll::Ready((self.0 > 0).then(|| Ok(vec![self.0 as u8; 100_000])))
    }
}

#[test]
fn objects_are_streamed_and_served() {
    let mut app = app();
    app.get("/objects/{key}", |spikard::Path(key): spikard::Path<String>| async move { Storage::default().serve(&key) });
    app.post("/objects/{key}", |spikard::Path(key): spikard::Path<String>, _: spikard::BodyStream| async move { Storage::default().accept(&key) });
    let test = TestApp::start(&app).unwrap();
    test.run(async {
        let storage = Storage::default();
        storage.write("a", "hello").content_type("text/plain").await?;
        assert_eq!(storage.object("a").await?.content_type.as_deref(), Some("text/plain"));
        storage.write_stream("big").send(Parts(6)).await?;
        let mut read = storage.read_stream("big").open();
        let mut size = 0;
        while let Some(chunk) = read.chunk().await? {
            size += chunk.len();
        }
        assert_eq!(size, 500_000);
        let mut all = storage.all("");
        let mut keys = Vec::new();
        while let Some(object) = all.next().await? {
            keys.push(object.key);
        }
        assert_eq!(keys, ["a", "big"]);
        assert_eq!(storage.read("b").await.unwrap_err().kind(), Some(Kind::NotFound));
        let plan = storage.plan_upload("up", 6_000_000).part_bytes(5_242_880).await?;
        assert_eq!(plan.parts.list().len(), 2);
        storage.abort_upload("up", &plan.upload).await?;
        Ok(())
    })
    .unwrap();
    let answer = test.get("/objects/a").header("range", "bytes=1-2").send().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (206, "el"));
    assert_eq!(test.post("/objects/c").body("new").send().unwrap().status, 201);
    assert_eq!(test.get("/objects/c").send().unwrap().text(), "new");
    assert_eq!(test.get("/objects/d").send().unwrap().status, 404);
}

#[test]
fn messages_are_tried_again_and_set_aside() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = seen.clone();
    let mut app = app();
    app.consumer_with("orders", manifest::Consumer { dead_letter: Some("lost".into()), ..Default::default() }, move |Json(order): Json<Order>| {
        let mut all = all.lock().unwrap();
        all.push(order.id);
        let n = all.iter().filter(|id| **id == order.id).count();
        async move {
            match (order.item.as_str(), n) {
                ("later", 1) => Err(retry(Duration::from_secs(10))),
                ("never", _) => Err(fatal("it is no use")),
                _ => Ok(()),
            }
        }
    });
    let test = TestApp::start(&app).unwrap();
    test.run(async {
        for (id, item) in [(1, "tea"), (2, "later"), (3, "never")] {
            Messaging::default().send("orders", &Order { id, item: item.into() }).await?;
        }
        Messaging::default().publish("orders", "{\"id\": \"no number\"}").await?;
        Ok(())
    })
    .unwrap();
    test.settle().unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    test.advance(Duration::from_secs(10)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3, 2]);
    let lost = test.run(async { Ok(Messaging::default().list_dead_letters("lost").await?.messages) }).unwrap();
    assert_eq!(lost.list().len(), 2, "{lost}");
}

#[test]
fn tasks_run_with_their_results_and_schedules() {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let mut app = app();
    let total = app.task("total", |Json(orders): Json<Vec<Order>>| async move { Ok::<_, Failure>(orders.len()) });
    let nightly = app.task("nightly", move |run: TaskRun| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(run.scheduled_at.is_some());
            Ok::<_, Failure>(())
        }
    });
    app.schedule(&nightly, manifest::Schedule { cron: "0 3 * * *".into(), ..Default::default() });
    let test = TestApp::start(&app).unwrap();
    let id = test
        .run(async move {
            let put = total.enqueue(&vec![Order { id: 1, item: "tea".into() }]).priority(3).await?;
            Ok(put.id)
        })
        .unwrap();
    test.settle().unwrap();
    let job = test.run(async move { Ok(Tasks::default().job(&id).await?) }).unwrap();
    assert_eq!((job.state.as_str(), job.result.as_i64()), ("completed", Some(1)));
    test.advance(Duration::from_secs(3 * 24 * 3600)).unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[test]
fn a_transaction_takes_its_messages_and_tasks_along() {
    let seen = Arc::new(AtomicU32::new(0));
    let count = seen.clone();
    let mut app = app();
    app.database(manifest::DbConfig { url: Some("sqlite:unused.db".into()), ..Default::default() });
    app.messaging(manifest::MessagingConfig { url: Some("sqlite:unused.db".into()), ..Default::default() });
    app.consumer("placed", move |_: Message| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let test = TestApp::start_with(&app, TestOptions::default()).unwrap();
    test.run(async {
        let db = Database::default();
        for keep in [true, false] {
            let _: Result<()> = db
                .transaction(|tx| async move {
                    tx.publish(&Messaging::default(), "placed", &1).await?;
                    if keep {
                        Ok(())
                    } else {
                        Err(Failure::new("no"))
                    }
                })
                .await;
        }
        Ok(())
    })
    .unwrap();
    test.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn events_are_handled_by_type_and_answered() {
    let mut app = app();
    let which = manifest::EventSubscription { r#type: Some("order.*".into()), ..Default::default() };
    app.events_at("/events", which, |event| async move {
        let order: Order = event.decode()?;
        Ok(Some(CloudEvent::new("2", "/test", "done").data(order.id + 1)?))
    });
    let test = TestApp::start(&app).unwrap();
    let answer = test
        .post("/events")
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/here")
        .header("ce-type", "order.placed")
        .json(&Order { id: 4, item: "tea".into() })
        .unwrap()
        .send()
        .unwrap();
    assert_eq!((answer.status, answer.header("ce-type"), answer.text().as_str()), (200, Some("done"), "5"));
}

#[test]
fn operations_that_are_dropped_are_cancelled_and_faults_are_told() {
    let test = TestApp::start_with(&app(), TestOptions { at: Some("2026-05-01T12:00:00Z".into()), ..Default::default() }).unwrap();
    test.run(async {
        let next = spikard::Cron::default().next("0 0 * * *").count(1).await?;
        assert_eq!(next, ["2026-05-02T00:00:00Z"]);
        let waits = spikard::spawn(spikard::sleep(Duration::from_secs(100_000)));
        waits.abort();
        assert!(waits.await.is_err());
        Ok(())
    })
    .unwrap();
    let error = spikard::Cache::named("nobody");
    let failed = test.run(async move { Ok(error.get("k").await.unwrap_err()) }).unwrap();
    assert!(failed.to_string().contains("nobody"), "{failed}");
}
