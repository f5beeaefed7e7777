package redisboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/switchboard"
)

// Config sets where the board is.
type Config struct {
	// Key is the name of the hash, at most 200 bytes. Empty means "switchboard".
	Key string
}

// A Store is a [switchboard.Store] in Redis. It is safe for concurrent use if the eval
// function passed to New is.
type Store struct {
	eval func(ctx context.Context, script string, keys []string, args ...any) (any, error)
	keys []string
}

// New returns a Store that runs its scripts with eval, which is the client's EVAL. A list
// in a reply must be a []any of strings or []byte. The error lists everything that is
// wrong; New does not contact the server.
func New(eval func(ctx context.Context, script string, keys []string, args ...any) (any, error), cfg Config) (*Store, error) {
	if cfg.Key == "" {
		cfg.Key = "switchboard"
	}
	var errs []error
	if eval == nil {
		errs = append(errs, errors.New("redisboard: eval is nil"))
	}
	if len(cfg.Key) > 200 {
		errs = append(errs, fmt.Errorf("redisboard: Config.Key is %d bytes long, more than 200", len(cfg.Key)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{eval: eval, keys: []string{cfg.Key}}, nil
}

// An entry is "at on json": when it was set, in microseconds; 0 or 1; the rest.
const put = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local said, what = math.max(now - tonumber(ARGV[3]), 0), ARGV[4]
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local at, on, rest = string.match(held, '^(%d+) (%d) (.*)$')
  if said < tonumber(at) and tonumber(at) <= now then return 0 end -- later than now: the clock was set back
  if on == '1' and ARGV[2] == '1' then what = rest end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', said) .. ' ' .. ARGV[2] .. ' ' .. what)
return 1`

const all = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reply = {}
for _, held in ipairs(redis.call('HVALS', KEYS[1])) do
  local at, on, rest = string.match(held, '^(%d+) (%d) (.*)$')
  reply[#reply + 1] = string.format('%.0f', now - tonumber(at))
  reply[#reply + 1] = on
  reply[#reply + 1] = rest
end
return reply`

// rest is the part of an entry that is stored as JSON.
type rest struct {
	Kind    switchboard.Kind `json:"kind"`
	Name    string           `json:"name"`
	Code    string           `json:"code,omitempty"`
	TraceID string           `json:"trace,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	Advice  string           `json:"advice,omitempty"`
	By      string           `json:"by,omitempty"`
}

// Put implements [switchboard.Store].
func (s *Store) Put(ctx context.Context, e switchboard.Entry, age time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := json.Marshal(rest{e.Kind, e.Name, e.Cause.Code, e.Cause.TraceID, e.Cause.Reason, e.Cause.Advice, e.Cause.By})
	if err != nil {
		return fmt.Errorf("redisboard: put: %w", err)
	}
	on := "0"
	if e.On {
		on = "1"
	}
	field := string(e.Kind) + " " + e.Name
	if _, err := s.eval(ctx, put, s.keys, field, on, strconv.FormatInt(age.Microseconds(), 10), string(text)); err != nil {
		return fmt.Errorf("redisboard: put: %w", err)
	}
	return nil
}

// All implements [switchboard.Store].
func (s *Store) All(ctx context.Context) ([]switchboard.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := s.eval(ctx, all, s.keys)
	if err != nil {
		return nil, fmt.Errorf("redisboard: all: %w", err)
	}
	entries, err := read(reply)
	if err != nil {
		return nil, fmt.Errorf("redisboard: all: %w", err)
	}
	return entries, nil
}

var errReply = errors.New("the reply is not a list of entries")

// read decodes age, on and the rest of each entry.
func read(reply any) (all []switchboard.Entry, err error) {
	list, ok := reply.([]any)
	if !ok && reply != nil || len(list)%3 != 0 {
		return nil, errReply
	}
	for i := 0; i < len(list); i += 3 {
		age, on, text := text(list[i]), text(list[i+1]), text(list[i+2])
		micros, err := strconv.ParseInt(age, 10, 64)
		var r rest
		if err != nil || on != "0" && on != "1" || json.Unmarshal([]byte(text), &r) != nil {
			return nil, errReply
		}
		all = append(all, switchboard.Entry{
			Kind: r.Kind, Name: r.Name, On: on == "1", Age: max(time.Duration(micros)*time.Microsecond, 0),
			Cause: breaker.LockCause{Code: r.Code, TraceID: r.TraceID, Reason: r.Reason, Advice: r.Advice, By: r.By},
		})
	}
	return all, nil
}

func text(one any) string {
	switch v := one.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}
