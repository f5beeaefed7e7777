package nexpaytest

import (
	"slices"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// A Request is a line in the bank's log: one HTTP request. It contains no query, no
// signature and no body.
type Request struct {
	At     time.Time // of its arrival
	Key    string    // as sent, at most 64 bytes
	Nonce  uint64    // 0 if it is missing or not a number
	Method string
	Path   string

	Status int           // of the answer; 0: there was none
	Code   classify.Code // first code of the answer; empty: none
	// Refusal is the code of the bank's own checks, even if a fault gave another
	// answer. Empty: all passed. Parameters are checked only if the fault lets the bank
	// execute the request.
	Refusal  classify.Code
	Executed bool   // a payment was made, rescheduled or cancelled
	Replayed bool   // the bank repeated the answer that it keeps under the idempotency key
	TraceID  string // in every answer that has errors
}

// Requests returns the log in the order of arrival.
func (b *Bank) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.log)
}

// arrive opens a line of the log and returns its index.
func (b *Bank) arrive(c *call) (int, Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	number, _ := parseNonce(c.header.Get("X-NONCE"))
	key := c.header.Get("X-API-KEY")
	r := Request{
		At: time.Now(), Key: key[:min(len(key), 64)], Nonce: number,
		Method: c.method, Path: c.path, TraceID: b.trace(),
	}
	b.log = append(b.log, r)
	return len(b.log) - 1, r
}

// note fills in a line of the log.
func (b *Bank) note(line int, fill func(*Request)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fill(&b.log[line])
}

// trace returns the next trace id. mix is one to one, so all trace ids differ.
func (b *Bank) trace() string {
	b.traces++
	const digits = "0123456789abcdef"
	x, id := mix(mix(b.config.Seed)+b.traces), make([]byte, 16)
	for i := range id {
		id[i] = digits[x>>(60-4*i)&15]
	}
	return string(id)
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
