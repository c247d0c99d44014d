// The Go SDK: `send` posts the events of standard input and tells each answer, `receive` serves on a free port and tells each
// event.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

type work struct {
	URL    string            `json:"url"`
	Mode   string            `json:"mode"`
	Events []json.RawMessage `json:"events"`
}

func tell(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	fmt.Println(string(text))
}

// plain is the event in the JSON format with its data as base64, whatever it is: the SDK's own encoder writes what came in a
// binary message as text, also where it is none.
func plain(e *event.Event) any {
	if e == nil {
		return nil
	}
	bare := e.Clone()
	bare.DataEncoded = nil
	text, err := json.Marshal(bare)
	must(err)
	members := map[string]any{}
	must(json.Unmarshal(text, &members))
	if len(e.DataEncoded) > 0 {
		members["data_base64"] = e.DataEncoded
	}
	return members
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func do(request *http.Request) {
	response, err := http.DefaultClient.Do(request)
	must(err)
	defer response.Body.Close()
	var reply *event.Event
	if response.Header.Get("ce-id") != "" {
		reply, err = cehttp.NewEventFromHTTPResponse(response)
		must(err)
	}
	io.Copy(io.Discard, response.Body)
	tell(map[string]any{"status": response.StatusCode, "reply": plain(reply)})
}

func send(w work) {
	var events []event.Event
	for _, text := range w.Events {
		var e event.Event
		must(json.Unmarshal(text, &e))
		events = append(events, e)
	}
	if w.Mode == "batched" {
		request, err := cehttp.NewHTTPRequestFromEvents(context.Background(), w.URL, events)
		must(err)
		do(request)
		return
	}
	for _, e := range events {
		ctx := binding.WithForceBinary(context.Background())
		if w.Mode == "structured" {
			ctx = binding.WithForceStructured(context.Background())
		}
		request, err := http.NewRequest(http.MethodPost, w.URL, nil)
		must(err)
		must(cehttp.WriteRequest(ctx, binding.ToMessage(&e), request))
		do(request)
	}
}

func receive(response http.ResponseWriter, request *http.Request) {
	var events []event.Event
	var err error
	if cehttp.IsHTTPBatch(request.Header) {
		events, err = cehttp.NewEventsFromHTTPRequest(request)
	} else {
		var one *event.Event
		if one, err = cehttp.NewEventFromHTTPRequest(request); err == nil {
			events = append(events, *one)
		}
	}
	if err != nil {
		tell(map[string]string{"error": err.Error()})
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, e := range events {
		tell(plain(&e))
	}
	response.WriteHeader(http.StatusNoContent)
}

func main() {
	if os.Args[1] == "send" {
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var w work
			must(json.Unmarshal(lines.Bytes(), &w))
			send(w)
		}
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	tell(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	must(http.Serve(listener, http.HandlerFunc(receive)))
}
