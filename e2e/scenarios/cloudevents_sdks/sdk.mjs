// The npm SDK `cloudevents`: `send URL` posts the events of standard input in every mode and tells each answer, `receive` serves on
// a free port and tells each event; `function` is a receiver written for @google-cloud/functions-framework.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { CloudEvent, HTTP } from "cloudevents";

const tell = (value) => process.stdout.write(JSON.stringify(value) + "\n");

function plain(event) {
  const json = event.toJSON();
  if (Buffer.isBuffer(json.data) || json.data instanceof Uint8Array) {
    json.data_base64 = Buffer.from(json.data).toString("base64");
    delete json.data;
  }
  return json;
}

function made(spec) {
  const { data_base64, ...rest } = spec;
  if (data_base64 !== undefined) rest.data = new Uint8Array(Buffer.from(data_base64, "base64"));
  return new CloudEvent(rest);
}

async function post(url, message) {
  const response = await fetch(url, { method: "POST", headers: message.headers, body: message.body });
  const body = await response.text();
  const headers = Object.fromEntries(response.headers);
  let reply = null;
  if (headers["ce-id"]) reply = plain(HTTP.toEvent({ headers, body }));
  tell({ status: response.status, reply });
}

async function send(url, mode, events) {
  if (mode === "batched") {
    const body = JSON.stringify(events.map((e) => made(e).toJSON()));
    return post(url, { headers: { "content-type": "application/cloudevents-batch+json" }, body });
  }
  for (const spec of events) await post(url, mode === "binary" ? HTTP.binary(made(spec)) : HTTP.structured(made(spec)));
}

if (process.argv[2] === "send") {
  for await (const line of createInterface({ input: process.stdin })) {
    const { url, mode, events } = JSON.parse(line);
    await send(url, mode, events);
  }
} else {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (c) => chunks.push(c));
    request.on("end", () => {
      const binary = !(request.headers["content-type"] ?? "").startsWith("application/cloudevents");
      const bytes = Buffer.concat(chunks);
      const isText = !binary || /json|text|xml/.test(request.headers["content-type"] ?? "");
      try {
        const got = HTTP.toEvent({ headers: request.headers, body: isText ? bytes.toString("utf8") : bytes });
        for (const event of Array.isArray(got) ? got : [got]) tell(plain(event));
        response.writeHead(204).end();
      } catch (e) {
        tell({ error: String(e) });
        response.writeHead(400).end();
      }
    });
  });
  server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));
}
