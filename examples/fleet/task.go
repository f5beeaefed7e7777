package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

// taskVariable is the environment variable that makes a process of this program a worker.
const taskVariable = "FLEET_WORKER"

// A task is what a worker needs to know.
type task struct {
	Name        string
	Bank, Queue string
	Keys        int
	TTL         time.Duration
	Postgres    string // empty: SQLite
	SQLite      string
	Redis       string
	Prefix      string // of tables
}

func (t task) String() string {
	text, _ := json.Marshal(t) // never fails: only strings and numbers
	return string(text)
}

func readTask(text string) (t task, err error) { return t, json.Unmarshal([]byte(text), &t) }

// keyNames returns the names of the API keys.
func (t *task) keyNames() (names []string) {
	for n := range t.Keys {
		names = append(names, keyName(n))
	}
	return names
}

func keyName(n int) string { return fmt.Sprintf("key-%02d", n) }

// credentials returns made-up credentials: the bank is a test server.
func credentials(key string) nexpay.Credentials {
	return nexpay.Credentials{Key: key, Secret: "secret of " + key, PaymentSecret: "payments of " + key}
}

// Times that match the bank's delays.
const (
	settle  = 400 * time.Millisecond
	giveUp  = 4 * time.Second
	attempt = 150 * time.Millisecond
)
