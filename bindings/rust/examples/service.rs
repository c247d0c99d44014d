//! A service as a program: `PORT=8000 cargo run --example service`.

use spikard::{App, Path};

fn main() -> std::process::ExitCode {
    let mut app = App::new("service");
    app.get("/hello/{name}", |Path(name): Path<String>| async move { format!("hello {name}") });
    app.get("/hold", || async {
        println!("held");
        spikard::stopping().await;
        "stopping"
    });
    app.on_start(|| async {
        for address in spikard::addresses() {
            println!("port {}", address.rsplit(':').next().unwrap_or_default());
        }
        Ok(())
    });
    app.run()
}
