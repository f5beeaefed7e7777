package story_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/story"
)

func TestTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := story.NewTimeline(&out, "%6s  %-5s  %-5s  %s", "time", "sent", "back", "done")
		line.Scene(1, "A story.")
		line.Request("one", "503")
		time.Sleep(70 * time.Millisecond)
		line.Done("wait")
		line.Done("and more") // a line of its own
		line.Finish("dropped: there is no request")
		line.Request("two", "503")
		line.Request("three", "200")
		line.Finish("success")
		line.Scene(2, "Another one.")
		line.Request("four", "200")
		line.Caller("42", "what to do")
		line.Line("five", "200", "at once")
		require.Equal(t, `
1. A story.
  time  sent   back   done
  0 ms  one    503    wait
 70 ms                and more
 70 ms  two    503
 70 ms  three  200    success

2. Another one.
  0 ms  four   200
  caller:  42
           what to do
  0 ms  five   200    at once
`, out.String())
	})
}
