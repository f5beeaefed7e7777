package keylease

import (
	"fmt"
	"slices"

	"github.com/nexpay-go/resilience/nonce"
)

// invalid returns an error for a result that no Round can have, because a store was
// damaged or does not keep the rules. Used, it could end a key for good: what a process
// believes of high, it writes back.
func (c *Config) invalid(asked *Round, s *Standing) error {
	ours := make(map[string]Record, len(s.Records))
	for _, r := range s.Records {
		_, known := slices.BinarySearch(c.Keys, r.Key)
		_, twice := ours[r.Key]
		switch {
		case !known:
			return invalidf("key %.100q is not in Config.Keys", r.Key)
		case twice:
			return invalidf("key %q is there twice", r.Key)
		case r.Epoch < 1:
			return invalidf("key %q has the epoch %d", r.Key, r.Epoch)
		case r.High > nonce.MaxNonce:
			return invalidf("key %q has the high %d, above the highest nonce", r.Key, r.High)
		}
		ours[r.Key] = r
	}
	for _, renewed := range asked.Renew {
		if r := ours[renewed.Key]; r.Epoch == renewed.Epoch && r.High < renewed.High {
			return invalidf("key %q has the high %d, below the renewed %d", r.Key, r.High, renewed.High)
		}
	}
	if s.Alive < 0 || s.Alive == 0 && !asked.Leaving {
		return invalidf("%d processes are alive, this one included", s.Alive)
	}
	return nil
}

func invalidf(format string, args ...any) error {
	return plain("keylease: the store returned an invalid result: " + fmt.Sprintf(format, args...))
}
