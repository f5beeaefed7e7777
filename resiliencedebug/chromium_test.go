package resiliencedebug_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A chromium is a real browser, spoken to over two pipes by its DevTools protocol.
type chromium struct {
	cmd    *exec.Cmd
	to     io.WriteCloser
	mu     sync.Mutex // guards what follows
	next   int
	waits  map[int]chan reply
	errors map[string][]string // that a page's console shows, by session
	gone   chan struct{}
}

type reply struct {
	ID        int             `json:"id"`
	Result    json.RawMessage `json:"result"`
	Error     json.RawMessage `json:"error"`
	Method    string          `json:"method"`
	Params    json.RawMessage `json:"params"`
	SessionID string          `json:"sessionId"`
}

// startChromium skips the test where there is no chromium. It has no sandbox, as it would
// not start for root, who runs the tests in a container; all it loads is of the tests.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Println("the tests in a browser were skipped, as chromium is not here: apt-get install chromium")
		t.Skip("no chromium")
	}
	profile, err := os.MkdirTemp("", "chromium")
	require.NoError(t, err)
	theirs, to, err := os.Pipe()
	require.NoError(t, err)
	from, out, err := os.Pipe()
	require.NoError(t, err)
	c := &chromium{to: to, waits: map[int]chan reply{}, errors: map[string][]string{}, gone: make(chan struct{})}
	c.cmd = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server", "--hide-scrollbars", "--disable-lcd-text",
		"--host-resolver-rules=MAP * 127.0.0.1", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	c.cmd.ExtraFiles = []*os.File{theirs, out} // its descriptors 3 and 4
	require.NoError(t, c.cmd.Start())
	require.NoError(t, theirs.Close())
	require.NoError(t, out.Close())
	go c.listen(from)
	t.Cleanup(func() {
		_, _ = c.to.Write([]byte(`{"id":-1,"method":"Browser.close"}` + "\x00"))
		select {
		case <-c.gone:
		case <-time.After(10 * time.Second):
		}
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		_ = c.to.Close()
		<-c.gone
		for range 50 { // its children may be writing still
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return c
}

func (c *chromium) listen(from io.ReadCloser) {
	defer close(c.gone)
	defer func() { _ = from.Close() }()
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m reply
		if json.Unmarshal(bytes.TrimRight(text, "\x00"), &m) != nil {
			continue
		}
		c.mu.Lock()
		if wait := c.waits[m.ID]; wait != nil && m.ID != 0 {
			delete(c.waits, m.ID)
			wait <- m
		}
		if m.Method == "Log.entryAdded" || m.Method == "Runtime.exceptionThrown" || m.Method == "Page.javascriptDialogOpening" {
			c.errors[m.SessionID] = append(c.errors[m.SessionID], string(m.Params))
		}
		c.mu.Unlock()
	}
}

// try calls a method of the protocol and reads its result into result, if not nil. The error is the method's own.
func (c *chromium) try(t *testing.T, session, method string, params, result any) error {
	t.Helper()
	wait := make(chan reply, 1)
	c.mu.Lock()
	c.next++
	id := c.next
	c.waits[id] = wait
	c.mu.Unlock()
	m := map[string]any{"id": id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if session != "" {
		m["sessionId"] = session
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	_, err = c.to.Write(append(text, 0))
	require.NoError(t, err)
	select {
	case got := <-wait:
		if len(got.Error) > 0 {
			return fmt.Errorf("%s: %s", method, got.Error)
		}
		if result != nil {
			require.NoError(t, json.Unmarshal(got.Result, result), "%s", got.Result)
		}
	case <-c.gone:
		require.FailNow(t, "chromium is gone", method)
	case <-time.After(20 * time.Second):
		require.FailNow(t, "chromium does not answer", method)
	}
	return nil
}

// call calls a method that must succeed.
func (c *chromium) call(t *testing.T, session, method string, params, result any) {
	t.Helper()
	require.NoError(t, c.try(t, session, method, params, result))
}

// A tab is one page in it.
type tab struct {
	*chromium
	session string
}

type params = map[string]any

func (c *chromium) tab(t *testing.T) *tab {
	t.Helper()
	var target struct{ TargetID string }
	c.call(t, "", "Target.createTarget", params{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call(t, "", "Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached)
	b := &tab{c, attached.SessionID}
	for _, domain := range []string{"Page.enable", "Log.enable", "Runtime.enable"} {
		b.do(t, domain, nil, nil)
	}
	t.Cleanup(func() { c.call(t, "", "Target.closeTarget", params{"targetId": target.TargetID}, nil) })
	return b
}

func (b *tab) do(t *testing.T, method string, p, result any) {
	t.Helper()
	b.call(t, b.session, method, p, result)
}

func (b *tab) open(t *testing.T, url string) {
	t.Helper()
	b.do(t, "Page.navigate", params{"url": url}, nil)
	b.until(t, fmt.Sprintf(`document.readyState === "complete" && location.href === %q`, url))
}

// eval returns what an expression comes to.
func (b *tab) eval(t *testing.T, expression string) any {
	t.Helper()
	value, err := b.tryEval(t, expression)
	require.NoError(t, err)
	return value
}

func (b *tab) tryEval(t *testing.T, expression string) (any, error) {
	t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	err := b.try(t, b.session, "Runtime.evaluate", params{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	if err == nil && len(got.ExceptionDetails) > 0 {
		err = fmt.Errorf("%s: %s", expression, got.ExceptionDetails)
	}
	return got.Result.Value, err
}

// until waits for an expression to be true, across pages: while one page goes and the next comes, there is none to ask.
func (b *tab) until(t *testing.T, expression string) {
	t.Helper()
	var last error
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		value, err := b.tryEval(t, "(() => { try { return !!("+expression+") } catch { return false } })()")
		if last = err; err == nil && value == true {
			return
		}
	}
	require.NoError(t, last)
	require.FailNow(t, "it did not come to that", "%s\n%v", expression, b.eval(t, "document.body.innerText"))
}

func (b *tab) size(t *testing.T, width, height int, phone bool) {
	t.Helper()
	b.do(t, "Emulation.setDeviceMetricsOverride", params{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}, nil)
}

// press presses a key as a person does.
func (b *tab) press(t *testing.T, key string) {
	t.Helper()
	code, text := map[string]int{"Tab": 9, "Enter": 13, "Space": 32}[key], map[string]string{"Enter": "\r", "Space": " "}[key]
	down := params{"type": "keyDown", "key": strings.Replace(key, "Space", " ", 1), "code": key, "windowsVirtualKeyCode": code}
	if text != "" {
		down["text"] = text
	}
	b.do(t, "Input.dispatchKeyEvent", down, nil)
	b.do(t, "Input.dispatchKeyEvent", params{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// shot returns the page as a PNG.
func (b *tab) shot(t *testing.T, width, height int) []byte {
	t.Helper()
	var got struct{ Data string }
	b.do(t, "Page.captureScreenshot", params{"format": "png", "captureBeyondViewport": true,
		"clip": params{"x": 0, "y": 0, "width": width, "height": height, "scale": 1}}, &got)
	png, err := base64.StdEncoding.DecodeString(got.Data)
	require.NoError(t, err)
	return png
}

// complaints are what the console has shown since the last time.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.errors[b.session]
	delete(b.errors, b.session)
	return found
}
