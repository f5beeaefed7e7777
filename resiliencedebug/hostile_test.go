package resiliencedebug_test

import (
	"testing"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// attacks are texts that a server, a journal or an operator may come up with.
var attacks = []string{
	`<script>window.pwned=1;alert(1)</script>`,
	`"><img src=x onerror="window.pwned=1">`,
	`</title></pre></style></textarea><svg/onload=window.pwned=1>`,
	`' onfocus='window.pwned=1' autofocus='`,
	`javascript:window.pwned=1`,
	`{{.}} ${7*7} <!-- -->`,
	"two\r\nlines\x00\x1b[31m and \u202ebackwards\u2066\u2028\ufeff",
	"broken \xff\xfe utf-8",
}

// hostile fills a world with them, wherever a text can stand.
func (w *world) hostile(t testing.TB) {
	t.Helper()
	for i, a := range attacks {
		w.group.Get(a).Isolate(a)
		w.lockout.Lock(a, breaker.LockCause{Code: a, TraceID: a, Reason: a, Advice: a, By: a})
		begin(t, w.journal, retry.Entry{ID: a, Key: a, Fingerprint: a, At: time.Now().Add(-time.Hour), TraceIDs: []string{a, a}})
		fail(t, w.cards, 1, answer(400, classify.Code(a), a), retry.Endpoint(a), retry.Named(a))
		if c := classify.Code(a); c.Valid() {
			fail(t, w.cards, i, answer(403, c, a))
		}
	}
}
