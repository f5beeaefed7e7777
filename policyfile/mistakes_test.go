package policyfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/policyfile"
)

// A slip is a line of a file, and what is wrong with it.
type slip struct{ section, line, text string }

var slips = []slip{
	{"", "attempt-timeout: 5", "is not a duration"},
	{"", "nmae: x", "unknown field"},
	{"rules", "- {code: 7, name: a, class: fatal, lockout: maybe}", "neither true nor false"},
	{"rules", "- {code: 8, name: a}", "the rule has no class"},
	{"rules", "- {code: 1000..900, name: a, class: fatal}", "is reversed"},
	{"rules", "- {code: 010, name: a, class: fatal}", "without quotes YAML reads 010 as the number 8"},
	{"rules", "- {code: 30010..30020, name: a, class: retryable, lockout: true}", "lockout requires class fatal"},
	{"default", "attempts: none\n  elapsed: none", "neither attempts nor elapsed has a limit"},
	{"default", "cost: 5000", "cost 5000 is more than the 100 tokens"},
	{"default", "max-retry-after: 9999999h", "is too long"},
	{"classes", "fatal: {attempts: 2}", "a fatal error is not retryable"},
	{"classes", "retryable: {attempts: none, elapsed: none}", "neither attempts nor elapsed has a limit"},
	{"classes", "resync: {attempts: 2}", "a call is resynced at most twice"},
	{"statuses", "500..502: {attempts: none, elapsed: none}", "statuses[500..502]: neither"},
	{"statuses", "503: {attempts: none, backoff: {initial: none}}", "statuses[503]: attempts has no limit and every wait"},
	{"statuses", "504: {cost: 5001}", "statuses[504]: cost 5001"},
	{"statuses", "403: {attempts: 2}", "a fatal error is not retryable"},
	{"statuses", "600: {}", "is not an HTTP status"},
	{"codes", "40: {attempts: 2}", "a fatal error is not retryable"},
	{"codes", "-32603: {attempts: none, elapsed: none}", "codes[-32603]: neither"},
	{"codes", "130: {attempts: 2, cost: 5002}", "codes[130]: cost 5002"},
	{"codes", "140: {backoff: {initial: 3s, max: 1s}}", "max 1s is below initial 3s"},
	{"breaker", "probes: 2000", "is not between"},
	{"breaker", "failure-ratio: 50", "is not a share"},
	{"budget", "refund: all", "is not one of"},
}

// write makes a file of the slips, and tells the line that each begins in.
func write(made []slip) (file string, lines []int) {
	lines = make([]int, len(made))
	var b strings.Builder
	line := 1
	add := func(text string) { b.WriteString(text + "\n"); line += 1 + strings.Count(text, "\n") }
	add("extends: nexpay")
	for _, section := range []string{"", "rules", "default", "classes", "statuses", "codes", "breaker", "budget"} {
		begun := false
		for i, s := range made {
			if s.section != section {
				continue
			}
			if !begun && section != "" {
				add(section + ":")
			}
			begun, lines[i] = true, line
			if section != "" {
				s.line = "  " + s.line
			}
			add(s.line)
		}
	}
	return b.String(), lines
}

// Any number of mistakes are all told in one run, each in the line where it stands: nobody mends one to be told the next.
func TestAllMistakesAreToldAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := rapid.Permutation(slips).Draw(t, "slips")[:rapid.IntRange(1, len(slips)).Draw(t, "number")]
		file, lines := write(made)
		_, err := policyfile.Parse("f", []byte(file))
		var told *policyfile.Error
		require.True(t, errors.As(err, &told), "%v", err)
		for i, s := range made {
			found := false
			for _, p := range told.Problems {
				at := p.Line == lines[i] || s.section == "default" && p.Line > 1
				found = found || at && p.Column > 0 && strings.Contains(p.Text, s.text)
			}
			require.True(t, found, "%s of line %d: %s\n%s\n%v", s.text, lines[i], s.line, file, err)
		}
	})
}

// What costs more than a full budget pays for, and a wait for which a call has no
// time, are no mistakes, but worth a note.
func TestNotes(t *testing.T) {
	const more = ", and for more only if other calls succeed meanwhile"
	const late = ": a wait that long ends the call at once; a longer elapsed allows it"
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"nothing": {"extends: nexpay\ncodes: {-32603: {attempts: 11}}\n", nil},
		"a code":  {"extends: nexpay\ncodes:\n  -32603: {attempts: 12}\n", []string{"f:3:3: codes[-32603]: 12 attempts at 10 tokens a retry: a full budget of 100 pays for 11 attempts" + more}},
		"words like ranges": {"name: x\nrules:\n  - {code: 10-19, name: a, class: fatal}\n  - {code: \"1, 2\", name: b, class: fatal}\n  - {code: E-1, name: c, class: fatal}\ndefault: {attempts: 12}\n", []string{
			"f:3:12: 10-19 is a word: write a range of numbers as 1000..1999, and several codes as one rule each",
			`f:4:12: "1, 2" is a word: write a range of numbers as 1000..1999, and several codes as one rule each`,
			"f:6:10: default: 12 attempts at 10 tokens a retry: a full budget of 100 pays for 11 attempts" + more}},
		"a cost":                   {"extends: nexpay\ncodes:\n  -32603: {cost: 34}\n", []string{"f:3:3: codes[-32603]: 4 attempts at 34 tokens a retry: a full budget of 100 pays for 3 attempts" + more}},
		"what is free":             {"extends: nexpay\ncodes:\n  -32603: {attempts: 9999, cost: none}\n", nil},
		"without a number":         {"extends: nexpay\ncodes:\n  -32603: {attempts: none}\n", nil},
		"what the budget pays for": {"extends: nexpay\nbudget: {capacity: 1000}\ncodes:\n  -32603: {attempts: 101}\n", nil},
		"what is sent once":        {"extends: nexpay\ncodes:\n  50: {cost: 90}\n  130: {cost: 90}\n", nil},
		"as many as there can be":  {"extends: nexpay\ndefault: {attempts: 9223372036854775807}\n", []string{"f:2:10: default: 9223372036854775807 attempts at 10 tokens a retry: a full budget of 100 pays for 11 attempts" + more}},
		"a wait of a code":         {"extends: nexpay\ncodes:\n  -32603: {max-retry-after: 1m}\n", []string{"f:3:3: codes[-32603]: max-retry-after 1m0s does not fit into elapsed 30s" + late}},
		"of a newer nonce":         {"extends: nexpay\ncodes:\n  50: {max-retry-after: 1m}\n", []string{"f:3:3: codes[50]: max-retry-after 1m0s does not fit into elapsed 30s" + late}},
		"as long as the call":      {"name: x\ndefault: {max-retry-after: 30s}\n", []string{"f:2:10: default: max-retry-after 30s does not fit into elapsed 30s" + late}},
		"a wait anywhere": {"name: x\ndefault: {max-retry-after: 1m}\nclasses: {retryable: {max-retry-after: 2m}, fix-and-resend: {max-retry-after: 3m}}\nstatuses:\n  429: {max-retry-after: 2m}\n  500..504: {max-retry-after: 1h, elapsed: 5m}\n", []string{
			"f:2:10: default: max-retry-after 1m0s does not fit into elapsed 30s" + late,
			"f:3:11: classes[retryable]: max-retry-after 2m0s does not fit into elapsed 30s" + late,
			"f:3:45: classes[fix-and-resend]: max-retry-after 3m0s does not fit into elapsed 30s" + late,
			"f:5:3: statuses[429]: max-retry-after 2m0s does not fit into elapsed 1m30s" + late,
			"f:6:3: statuses[500..504]: max-retry-after 1h0m0s does not fit into elapsed 5m0s" + late}},
		"a status that asks for a wait":                            {"name: x\nstatuses: {403: {max-retry-after: 2m}}\n", []string{"f:2:12: statuses[403]: max-retry-after 2m0s does not fit into elapsed 30s" + late}},
		"a wait that fits":                                         {"extends: nexpay\ndefault: {max-retry-after: 29s}\nstatuses:\n  429: {max-retry-after: 1m}\n  503: {max-retry-after: 1h, elapsed: none}\n  502: {max-retry-after: none}\n", nil},
		"a wait that nobody is to wait for":                        {"extends: nexpay\nclasses: {fatal: {max-retry-after: 1h}}\nstatuses: {503: {attempts: 1, max-retry-after: 1h}}\ncodes:\n  100: {max-retry-after: 1h}\n  130: {max-retry-after: 1h}\n", nil},
		"an elapsed that is too short for a wait of the library's": {"name: x\ndefault: {elapsed: 20s}\nstatuses: {429: {elapsed: 10s}}\n", nil},
		"everywhere": {"extends: nexpay\nclasses: {retryable: {attempts: 50}}\nstatuses:\n  500..504: {cost: 60}\n  503: {cost: 70}\nbudget: {capacity: 80}\n", []string{
			"f:2:11: classes[retryable]: 50 attempts at 10 tokens a retry: a full budget of 80 pays for 9 attempts" + more,
			"f:4:3: statuses[500..504]: 50 attempts at 60 tokens a retry: a full budget of 80 pays for 2 attempts" + more,
			"f:5:3: statuses[503]: 50 attempts at 70 tokens a retry: a full budget of 80 pays for 2 attempts" + more}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := policyfile.Parse("f", []byte(tt.file))
			require.NoError(t, err)
			var notes []string
			for _, n := range f.Notes {
				notes = append(notes, n.In("f"))
			}
			require.Equal(t, tt.want, notes)

			path := filepath.Join(t.TempDir(), "f.yaml")
			require.NoError(t, os.WriteFile(path, []byte(tt.file), 0o600))
			loaded, err := policyfile.Load(path)
			require.NoError(t, err)
			require.Equal(t, f.Notes, loaded.Notes)
		})
	}
}
