package keylease_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/keylease"
)

// An event in a log is readable, its error too.
func TestEventsAreReadableInLogs(t *testing.T) {
	for want, e := range map[string]keylease.Event{
		`{"kind":"lost","key":"main","epoch":7,"for":1000000000}`: {Kind: keylease.Lost, Key: "main", Epoch: 7, For: time.Second},
		`{"kind":"store gone","error":"timeout"}`:                 {Kind: keylease.StoreGone, Err: errors.New("timeout")},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "event", e)
		require.Contains(t, log.String(), want)
	}
}
