package protocol_test

import (
	"slices"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// failures are the ways in which a Send fails, and whether the request can have
// changed something nevertheless.
var failures = []struct {
	name     string
	evidence protocol.Evidence
	harmless bool
}{
	{"a refusal", protocol.Evidence{Claimed: true, Answer: true, Refused: true, Asked: 1, Got: 1}, true},
	{"a refusal, read by a client of one's own", protocol.Evidence{Claimed: true, Answer: true, Refused: true}, true},
	{"a refusal after a second connection, though nothing repeats", protocol.Evidence{NoReplay: true, Claimed: true, Answer: true, Refused: true, Asked: 2, Got: 2}, true},
	{"a refused nonce, though nothing repeats", protocol.Evidence{NoReplay: true, Claimed: true, Answer: true, Refused: true, Resync: true, Asked: 1, Got: 1}, true},
	{"no connection", protocol.Evidence{Asked: 1}, true},
	{"no connection, and a text left out", protocol.Evidence{Trimmed: true, Asked: 1}, true},
	{"a refused connection, though nothing repeats", protocol.Evidence{NoReplay: true, Claimed: true}, true},
	{"an error of one who knows", protocol.Evidence{Claimed: true, Unsent: true}, true},

	{"a refusal after a second connection: the first was served", protocol.Evidence{Claimed: true, Answer: true, Refused: true, Asked: 2, Got: 2}, false},
	{"a refused nonce: a proxy's copy", protocol.Evidence{Claimed: true, Answer: true, Refused: true, Resync: true, Asked: 1, Got: 1}, false},
	{"the refusal of another request", protocol.Evidence{Claimed: true, Answer: true, Refused: true, Trimmed: true, Asked: 1, Got: 1}, false},
	{"an answer without a code", protocol.Evidence{Claimed: true, Answer: true, Asked: 1, Got: 1}, false},
	{"an end without an answer", protocol.Evidence{Claimed: true, Unsent: true, Asked: 1, Got: 1}, false},
	{"a timeout", protocol.Evidence{}, false},
	{"a refused connection: of a hidden second try", protocol.Evidence{Claimed: true}, false},
	{"the error of another call", protocol.Evidence{Nested: true, Claimed: true, Unsent: true, Asked: 1}, false},
	{"an error that is trimmed", protocol.Evidence{Trimmed: true, Claimed: true, Unsent: true, NoReplay: true}, false},
}

// An answered is a kind of failures: what counts is only what is made of them, and
// the truth.
type answered struct {
	proved, harmless bool
}

func answers(proved func(protocol.Evidence) bool) (all []answered) {
	for _, f := range failures {
		a := answered{proved(f.evidence), f.harmless}
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}
