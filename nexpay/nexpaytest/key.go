package nexpaytest

import (
	"fmt"

	"github.com/nexpay-go/resilience/nexpay"
)

// A Key is an API key that the bank knows.
type Key struct {
	ID            string   // what clients send as X-API-KEY; required
	Secret        string   // required
	PaymentSecret string   // empty: transactionSignature is not checked
	State         State    // zero: Enabled
	Forbidden     []string // prefixes of paths that are answered with 80; "/" forbids everything
	LastNonce     uint64   // nonces must be above it
	Account       string   // the IBAN of payments without an account; empty: LT000000000000000000
}

// Credentials returns what a client needs to use the key.
func (k Key) Credentials() nexpay.Credentials {
	return nexpay.Credentials{Key: k.ID, Secret: k.Secret, PaymentSecret: k.PaymentSecret}
}

// State is the state of a key. The value of each state except Enabled is the code
// with which the bank refuses the key.
type State int

// The states of a key.
const (
	Enabled     State = 0
	NotEnabled  State = 90
	Locked      State = 100
	ClientState State = 110 // the account is closed or not approved
	Deleted     State = 120
	Deprecated  State = 121
)

// String returns the name of the state.
func (s State) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("State(%d)", int(s))
}

var stateNames = map[State]string{
	Enabled: "enabled", NotEnabled: "not enabled", Locked: "locked",
	ClientState: "client state", Deleted: "deleted", Deprecated: "deprecated",
}

func (s State) check() error {
	if _, ok := stateNames[s]; !ok {
		return fmt.Errorf("nexpaytest: %d is not the state of a key", int(s))
	}
	return nil
}
