package codes

// Longest is how many slots the longest way to an entry, or to none, goes through.
func Longest[V any](t Table[V]) (most int) {
	run := 0
	for i := range 2 * len(t.slots) {
		if t.slots[i%len(t.slots)].entry == nil {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}
