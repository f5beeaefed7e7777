package protocol

// most is how many rows a Trail keeps.
const most = 16

// A Trail is the rows that a payment went through: the first eight and the last eight. The
// zero Trail is ready to use.
type Trail struct {
	rows [most]*Row
	n    int
}

// Add adds a row.
func (t *Trail) Add(row *Row) {
	if t.n == most {
		copy(t.rows[most/2:], t.rows[most/2+1:])
		t.n--
	}
	t.rows[t.n] = row
	t.n++
}

// Last returns the latest row as text, empty if there is none.
func (t *Trail) Last() string {
	if t.n == 0 {
		return ""
	}
	return t.rows[t.n-1].String()
}

// Strings returns the rows as text.
func (t *Trail) Strings() []string {
	all := make([]string, t.n)
	for i, row := range t.rows[:t.n] {
		all[i] = row.String()
	}
	return all
}
