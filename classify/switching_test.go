package classify_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// A server that switches protocols unasked and then says nothing would hold a
// reader for ever: the body of a 101 does not end with the request's context.
func TestUnaskedSwitchOfProtocols(t *testing.T) {
	addr := listen(t, func(c net.Conn) {
		readRequest(c)
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		silent(c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+addr, nil)
	resp, err := client(t, nil).Do(req)
	require.NoError(t, err)
	cancel()
	start := time.Now()
	require.EqualError(t, classify.ReadJSON(resp, nil), "HTTP 101")
	require.Less(t, time.Since(start), 2*time.Second, "the server would have gone on for 5")
}
