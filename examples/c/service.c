/* A real tiny service on the bare port: no C++ and no callbacks, one thread that polls and answers.
 *
 *   GET  /hello/{name}     a greeting, the typed parameter read from its node
 *   POST /sum              {"numbers": [1, 2.5]} -> {"sum": 3.5}; validated by the core, read from nodes
 *   GET  /slow?ms=50       answers from a timer of the core's, out of order with what comes later
 *   GET  /count            a streamed answer that waits for credit
 *
 * PORT names the port (8000; 0: any free one, printed). SIGTERM and SIGINT drain it; the exit code is that of the drain's report.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spikard/spikard.h"

enum { HELLO, SUM, SLOW, COUNT };

static const char manifest[] =
    "{\"name\": \"c-service\", \"http\": {\"listeners\": [{\"address\": \"127.0.0.1\", \"port\": %s}], \"routes\": ["
    "{\"method\": \"GET\", \"path\": \"/hello/{name}\", \"parameters\": [{\"in\": \"path\", \"name\": \"name\", \"required\": "
    "true, \"schema\": {\"type\": \"string\"}}]},"
    "{\"method\": \"POST\", \"path\": \"/sum\", \"body\": {\"content_types\": [\"application/json\"], \"schema\": {\"type\": "
    "\"object\", \"required\": [\"numbers\"],"
    " \"properties\": {\"numbers\": {\"type\": \"array\", \"maxItems\": 1000, \"items\": {\"type\": \"number\"}}}}}},"
    "{\"method\": \"GET\", \"path\": \"/slow\", \"parameters\": [{\"in\": \"query\", \"name\": \"ms\", \"schema\": {\"type\": "
    "\"integer\", \"minimum\": 0, \"maximum\": 5000, \"default\": 50}}]},"
    "{\"method\": \"GET\", \"path\": \"/count\"}]}}";

static volatile sig_atomic_t signals;
static void on_signal(int number) {
  (void)number;
  signals = signals + 1;
}

static void die(const char* what) {
  char text[1024];
  spk_error(text, sizeof text);
  fprintf(stderr, "%s: %s\n", what, text);
  exit(1);
}

static const spk_node* params(const spk_request* r) { return (const spk_node*)((const char*)r + r->params.off); }

static void reply(spk_port* port, spk_id id, uint16_t format, const char* body, size_t n) {
  spk_cmd cmd = {.op = SPK_CMD_REPLY, .status = 200, .format = format, .id = id, .body = {body, n}};
  spk_submit(port, &cmd, 1);
}

/* {"numbers": [...]} as nodes: object, key, array, elements. The core has validated it. */
static double sum_of(const spk_request* r) {
  const spk_node* json = (const spk_node*)((const char*)r + r->json.off);
  double sum = 0;
  uint64_t i = 1;
  for (uint32_t member = 0; member < json->len; ++member) {
    const spk_node* key = &json[i];
    const spk_node* value = &json[i + 1];
    if (key->len == 7 && memcmp((const char*)r + key->u.off, "numbers", 7) == 0) {
      for (uint32_t k = 1; k <= value->len; ++k) sum += value[k].type == SPK_INT ? (double)value[k].u.i : value[k].u.f;
    }
    i += 2 + (value->type == SPK_ARR || value->type == SPK_OBJ ? value->u.off : 0);
  }
  return sum;
}

static void on_request(spk_port* port, const spk_event* ev) {
  const spk_request* r = ev->rec;
  char text[512];
  switch (ev->route) {
    case HELLO: {
      const spk_node* name = params(r);
      const int n =
          snprintf(text, sizeof text, "hello %.*s", (int)(name->len < 400 ? name->len : 400), (const char*)r + name->u.off);
      reply(port, ev->id, SPK_BODY_TEXT, text, (size_t)n);
      return;
    }
    case SUM: {
      const int n = snprintf(text, sizeof text, "{\"sum\":%.17g}", sum_of(r));
      reply(port, ev->id, SPK_BODY_JSON, text, (size_t)n);
      return;
    }
    case SLOW: {
      spk_cmd timer = {.op = SPK_CMD_TIMER, .id = ev->id, .user = ev->id, .arg = (uint64_t)params(r)->u.i};
      spk_submit(port, &timer, 1);
      return;
    }
    case COUNT: {
      static const char type[] = "content-typetext/plain";
      struct {
        spk_pair pair;
        char text[sizeof type];
      } head = {.pair = {{sizeof(spk_pair), 12}, {sizeof(spk_pair) + 12, 10}}};
      memcpy(head.text, type, sizeof type);
      spk_cmd cmds[5] = {{.op = SPK_CMD_HEAD, .status = 200, .nhead = 1, .id = ev->id, .head = {&head, sizeof head}},
                         {.op = SPK_CMD_CHUNK, .id = ev->id, .body = {"1\n", 2}},
                         {.op = SPK_CMD_CHUNK, .id = ev->id, .body = {"2\n", 2}},
                         {.op = SPK_CMD_CHUNK, .id = ev->id, .body = {"3\n", 2}},
                         {.op = SPK_CMD_END, .id = ev->id}};
      spk_submit(port, cmds, 5);
      return;
    }
  }
}

int main(void) {
  const char* number = getenv("PORT");
  char json[sizeof manifest + 16];
  const int n = snprintf(json, sizeof json, manifest, number != NULL && *number != '\0' ? number : "8000");
  spk_app* app = NULL;
  spk_port* port = NULL;
  if (spk_app_open(SPK_ABI, json, (size_t)n, &app) < 0) die("spk_app_open");
  if (spk_app_start(app) < 0) die("spk_app_start");
  if (spk_port_open(app, &port) < 0) die("spk_port_open");

  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  char info[512];
  spk_info(app, info, sizeof info);
  printf("%s\n", info);
  fflush(stdout);

  spk_event events[64];
  int handled = 0;
  int stopped = 0;
  while (!stopped) {
    const int got = spk_poll(port, events, 64, 200);
    if (got < 0) die("spk_poll");
    for (; handled < signals; ++handled) spk_drain(app, SPK_DRAIN_DEFAULT);
    for (int i = 0; i < got; ++i) {
      switch (events[i].kind) {
        case SPK_EV_REQUEST: on_request(port, &events[i]); break;
        case SPK_EV_DONE: reply(port, events[i].user, SPK_BODY_TEXT, "done", 4); break; /* of SLOW's timer */
        case SPK_EV_STATE: stopped = events[i].arg == SPK_STOPPED; break;
        default: break; /* CANCEL is advisory, CREDIT is not needed for six bytes */
      }
    }
  }
  char report[1024];
  spk_report(app, report, sizeof report);
  printf("%s\n", report);
  const int code = strstr(report, "\"exit_code\":0") != NULL ? 0 : 1;
  spk_port_close(port);
  spk_app_close(app);
  return code;
}
