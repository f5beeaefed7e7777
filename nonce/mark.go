package nonce

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

var errTorn = errors.New("it is damaged: the lane continues above the clock and what is left of the file")

// markText is the content of a high-water file: the mark twice, on lines with checksums,
// so that one damaged place does not lose it.
func markText(mark uint64, key string, unit time.Duration) string {
	line := fmt.Sprintf("nonces up to %d in %v are used on key %q", mark, unit, key)
	line = fmt.Sprintf("%s %08x\n", line, crc32.ChecksumIEEE([]byte(line)))
	return line + "\n" + line // a damaged end of line spoils only one
}

// readMark returns the highest undamaged mark. With errTorn there may be none; any other
// error means that the file belongs to another key.
func readMark(data []byte, key string, unit time.Duration) (mark uint64, err error) {
	whole := 0
	for line := range strings.Lines(string(data)) {
		var m uint64
		var u, k string
		var sum uint32
		text := line[:max(strings.LastIndexByte(line, ' '), 0)]
		if _, err := fmt.Sscanf(line[len(text):], " %08x\n", &sum); err != nil || sum != crc32.ChecksumIEEE([]byte(text)) {
			continue
		}
		if _, err := fmt.Sscanf(text, "nonces up to %d in %s are used on key %q", &m, &u, &k); err != nil {
			continue
		}
		if k != key || u != unit.String() {
			return 0, fmt.Errorf("it belongs to key %q, counting in %s", k, u)
		}
		whole++
		mark = max(mark, m)
	}
	if whole < 2 {
		return mark, errTorn
	}
	return mark, nil
}
