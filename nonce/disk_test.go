package nonce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

var errDisk = errors.New("no space left on device")

// A memory is a disk with one high-water file. What it holds outlives lanes.
type memory struct {
	mu       sync.Mutex
	text     string // empty: there is no file
	locked   bool
	writes   int
	hang     chan struct{}           // not nil: whatever is asked of the disk waits until it is closed
	onWrite  func(text string) error // instead of a write that succeeds
	unlocked int
}

func (m *memory) wait() {
	m.mu.Lock()
	hang := m.hang
	m.mu.Unlock()
	if hang != nil {
		<-hang
	}
}

func (m *memory) lock(string) (io.Closer, error) {
	m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, nonce.ErrInUse
	}
	m.locked = true
	return m, nil
}

// Close lets go of the lock.
func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locked, m.unlocked = false, m.unlocked+1
	return nil
}

func (m *memory) read(string) ([]byte, error) {
	m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.text == "" {
		return nil, os.ErrNotExist
	}
	return []byte(m.text), nil
}

func (m *memory) write(_, text string) error {
	m.mu.Lock()
	m.writes++
	m.mu.Unlock()
	m.wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onWrite != nil {
		return m.onWrite(text)
	}
	m.text = text
	return nil
}

func (m *memory) hangs() (back func()) {
	hang := make(chan struct{})
	m.mu.Lock()
	m.hang = hang
	m.mu.Unlock()
	return func() {
		m.mu.Lock()
		m.hang = nil
		m.mu.Unlock()
		close(hang)
	}
}

// mark is what the file holds; 0: there is none.
func (m *memory) mark() (mark uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = fmt.Sscanf(m.text, "nonces up to %d ", &mark)
	return mark
}

func (m *memory) lane(t require.TestingT, c nonce.LaneConfig) *nonce.Lane {
	c.Key, c.HighWater = "main", "mark"
	l, err := nonce.NewLaneOn(c, m.lock, m.read, m.write)
	require.NoError(t, err)
	return l
}

func TestEnterEndsWithItsContextOnADiskThatHangs(t *testing.T) {
	for name, enter := range map[string]func(*nonce.Lane, *nonce.Pool) func(context.Context) (*nonce.Ticket, error){
		"Lane.Enter":       func(l *nonce.Lane, _ *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return l.Enter },
		"Pool.Enter":       func(_ *nonce.Lane, p *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return p.Enter },
		"Lane.EnterKey":    func(l *nonce.Lane, _ *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return onKey(l) },
		"Pool.EnterKey":    func(_ *nonce.Lane, p *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return onKey(p) },
		"Lane.EnterUnless": func(l *nonce.Lane, _ *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return unlocked(l) },
		"Pool.EnterUnless": func(_ *nonce.Lane, p *nonce.Pool) func(context.Context) (*nonce.Ticket, error) { return unlocked(p) },
	} {
		for _, inFlight := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d in flight", name, inFlight), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &memory{}
					var events []nonce.Event
					l := m.lane(t, nonce.LaneConfig{InFlight: inFlight, OnEvent: func(e nonce.Event) { events = append(events, e) }})
					p, err := nonce.NewPool(l)
					require.NoError(t, err)
					back := m.hangs()
					var wg sync.WaitGroup
					for range 1000 {
						wg.Go(func() {
							ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
							defer cancel()
							began := time.Now()
							_, err := enter(l, p)(ctx)
							if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*time.Millisecond {
								t.Errorf("after %v: %v", time.Since(began), err)
							}
						})
					}
					wg.Wait()
					require.Equal(t, 1, m.writes, "one at a time, however many wait for it")
					require.Zero(t, nonce.Load(l))
					require.Zero(t, l.Stats().Turns, "nobody had one")
					require.Empty(t, events, "a tenth of a second is nothing to speak of")

					last := l.Last()
					patient := arrive(enter(l, p))
					synctest.Wait()
					require.True(t, patient.waits())
					back()
					<-patient.done
					require.NoError(t, patient.err)
					require.Greater(t, patient.ticket.Nonce(), last)
					require.GreaterOrEqual(t, m.mark(), patient.ticket.Nonce())
					patient.ticket.Leave()
					require.NoError(t, l.Close())
				})
			})
		}
	}
}

func onKey(s nonce.KeySource) func(context.Context) (*nonce.Ticket, error) {
	return func(ctx context.Context) (*nonce.Ticket, error) { return s.EnterKey(ctx, "main") }
}

func unlocked(s optional) func(context.Context) (*nonce.Ticket, error) {
	return func(ctx context.Context) (*nonce.Ticket, error) {
		return s.EnterUnless(ctx, func(string) error { return nil })
	}
}

// Resync and Next end with their context too. The turn goes on, and its next nonce is above the one that was lost.
func TestResyncEndsWithItsContextOnADiskThatHangs(t *testing.T) {
	for name, renew := range map[string]func(*nonce.Ticket, context.Context) (*nonce.Ticket, error){
		"Resync": (*nonce.Ticket).Resync,
		"Next":   (*nonce.Ticket).Next,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				l := m.lane(t, nonce.LaneConfig{})
				ticket := enter(t, l)
				time.Sleep(time.Minute) // the mark is behind the clock
				back := m.hangs()
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				_, err := renew(ticket, ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.EqualError(t, err, `nonce: no turn on key "main": context deadline exceeded, while its high-water file was written`)
				lost := l.Last()
				back()
				newer, err := ticket.Next(t.Context())
				require.NoError(t, err)
				require.Greater(t, newer.Nonce(), lost)
				newer.Leave()
				require.NoError(t, l.Close())
			})
		})
	}
}

// A write that takes a second is told of, once, whether those who wait for it give up or have patience.
func TestADiskThatHangsIsReported(t *testing.T) {
	for _, patient := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := &memory{}
			events := make(chan nonce.Event, 10)
			l := m.lane(t, nonce.LaneConfig{InFlight: 3, OnEvent: func(e nonce.Event) { events <- e }})
			back := m.hangs()
			callers := []*caller{arrive(l.Enter), arrive(l.Enter), arrive(l.Enter)}
			time.Sleep(time.Second - 1)
			if !patient {
				callers[0].cancel(nil)
			}
			synctest.Wait()
			require.Empty(t, events)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			require.Len(t, events, 1)
			e := <-events
			require.Equal(t, nonce.EventHighWater, e.Kind)
			require.Equal(t, l.Last(), e.Nonce)
			require.ErrorContains(t, e.Err, `nonce: key "main": high-water file: the disk does not answer`)
			time.Sleep(time.Hour)
			for _, c := range callers {
				if !patient {
					c.cancel(nil)
				}
			}
			back()
			synctest.Wait()
			for _, c := range callers {
				require.Equal(t, patient, c.err == nil)
				if c.ticket != nil {
					c.ticket.Leave()
				}
			}
			require.Empty(t, events)
			require.NoError(t, l.Close())
		})
	}
}

// Who waits in the queue behind such a write in vain is told what was in the way, through a pool as well, and on which key.
func TestWhoWaitsBehindADiskThatHangsIsToldSo(t *testing.T) {
	const text = `nonce: no turn on key "main": context deadline exceeded`
	for name, test := range map[string]struct {
		hangs time.Duration // when the caller comes
		want  string
	}{
		"only a moment": {0, text},
		"told of":       {time.Second, text + ", while its high-water file was written"},
	} {
		for _, pool := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pool %v", name, pool), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &memory{}
					l := m.lane(t, nonce.LaneConfig{})
					source := nonce.Source(l)
					if pool {
						p, err := nonce.NewPool(l)
						require.NoError(t, err)
						source = p
					}
					back := m.hangs()
					first := arrive(l.Enter)
					synctest.Wait()
					time.Sleep(test.hangs)
					synctest.Wait()
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					_, err := source.Enter(ctx)
					require.EqualError(t, err, test.want)
					back()
					<-first.done
					first.ticket.Leave()
					require.NoError(t, l.Close())
				})
			})
		}
	}
}

// Whoever waits for the disk itself, through a pool, is told that as on a lane.
func TestPoolTellsOfADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := m.lane(t, nonce.LaneConfig{})
		p, err := nonce.NewPool(l)
		require.NoError(t, err)
		back := m.hangs()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = p.Enter(ctx)
		require.EqualError(t, err, `nonce: no turn on key "main": context deadline exceeded, while its high-water file was written`)
		back()
		require.NoError(t, l.Close())
	})
}

// All who wait for a write that fails learn of it, and one event is enough.
func TestAWriteThatFailsIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{onWrite: func(string) error { return errDisk }}
		var events []nonce.Event
		l := m.lane(t, nonce.LaneConfig{InFlight: 8, OnEvent: func(e nonce.Event) { events = append(events, e) }})
		back := m.hangs()
		var callers []*caller
		for range 8 {
			callers = append(callers, arrive(l.Enter))
		}
		synctest.Wait()
		back()
		synctest.Wait()
		for _, c := range callers {
			require.ErrorIs(t, c.err, errDisk)
		}
		require.Len(t, events, 1)
		require.ErrorIs(t, events[0].Err, errDisk)
		require.Zero(t, nonce.Load(l))
		m.onWrite = nil
		enter(t, l).Leave()
		require.NoError(t, l.Close())
	})
}

// A turn that nobody gets, because its nonce could not be written, goes to the
// next in the queue, and so to its end.
func TestAWriteThatFailsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := m.lane(t, nonce.LaneConfig{})
		first := enter(t, l)
		m.onWrite = func(string) error { return errDisk }
		time.Sleep(time.Hour) // the clock is past the mark
		var callers []*caller
		for range 3 {
			callers = append(callers, arrive(l.Enter))
		}
		synctest.Wait()
		first.Leave()
		for _, c := range callers {
			<-c.done
			require.ErrorIs(t, c.err, errDisk)
		}
		require.Zero(t, nonce.Load(l))
		m.onWrite = nil
		enter(t, l).Leave()
		require.NoError(t, l.Close())
	})
}

// A hook may use the lane that it hears from.
func TestAHookMayEnterWhenTheDiskFails(t *testing.T) {
	m := &memory{onWrite: func(string) error { return errDisk }}
	var l *nonce.Lane
	var inner error
	l = m.lane(t, nonce.LaneConfig{InFlight: 2, OnEvent: func(nonce.Event) {
		if inner == nil {
			inner = errors.New("under way")
			_, inner = l.Enter(context.Background())
		}
	}})
	_, err := l.Enter(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.ErrorIs(t, inner, errDisk)
	require.ErrorIs(t, l.Close(), errDisk)
}

// The lock is held until a write that hangs has come back: it must not land on top of another lane's.
func TestCloseOnADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := m.lane(t, nonce.LaneConfig{})
		enter(t, l).Leave()
		time.Sleep(time.Minute)
		back := m.hangs()
		stuck := arrive(l.Enter)
		synctest.Wait()
		began := time.Now()
		for range 2 {
			require.ErrorContains(t, l.Close(), "the disk does not answer")
		}
		require.Equal(t, 20*time.Second, time.Since(began))
		require.True(t, m.locked)
		require.Equal(t, 2, m.writes, "and nothing is asked of it twice")
		<-stuck.done
		require.ErrorIs(t, stuck.err, nonce.ErrClosed)

		back()
		require.NoError(t, l.Close())
		require.False(t, m.locked)
		require.Equal(t, 1, m.unlocked)
		require.Equal(t, l.Last(), m.mark())
	})
}

// Whoever waits for the disk when the lane is closed waits no longer, however long the disk still takes, and gets no nonce
// when it has answered. A pool goes on to another lane.
func TestCloseEndsTheWaitForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := m.lane(t, nonce.LaneConfig{InFlight: 3})
		p, err := nonce.NewPool(l, newLane(t, nonce.LaneConfig{Key: "other", InFlight: 2}))
		require.NoError(t, err)
		turn := enter(t, l)
		time.Sleep(time.Minute)
		back := m.hangs()
		entering, renewing := arrive(l.Enter), arrive(turn.Next)
		var pooled []*caller
		for range 2 { // one of them on each lane
			pooled = append(pooled, arrive(p.Enter))
			synctest.Wait()
		}
		began := time.Now()
		closed := make(chan error)
		go func() { closed <- l.Close() }()
		for _, c := range append(pooled, entering, renewing) {
			<-c.done
		}
		require.Zero(t, time.Since(began))
		require.ErrorIs(t, entering.err, nonce.ErrClosed)
		require.ErrorIs(t, renewing.err, nonce.ErrClosed)
		for _, c := range pooled {
			require.NoError(t, c.err)
			require.Equal(t, "other", c.ticket.Key())
			c.ticket.Leave()
		}
		turn.Leave()
		require.Zero(t, nonce.Load(l))
		require.ErrorContains(t, <-closed, "the disk does not answer")
		back()
		require.NoError(t, l.Close())
		require.Equal(t, l.Last(), m.mark())
	})
}

// A lane that was not made because the disk took too long leaves the file to the next.
func TestNewLaneOnADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		back := m.hangs()
		began := time.Now()
		_, err := nonce.NewLaneOn(nonce.LaneConfig{Key: "main", HighWater: "mark"}, m.lock, m.read, m.write)
		require.EqualError(t, err, `nonce: key "main": high-water file: the disk does not answer: a read or write has not returned`)
		require.Equal(t, 10*time.Second, time.Since(began))
		back()
		synctest.Wait()
		require.False(t, m.locked)
		require.NoError(t, m.lane(t, nonce.LaneConfig{}).Close())
	})
}

// Callers come and go while the disk hangs and comes back, and the clock moves: nonces rise, each is given once, none
// before the file holds as much.
func TestDiskThatHangsNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := m.lane(t, nonce.LaneConfig{InFlight: 2})
		var mu sync.Mutex
		given := map[uint64]bool{}
		var wg sync.WaitGroup
		for i := range 400 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 250 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7+1)*time.Second)
				defer cancel()
				ticket, err := l.Enter(ctx)
				if err != nil {
					return
				}
				defer ticket.Leave()
				for range 2 {
					mu.Lock()
					if given[ticket.Nonce()] || ticket.Nonce() > m.mark() {
						t.Errorf("nonce %d: given before %v; the mark is %d", ticket.Nonce(), given[ticket.Nonce()], m.mark())
					}
					given[ticket.Nonce()] = true
					mu.Unlock()
					time.Sleep(20 * time.Millisecond)
					newer, err := ticket.Next(ctx)
					if err != nil {
						return
					}
					ticket = newer
				}
			})
		}
		for range 8 {
			time.Sleep(9 * time.Second)
			back := m.hangs()
			time.Sleep(5 * time.Second)
			back()
		}
		wg.Wait()
		require.Greater(t, len(given), 400)
		require.Zero(t, nonce.Load(l))
		require.NoError(t, l.Close())
	})
}
