#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <spikard/spikard.h>

static const char manifest[] = "{\"name\": \"hello\", \"http\": {\"routes\": [{\"method\": \"GET\", \"path\": \"/hello/{name}\","
                               " \"parameters\": [{\"in\": \"path\", \"name\": \"name\", \"required\": true}]}]}}";

static volatile sig_atomic_t stopping;
static void on_signal(int number) { stopping = number; }

int main(void) {
  spk_app *app;
  spk_port *port;
  char text[1024];
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  if (spk_app_open_configured(SPK_ABI, manifest, strlen(manifest), &app) < 0 || spk_app_start(app) < 0 || spk_port_open(app, &port) < 0) {
    spk_error(text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 78;
  }
  for (int stopped = 0, draining = 0; !stopped;) {
    spk_event events[64];
    int n = spk_poll(port, events, 64, 200);
    for (int i = 0; i < n; ++i) {
      if (events[i].kind == SPK_EV_REQUEST) {
        const spk_request *request = events[i].rec;
        const spk_node *name = (const spk_node *)((const char *)request + request->params.off);
        int length = snprintf(text, sizeof text, "hello %.*s", (int)(name->len < 900 ? name->len : 900), (const char *)request + name->u.off);
        spk_cmd reply = {.op = SPK_CMD_REPLY, .status = 200, .format = SPK_BODY_TEXT, .id = events[i].id, .body = {text, (uint64_t)length}};
        spk_submit(port, &reply, 1);
      } else if (events[i].kind == SPK_EV_STATE && events[i].arg == SPK_STOPPED) {
        stopped = 1;
      }
    }
    if (stopping && !draining) draining = spk_drain(app, SPK_DRAIN_DEFAULT) == 0;
  }
  spk_port_close(port);
  spk_app_close(app);
  return 0;
}
