package keylease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/keylease"
)

// An adversary is a store that is slow, fails before or after it did what it was asked,
// does it twice, and does it once more much later.
type adversary struct {
	keylease.Store
	mu     sync.Mutex
	random *rand.Rand
	quiet  bool
	late   sync.WaitGroup
}

func (a *adversary) calm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quiet = true
}

func (a *adversary) draw(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quiet {
		return n
	}
	return a.random.IntN(n)
}

func (a *adversary) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	if a.draw(6) == 0 {
		time.Sleep(time.Duration(a.draw(4000)) * time.Millisecond)
	}
	if a.draw(10) == 0 {
		return keylease.Standing{}, errors.New("lost on the way there")
	}
	s, err := a.Store.Round(context.WithoutCancel(ctx), r)
	switch a.draw(12) {
	case 0:
		return keylease.Standing{}, errors.New("the answer was lost")
	case 1: // the client of the database sends it again
		s, err = a.Store.Round(context.WithoutCancel(ctx), r)
	case 2:
		a.late.Go(func() {
			time.Sleep(time.Duration(a.draw(20_000)) * time.Millisecond)
			_, _ = a.Store.Round(context.Background(), r)
		})
	}
	if ctx.Err() != nil {
		return keylease.Standing{}, ctx.Err()
	}
	return s, err
}

// A bank takes rising nonces, and knows who sent the last one.
type bank struct {
	mu       sync.Mutex
	last     map[string]uint64
	accepted map[string][]string // senders, one after another, each once in a row
	refused  map[string]int      // by sender
}

func (b *bank) request(sender, key string, nonce uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if nonce <= b.last[key] {
		b.refused[sender]++
		return
	}
	b.last[key] = nonce
	if all := b.accepted[key]; len(all) == 0 || all[len(all)-1] != sender {
		b.accepted[key] = append(all, sender)
	}
}

// Whatever the store does, and whoever is stopped: no key's nonces of two holders are
// mixed, nobody but a former holder is refused, and calls get through in the end.
func TestUnderAnAdversary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		processes := rapid.IntRange(1, 5).Draw(rt, "processes")
		n := rapid.IntRange(1, 4).Draw(rt, "keys")
		ttl := rapid.SampledFrom([]time.Duration{2 * time.Second, 10 * time.Second}).Draw(rt, "TTL")
		ahead := rapid.Bool().Draw(rt, "nonces are ahead of the clock")
		synctest.Test(t, func(t *testing.T) {
			store := &adversary{Store: new(keylease.MemoryStore), random: rand.New(rand.NewPCG(seed, 7))}
			if ahead { // as of a former holder whose clock was
				former := keylease.Round{Owner: "former", Keys: keys(n), TTL: time.Second}
				for range 2 {
					s, err := store.Store.Round(t.Context(), former)
					require.NoError(t, err)
					for i := range s.Records {
						s.Records[i].High = uint64(time.Now().Add(time.Hour).UnixMicro())
					}
					former.Renew = s.Records
				}
			}
			b := &bank{last: map[string]uint64{}, accepted: map[string][]string{}, refused: map[string]int{}}
			var all sync.WaitGroup
			for i := range processes {
				all.Go(func() {
					fleet(t, store, b, fmt.Sprint("p", i), keys(n), ttl, rand.New(rand.NewPCG(seed, uint64(i))))
				})
			}
			all.Wait()
			store.late.Wait()
			for key, senders := range b.accepted {
				seen := map[string]bool{}
				for _, s := range senders { // a process that starts again has another name
					require.False(t, seen[s], "%s: %v: %s is back below another's", key, senders, s)
					seen[s] = true
				}
			}
			require.Empty(t, b.refused, "each waits for its answer, so nobody's is late")
			store.calm()
			l, err := keylease.New(keylease.Config{Store: store, Keys: keys(n), TTL: ttl})
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ticket, err := l.Enter(ctx)
			require.NoError(t, err, "when all is well again, and the old leases are over")
			ticket.Leave()
			require.NoError(t, l.Close(t.Context()))
		})
	})
}

// fleet runs one process for a while: it calls, is cut off from the store for a while now
// and then, and starts again under another name.
func fleet(t *testing.T, store keylease.Store, b *bank, name string, keys []string, ttl time.Duration, random *rand.Rand) {
	end := time.Now().Add(20 * time.Second)
	for life := 0; time.Now().Before(end); life++ {
		g := &gate{Store: store}
		l, err := keylease.New(keylease.Config{Store: g, Keys: keys, TTL: ttl, Owner: fmt.Sprint(name, ".", life)})
		require.NoError(t, err)
		epochs := map[string]int64{}
		for range 5 + random.IntN(40) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			ticket, err := l.Enter(ctx)
			cancel()
			if err != nil {
				continue
			}
			for _, k := range l.Stats().Keys {
				epochs[k.Key] = k.Epoch
			}
			// The turn is held until the answer is in, and the lane is another one in another epoch.
			b.request(fmt.Sprint(name, ".", life, ".", epochs[ticket.Key()]), ticket.Key(), ticket.Nonce())
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			ticket.Leave()
			switch random.IntN(60) {
			case 0:
				g.cut(errors.New("partition"))
			case 1:
				g.cut(nil)
			}
		}
		if random.IntN(2) == 0 {
			g.cut(errors.New("it crashes")) // and gives nothing back
		}
		_ = l.Close(t.Context())
	}
}
