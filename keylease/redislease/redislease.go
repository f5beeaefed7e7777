package redislease

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nexpay-go/resilience/keylease"
)

// Config sets where the leases are.
type Config struct {
	// Prefix begins the names of the two Redis keys that hold the leases; at most 200
	// bytes. In a cluster both must be on one node: put the prefix into braces. Empty
	// means "{key_lease}".
	Prefix string
}

// A Store is a [keylease.Store] in Redis. It is safe for concurrent use if the eval
// function passed to New is.
type Store struct {
	eval   func(ctx context.Context, script string, keys []string, args ...any) (any, error)
	leases string // a hash: key → owner, epoch, high, until
	owners string // a hash: owner → until
}

// New returns a Store that runs its script with eval, which is the client's EVAL. The
// reply must be a []any of strings, []byte and integers. The error lists everything that
// is wrong; New does not contact the server.
func New(eval func(ctx context.Context, script string, keys []string, args ...any) (any, error), cfg Config) (*Store, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "{key_lease}"
	}
	var errs []error
	if eval == nil {
		errs = append(errs, errors.New("redislease: eval is nil"))
	}
	if len(cfg.Prefix) > 200 {
		errs = append(errs, fmt.Errorf("redislease: Config.Prefix is %d bytes long, more than 200", len(cfg.Prefix)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{eval: eval, leases: cfg.Prefix + ":leases", owners: cfg.Prefix + ":owners"}, nil
}

//go:embed round.lua
var script string

// Round implements [keylease.Store].
func (s *Store) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	if err := ctx.Err(); err != nil {
		return keylease.Standing{}, err
	}
	standing, err := s.round(ctx, &r)
	if err != nil {
		return keylease.Standing{}, fmt.Errorf("redislease: round: %w", err)
	}
	return standing, nil
}

func (s *Store) round(ctx context.Context, r *keylease.Round) (standing keylease.Standing, err error) {
	keys, err := json.Marshal(r.Keys)
	if err != nil {
		return standing, err
	}
	renew, err := list(r.Renew)
	if err != nil {
		return standing, err
	}
	back, err := list(r.Return)
	if err != nil {
		return standing, err
	}
	leaving := "0"
	if r.Leaving {
		leaving = "1"
	}
	reply, err := s.eval(ctx, script, []string{s.leases, s.owners},
		r.Owner, strconv.FormatInt(r.TTL.Microseconds(), 10), leaving, strconv.Itoa(r.Most), string(keys), renew, back)
	if err != nil {
		return standing, err
	}
	return read(reply)
}

// list encodes records for the script. high is a string, because Lua would not write a
// JSON number back unchanged.
func list(records []keylease.Record) (string, error) {
	all := make([][3]string, len(records))
	for i, r := range records {
		all[i] = [3]string{r.Key, strconv.FormatInt(r.Epoch, 10), strconv.FormatUint(r.High, 10)}
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// read decodes the script's reply: the number of living owners, then key, epoch and high
// of each record.
func read(reply any) (s keylease.Standing, err error) {
	all, ok := reply.([]any)
	if !ok || len(all)%3 != 1 {
		return s, fmt.Errorf("the reply is a %T, not a list of records", reply)
	}
	texts := make([]string, len(all))
	for i, one := range all {
		if texts[i], err = text(one); err != nil {
			return s, err
		}
	}
	if s.Alive, err = strconv.Atoi(texts[0]); err != nil {
		return s, errReply
	}
	for i := 1; i < len(texts); i += 3 {
		epoch, wrong := strconv.ParseInt(texts[i+1], 10, 64)
		high, wrongToo := strconv.ParseUint(texts[i+2], 10, 64)
		if errors.Join(wrong, wrongToo) != nil {
			return s, errReply
		}
		s.Records = append(s.Records, keylease.Record{Key: texts[i], Epoch: epoch, High: high})
	}
	return s, nil
}

var errReply = errors.New("the reply is not a list of records")

// text returns a member of a reply, in whichever type the client returns it.
func text(one any) (string, error) {
	switch v := one.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case int:
		return strconv.Itoa(v), nil
	case fmt.Stringer:
		return strings.Clone(v.String()), nil
	}
	return "", fmt.Errorf("the reply contains a %T", one)
}
