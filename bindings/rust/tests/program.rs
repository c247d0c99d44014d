//! A program of its own: signals, exit codes, the manifest. The program is examples/service.rs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

fn program() -> PathBuf {
    // Of the same build as this test: target/debug/deps/program-... and target/debug/examples/service.
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples/service")
}

fn start(env: &[(&str, &str)]) -> Child {
    let mut command = Command::new(program());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).env("PORT", "0").current_dir(std::env::temp_dir());
    for (name, value) in env {
        command.env(name, value);
    }
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_drains_and_what_is_in_flight_is_answered() {
    let mut child = start(&[]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let port: u16 = line.trim().strip_prefix("port ").unwrap().parse().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    line.clear();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    signal(&child, "-TERM");
    // The handler answers when it hears of the end.
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("stopping"), "{answer}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_manifest_is_printed() {
    let out = Command::new(program()).env("SPIKARD_PRINT_MANIFEST", "1").output().unwrap();
    assert!(out.status.success());
    let manifest = spikard::Value::from_json(&out.stdout).unwrap();
    assert_eq!(manifest.get("name").as_str(), Some("service"));
}

#[test]
fn a_wrong_configuration_names_the_field() {
    let child = start(&[("SPIKARD_HTTP__LIMITS__MAX_BODY_BYTES", "many")]);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&out.stderr).to_lowercase().contains("max_body_bytes"), "{}", String::from_utf8_lossy(&out.stderr));
}
