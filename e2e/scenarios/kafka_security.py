"""`kafka:` with logins, and `kafkas:` over TLS, on a broker of its own that demands them. Prints one line a fact and closes with `N passed, N failed`.

    tools/services install kafka
    python e2e/scenarios/kafka_security.py [--worker build/full/tests/contract/messaging_crash_worker]
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from messaging_crash import find_worker

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


def certificates(folder: pathlib.Path) -> None:
    """One key that signs itself, for 127.0.0.1."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   cwd=folder, check=True, stderr=subprocess.DEVNULL)
    (folder / "both.pem").write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worker", default=os.environ.get("SPIKARD_CRASH_WORKER"))
    args = parser.parse_args()
    worker = args.worker or find_worker()
    version = re.search(r"^kafka_version=(\S+)", (ROOT / "tools/services").read_text(), re.M)
    assert version
    cache = pathlib.Path(os.environ.get("SERVICES_CACHE", pathlib.Path.home() / ".cache/services"))
    java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m", "-cp", f"{cache}/kafka-{version[1]}/*"]
    passed = failed = 0

    def fact(good: bool, text: str) -> None:
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="spikard-kafka-") as name:
        folder = pathlib.Path(name)
        certificates(folder)
        plain, tls, control = free_port(), free_port(), free_port()
        login = 'org.apache.kafka.common.security.{} required{};'
        plain_login = login.format("plain.PlainLoginModule", ' user_alice="secret-p"')
        scram_login = login.format("scram.ScramLoginModule", "")
        config = {
            "process.roles": "broker,controller", "node.id": "1", "controller.listener.names": "CONTROLLER", "controller.quorum.voters": f"1@127.0.0.1:{control}",
            "listeners": f"LOGIN://127.0.0.1:{plain},SECURE://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{control}", "advertised.listeners": f"LOGIN://127.0.0.1:{plain},SECURE://127.0.0.1:{tls}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SECURE:SASL_SSL", "inter.broker.listener.name": "LOGIN", "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512", "log.dirs": f"{folder}/log", "offsets.topic.num.partitions": "1", "offsets.topic.replication.factor": "1", "group.initial.rebalance.delay.ms": "0",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": f"{folder}/both.pem", "ssl.client.auth": "none",
        }
        for listener in ("login", "secure"):
            inner = login.format("plain.PlainLoginModule", ' username="alice" password="secret-p" user_alice="secret-p"')
            config[f"listener.name.{listener}.plain.sasl.jaas.config"] = inner if listener == "login" else plain_login
            config[f"listener.name.{listener}.scram-sha-256.sasl.jaas.config"] = scram_login
            config[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = scram_login
        (folder / "server.properties").write_text("".join(f"{k}={v}\n" for k, v in config.items()))
        with open(folder / "out", "wb") as out:
            users = [part for n in ("256", "512") for part in ("--add-scram", f"SCRAM-SHA-{n}=[name=bob,password=secret-{n}]")]
            subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", f"{folder}/server.properties", *users], check=True, stdout=out, stderr=out)
            broker = subprocess.Popen([*java, "kafka.Kafka", f"{folder}/server.properties"], stdout=out, stderr=out, cwd=folder)
        try:

            def publish(url: str) -> tuple[bool, str]:
                """Whether a message was confirmed, and the first line that was said of it."""
                process = subprocess.Popen([worker, url, "publish", "p", "1", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                assert process.stdout is not None
                text = process.stdout.readline()
                process.kill()
                process.wait()
                return text.startswith("P "), text.strip()

            ca = f"ca={folder}/cert.pem"
            until = time.monotonic() + 60
            while not publish(f"kafka://alice:secret-p@127.0.0.1:{plain}?sasl=plain")[0] and time.monotonic() < until:
                time.sleep(0.5)
            for what, url in (
                ("PLAIN", f"kafka://alice:secret-p@127.0.0.1:{plain}?sasl=plain"),
                ("SCRAM-SHA-256", f"kafka://bob:secret-256@127.0.0.1:{plain}?sasl=scram-sha-256"),
                ("SCRAM-SHA-512", f"kafka://bob:secret-512@127.0.0.1:{plain}"),
                ("TLS and SCRAM-SHA-512", f"kafkas://bob:secret-512@127.0.0.1:{tls}?{ca}"),
                ("TLS and PLAIN", f"kafkas://alice:secret-p@127.0.0.1:{tls}?sasl=plain&{ca}"),
            ):
                good, said = publish(url)
                fact(good, f"{what}: {said}")
            for what, url in (
                ("a wrong password (PLAIN)", f"kafka://alice:secret-x@127.0.0.1:{plain}?sasl=plain"),
                ("a wrong password (SCRAM)", f"kafka://bob:secret-x@127.0.0.1:{plain}"),
                ("a certificate that nobody knows", f"kafkas://bob:secret-512@127.0.0.1:{tls}"),
                ("a name that is not the certificate's", f"kafkas://bob:secret-512@localhost:{tls}?{ca}"),
            ):
                good, said = publish(url)
                fact(not good and said != "" and "secret" not in said, f"{what} is refused, without telling a secret: {said}")
        finally:
            broker.send_signal(signal.SIGKILL)
            broker.wait()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
