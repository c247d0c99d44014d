#!/usr/bin/env python3
"""A large object up and down an S3 server that is killed and started again in between: the bytes come back, and memory stays small.

    tools/services up s3; eval "$(tools/services env)"; e2e/scenarios/storage_large.py [BYTES] [--kill]

BYTES: 256 MiB, or what is said (5 GiB: 5368709120, some minutes). --kill: SIGKILL and a new start of the server half a second into each direction.
Ends with one line of JSON; exit 1 when memory grew by 64 MiB or more, or anything was not as it was sent.
"""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / os.environ.get("SPIKARD_BUILD", "build/full") / "tests/contract/storage_transfer"
LIMIT_KIB = 64 * 1024


def transfer(what: str, key: str, size: int, kill: bool) -> tuple[int, float]:
    began = time.monotonic()
    process = subprocess.Popen([str(PROGRAM), what, key, str(size)], stdout=subprocess.PIPE, text=True)
    if kill:
        time.sleep(0.5)  # somewhere in the middle; if it is done by then, the next start is all that is tested
        subprocess.run([ROOT / "tools/services", "kill", "s3"], check=True)
        subprocess.run([ROOT / "tools/services", "up", "s3"], check=True)
    out, _ = process.communicate(timeout=3600)
    if process.returncode != 0:
        raise SystemExit(f"storage_large: {what} failed")
    done, peak = out.split()
    assert int(done) == size, (done, size)
    return int(peak), time.monotonic() - began


def main() -> int:
    args = [a for a in sys.argv[1:] if a != "--kill"]
    if "SPIKARD_TEST_S3_URL" not in os.environ:
        print('storage_large: tools/services up s3; eval "$(tools/services env)"', file=sys.stderr)
        return 2
    size = int(args[0]) if args else 256 << 20
    kill = "--kill" in sys.argv
    key = f"large-{os.getpid()}"
    up, up_s = transfer("put", key, size, kill)
    down, down_s = transfer("get", key, size, kill)
    print(json.dumps({"bytes": size, "killed": kill, "up_peak_kib": up, "up_s": round(up_s, 2), "down_peak_kib": down, "down_s": round(down_s, 2)}))
    return 0 if max(up, down) < LIMIT_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
