package programtest

import (
	"io"
	"strings"
	"testing"
)

// Mistakes tests what a program makes of wrong arguments: it must exit with 2, print
// nothing but what is wrong, and that to log. The keys are the arguments, with spaces
// between them; the values are in what it prints. With -h it must print its flags.
func Mistakes(t testing.TB, run func(args []string, out, log io.Writer) int, mistakes map[string]string) {
	t.Helper()
	check := func(args string, code int, want string) {
		var out, log strings.Builder
		got := run(strings.Fields(args), &out, &log)
		if got != code || out.Len() > 0 || !strings.Contains(log.String(), want) {
			t.Errorf("with %q it exits with %d, not with %d, and prints %q and %q, not %q", args, got, code, &out, &log, want)
		}
	}
	check("-h", 0, "Usage of ")
	check("-no-such-flag", 2, "flag provided but not defined")
	check("argument", 2, "there are no arguments")
	for args, want := range mistakes {
		check(args, 2, want)
	}
}
