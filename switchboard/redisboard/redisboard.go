package redisboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
local at, on, rest = string.match(held or '', '^(%d+) ([01]) (.*)$') -- what is no entry is replaced
if at then
  if said < tonumber(at) and tonumber(at) <= now then return 0 end -- later than now: the clock was set back
  if on == '1' and ARGV[2] == '1' and pcall(cjson.decode, rest) then what = rest end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', said) .. ' ' .. ARGV[2] .. ' ' .. what)
return 1`

const all = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reply = redis.call('HGETALL', KEYS[1])
for i = 2, #reply, 2 do
  local at, rest = string.match(reply[i], '^(%d+)( .*)$')
  reply[i] = at and string.format('%.0f', now - tonumber(at)) .. rest or '' -- what is no entry is reported
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
	if _, err := s.eval(ctx, put, s.keys, field(e), on, strconv.FormatInt(age.Microseconds(), 10), string(text)); err != nil {
		return fmt.Errorf("redisboard: put: %w", err)
	}
	return nil
}

// All implements [switchboard.Store]. A field that it cannot read, which somebody else has
// written, is an error beside the entries of the others.
func (s *Store) All(ctx context.Context) ([]switchboard.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := s.eval(ctx, all, s.keys)
	if err != nil {
		return nil, fmt.Errorf("redisboard: all: %w", err)
	}
	list, ok := reply.([]any)
	if !ok && reply != nil || len(list)%2 != 0 {
		return nil, errors.New("redisboard: all: the reply is not a list of fields and values")
	}
	var entries []switchboard.Entry
	var errs []error
	for i := 0; i < len(list); i += 2 {
		if e, ok := read(text(list[i+1])); ok && text(list[i]) == field(e) {
			entries = append(entries, e)
		} else {
			errs = append(errs, fmt.Errorf("redisboard: all: field %.100q of the hash %q is not an entry: delete it", text(list[i]), s.keys[0]))
		}
	}
	return entries, errors.Join(errs...)
}

// field is the name of an entry in the hash. Under another name, an entry would contradict
// the one that is changed.
func field(e switchboard.Entry) string { return string(e.Kind) + " " + e.Name }

// read decodes "age on json", the age in microseconds.
func read(value string) (switchboard.Entry, bool) {
	age, value, _ := strings.Cut(value, " ")
	on, value, _ := strings.Cut(value, " ")
	micros, err := strconv.ParseInt(age, 10, 64)
	var r rest
	if err != nil || on != "0" && on != "1" || json.Unmarshal([]byte(value), &r) != nil {
		return switchboard.Entry{}, false
	}
	return switchboard.Entry{
		Kind: r.Kind, Name: r.Name, On: on == "1", Age: max(time.Duration(micros)*time.Microsecond, 0),
		Cause: breaker.LockCause{Code: r.Code, TraceID: r.TraceID, Reason: r.Reason, Advice: r.Advice, By: r.By},
	}, true
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
