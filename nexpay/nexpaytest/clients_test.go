package nexpaytest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// TestPublicClients replays, byte for byte, the requests that public clients of
// the API send: the vendor's sample for Node.js, a PHP library, and two Go
// programs. The bytes are written anew, with the key and the secrets below; their
// signatures were not computed by this module.
func TestPublicClients(t *testing.T) {
	for _, file := range requests(t, "accepted") {
		t.Run(name(file), func(t *testing.T) {
			got, body := replay(t, file)
			if got.Status == 404 { // what it looks up is not there, and that is all
				require.EqualValues(t, "30000", got.Code)
				require.Contains(t, body, "payment not found")
				return
			}
			require.Equal(t, 200, got.Status, body)
			require.Equal(t, got.Method == "POST", got.Executed)
			require.True(t, json.Valid([]byte(body)))
		})
	}
}

// Nine payments that are wrong each in its own way, of the kinds that one client's
// history has. Its author got the same answer to each.
func TestMalformedPayments(t *testing.T) {
	files := requests(t, "refused")
	require.Len(t, files, 9)
	for _, file := range files {
		t.Run(name(file), func(t *testing.T) {
			got, body := replay(t, file)
			require.Equal(t, 403, got.Status)
			require.EqualValues(t, "70", got.Code, body)
			require.False(t, got.Executed)
		})
	}
}

func requests(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "clients", kind, "*.http"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func name(file string) string { return filepath.Base(file[:len(file)-len(".http")]) }

// replay sends a file to a bank of its own, and returns what the bank noted and
// answered.
func replay(t *testing.T, file string) (nexpaytest.Request, string) {
	t.Helper()
	request, err := os.ReadFile(file)
	require.NoError(t, err)
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{{
		ID: "AK-1", Secret: "s3cret-ключ", PaymentSecret: "pay-s3cret", Account: "LT103080010000000095",
	}}})
	defer b.Close()
	_, body := raw(t, b, string(request))
	return last(b), body
}
