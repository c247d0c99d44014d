"""4 KiB objects on S3, one after the other: CPU time of this process an operation in µs. The first argument says by what."""
import asyncio
import json
import os
import resource
import sys

N = 1000
DATA = b"x" * 4096
WHERE = {name: os.environ[f"SPIKARD_TEST_S3_{name}"] for name in ("URL", "BUCKET", "ACCESS_KEY", "SECRET_KEY")}


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e6


def told(put: float, get: float) -> None:
    print(json.dumps({"put": put / N, "get": get / N}))


def boto() -> None:
    import boto3

    s3 = boto3.client("s3", endpoint_url=WHERE["URL"], aws_access_key_id=WHERE["ACCESS_KEY"], aws_secret_access_key=WHERE["SECRET_KEY"], region_name="us-east-1")
    bucket = WHERE["BUCKET"]
    s3.put_object(Bucket=bucket, Key="bench/warm", Body=DATA)
    begin = cpu()
    for i in range(N):
        s3.put_object(Bucket=bucket, Key=f"bench/{i % 64}", Body=DATA)
    middle = cpu()
    for i in range(N):
        assert len(s3.get_object(Bucket=bucket, Key=f"bench/{i % 64}")["Body"].read()) == 4096
    told(middle - begin, cpu() - middle)


OPTIONS = {"bucket": WHERE["BUCKET"], "endpoint": WHERE["URL"], "region": "us-east-1", "access_key_id": WHERE["ACCESS_KEY"], "secret_access_key": WHERE["SECRET_KEY"]}


def blocking() -> None:
    import opendal

    op = opendal.Operator("s3", **OPTIONS)
    op.write("bench/warm", DATA)
    begin = cpu()
    for i in range(N):
        op.write(f"bench/{i % 64}", DATA)
    middle = cpu()
    for i in range(N):
        assert len(op.read(f"bench/{i % 64}")) == 4096
    told(middle - begin, cpu() - middle)


async def awaited() -> None:
    import opendal

    op = opendal.AsyncOperator("s3", **OPTIONS)
    await op.write("bench/warm", DATA)
    begin = cpu()
    for i in range(N):
        await op.write(f"bench/{i % 64}", DATA)
    middle = cpu()
    for i in range(N):
        assert len(await op.read(f"bench/{i % 64}")) == 4096
    told(middle - begin, cpu() - middle)


if sys.argv[1] == "boto3":
    boto()
elif sys.argv[1] == "blocking":
    blocking()
else:
    asyncio.run(awaited())
