package transfers

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestTransfers(t *testing.T) {
	const slow, lost, outage, decline, closed = "slow", "lost", "outage", "decline", "closed"
	for _, test := range []struct {
		script         []string // one for each send; then the transfer is made
		sends, applied int
		id, why        string
		wait           time.Duration
	}{
		{nil, 1, 1, "tr_1", "", 0},
		{[]string{decline}, 1, 0, "", "limit_exceeded: Daily limit (support: r-77), not applied", 0},
		{[]string{slow}, 2, 1, "tr_1", "", 700 * time.Millisecond},
		{[]string{outage, outage}, 3, 1, "tr_1", "", 0},
		{[]string{closed}, 1, 0, "", "ledger_closed:  (support: ), unknown", 0},
		{[]string{lost}, 2, 1, "tr_1", "", 0},
	} {
		t.Run(fmt.Sprint(test.script), func(t *testing.T) {
			sends, booked, script := 0, map[string]bool{}, test.script
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				do := ""
				if sends++; len(script) > 0 {
					do, script = script[0], script[1:]
				}
				answer := func(status int, body string) {
					w.WriteHeader(status)
					io.WriteString(w, body)
				}
				switch do {
				case slow:
					w.Header().Set("X-Wait-Ms", "700")
					answer(429, `{"problem":{"reason":"slow_down"}}`)
				case outage:
					answer(503, "<html>down</html>")
				case decline:
					answer(422, `{"problem":{"reason":"limit_exceeded","detail":"Daily limit"},"meta":{"rid":"r-77"}}`)
				case closed:
					answer(200, `{"problem":{"reason":"ledger_closed"}}`)
				default:
					booked[r.Header.Get("X-Idempotency-Token")] = true // a second one with its token changes nothing
					if do == lost {
						panic(http.ErrAbortHandler)
					}
					answer(201, `{"data":{"id":"tr_1"}}`)
				}
			}))
			defer server.Close()
			client, err := NewHTTPClient("transfers.yaml")
			if err != nil {
				t.Fatal(err)
			}
			begin, why := time.Now(), ""
			id, err := Transfer(t.Context(), client, server.URL, "inv-7", map[string]int{"amount": 5})
			if err != nil {
				why = Explain(err)
			}
			if id != test.id || why != test.why || sends != test.sends || len(booked) != test.applied || time.Since(begin) < test.wait {
				t.Errorf("id %q, %q, %d sends, %d applied, after %v", id, why, sends, len(booked), time.Since(begin))
			}
		})
	}
}
