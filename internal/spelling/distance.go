// Package spelling tells how much two names differ, for hints at what was meant.
package spelling

// Distance is by how many letters two names differ: of those that are put in, left out
// or replaced to make one of the other (Levenshtein's). Of what is longer than a name,
// 64 bytes, all do.
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
