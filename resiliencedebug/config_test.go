package resiliencedebug_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// A board is a switchboard that remembers.
type board struct{ said []string }

func (b *board) Isolate(breaker, reason string) {
	b.said = append(b.said, "isolate "+breaker+": "+reason)
}
func (b *board) Reset(breaker string) { b.said = append(b.said, "reset "+breaker) }

// All mistakes come at once.
func TestConfigMistakes(t *testing.T) {
	fine, bare := newWorld(t).bank, retrier(t, retry.Config{})
	who := func(*http.Request) string { return "ada" }
	for name, tt := range map[string]struct {
		cfg  resiliencedebug.Config
		want []string
	}{
		"nothing": {resiliencedebug.Config{}, []string{"nothing to show: set Config.Retriers or Config.Breakers"}},
		"all of it": {
			resiliencedebug.Config{
				Retriers: map[string]*retry.Retrier{"": fine, "a\nb": fine, "nil": nil, strings.Repeat("x", 257): fine, "bare": bare},
				Breakers: map[string]*breaker.Breaker{"gone": nil, "": new(breaker.Breaker)},
				Settle:   -1,
				Actions:  &resiliencedebug.Actions{Boards: map[string]resiliencedebug.Board{"who": new(board), "bare": new(board), "nothing": nil}},
			},
			[]string{
				`Config.Retriers[""]: the name is empty`,
				`Config.Retriers["a\nb"]: the name is longer than 256 bytes or not printable`,
				`Config.Retriers["nil"]: nil; check the error of New`,
				`Config.Retriers["` + strings.Repeat("x", 257) + `"]: the name is longer`,
				`Config.Breakers["gone"]: nil; check the error of New`,
				`Config.Breakers[""]: the name is empty`,
				`Config.Settle -1ns is negative`,
				`Actions.Who is required`,
				`Actions.Boards["who"]: Config.Retriers has no such name`,
				`Actions.Boards["bare"]: that Retrier has no breakers`,
				`Actions.Boards["nothing"] is nil`,
			},
		},
		"fine": {resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": fine}, Actions: &resiliencedebug.Actions{
			Who: who, Boards: map[string]resiliencedebug.Board{"bank": new(board)},
		}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resiliencedebug.New(tt.cfg)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Len(t, strings.Split(err.Error(), "\n"), len(tt.want), "%v", err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, "resiliencedebug: "+want)
			}
		})
	}
}

// What changes in the maps afterwards changes nothing.
func TestConfigIsCopied(t *testing.T) {
	w := newWorld(t)
	h := w.page(t)
	delete(w.cfg.Retriers, "nexpay")
	require.Len(t, see(t, h, "").Calls, 2)
}

// What a Retrier does not have is left out.
func TestPartsThatAreNotThere(t *testing.T) {
	b, err := breaker.New(breaker.Config{Name: "database"})
	require.NoError(t, err)
	w := &world{cfg: resiliencedebug.Config{Breakers: map[string]*breaker.Breaker{"ledger": b}}}
	s := see(t, w.page(t), "")
	require.Equal(t, "resilience", s.Title)
	require.Equal(t, "ledger", s.Breakers.Breakers[0].Name)
	require.Nil(t, s.Keys)
	require.Nil(t, s.Policies)
	require.Empty(t, s.Calls)
	require.Empty(t, s.Journals)
	page := html(t, w.page(t), "?code=1")
	for _, heading := range []string{"Keys", "Operations in doubt", "Calls and budget", "Unknown codes", "Policies in force", ">API<", "Actions"} {
		require.NotContains(t, page, heading)
	}

	w.cfg = resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bare": retrier(t, retry.Config{Budget: retry.NoBudget()})}, Settle: time.Minute}
	page = html(t, w.page(t), "")
	require.NotContains(t, page, "Breakers")
	require.NotContains(t, page, "Keys")
	require.Contains(t, page, "none: it never refuses")
	require.Contains(t, page, "All well")
	require.Nil(t, see(t, w.page(t), "").Calls[0].Budget)
}
