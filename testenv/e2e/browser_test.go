//go:build browser

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// browser is a tab of Chromium, spoken to in its DevTools protocol over pipes.
type browser struct {
	t       *testing.T
	out     *os.File
	in      *bufio.Reader
	session string
	calls   int
	errors  []string // that the page caused
}

// open shows url in a fresh Chromium without network, and waits until it is loaded.
func open(t *testing.T, url string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("this test needs Chromium: %v", err)
	}
	theirIn, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+dir, "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // the protocol's descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, out: out, in: bufio.NewReader(in)}
	t.Cleanup(func() {
		out.Close() // Chromium ends with it
		cmd.Wait()  // the status does not matter
		in.Close()
		cancel()
		_ = os.RemoveAll(dir) // its helpers may still write there
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for b.read().Method != "Page.loadEventFired" {
	}
	return b
}

// message is anything that Chromium says.
type message struct {
	ID     int
	Method string
	Params struct {
		Entry            struct{ Level, Text string }
		ExceptionDetails struct{ Text string }
	}
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *browser) read() (m message) {
	b.t.Helper()
	data, err := b.in.ReadBytes(0)
	if err == nil {
		err = json.Unmarshal(data[:len(data)-1], &m)
	}
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	switch {
	case m.Method == "Runtime.exceptionThrown":
		b.errors = append(b.errors, m.Params.ExceptionDetails.Text)
	case m.Method == "Log.entryAdded" && m.Params.Entry.Level == "error":
		b.errors = append(b.errors, m.Params.Entry.Text)
	}
	return m
}

func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.calls++
	ask := map[string]any{"id": b.calls, "method": method}
	if params != nil {
		ask["params"] = params
	}
	if b.session != "" {
		ask["sessionId"] = b.session
	}
	data, err := json.Marshal(ask)
	if err == nil {
		_, err = b.out.Write(append(data, 0))
	}
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	m := b.read()
	for m.ID != b.calls {
		m = b.read()
	}
	if m.Error != nil {
		b.t.Fatalf("chromium: %s: %s", method, m.Error.Message)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			b.t.Fatalf("chromium: %s: %v", method, err)
		}
	}
}

// eval runs JavaScript in the page and waits for its promise, if it is one.
func (b *browser) eval(js string) {
	b.t.Helper()
	var got struct{ ExceptionDetails *struct{ Text string } }
	b.call("Runtime.evaluate", map[string]any{"expression": js, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", js, got.ExceptionDetails.Text)
	}
}

// await waits until condition, in JavaScript, holds in the page.
func (b *browser) await(condition string) {
	b.t.Helper()
	b.eval(strings.ReplaceAll(`new Promise((resolve) => {
		const look = () => { if (CONDITION) { watch.disconnect(); resolve(); } };
		const watch = new MutationObserver(look);
		watch.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		look();
	})`, "CONDITION", condition))
}
