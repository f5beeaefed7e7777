// Package spelling measures how much two names differ, to suggest the intended name.
package spelling

// Distance returns the Levenshtein distance of two names: how many bytes have to be
// inserted, removed or replaced to turn one into the other. If a has more than 64 bytes,
// too many for a name, the result is len(a).
func Distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
