package main

import (
	"fmt"
	"io"
	"time"
)

// A report is where the table goes.
type report struct {
	out io.Writer
	options
}

func (p report) head() {
	if p.markdown {
		fmt.Fprintf(p.out, "| operation | among %d | among %d | ratio | least that plain Go needs | among %[1]d | among %[2]d | ratio |\n", p.few, p.many)
		fmt.Fprintln(p.out, "| --- | ---:| ---:| ---:| --- | ---:| ---:| ---:|")
		return
	}
	fmt.Fprintf(p.out, "%-46s %9s %9s %6s  %s\n", "one operation", fmt.Sprint("of ", p.few), fmt.Sprint("of ", p.many), "ratio", "plain Go")
}

func (p report) row(c growing, m [4]float64) {
	ratio := m[oursMany] / m[oursFew]
	if p.markdown {
		fmt.Fprintf(p.out, "| %s | %s | %s | %.2f × |", c.name, short(m[oursFew]), short(m[oursMany]), ratio)
	} else {
		fmt.Fprintf(p.out, "%-46s %9s %9s %6.2f ", c.name, short(m[oursFew]), short(m[oursMany]), ratio)
	}
	switch least := m[plainMany] / m[plainFew]; {
	case c.plain == nil && p.markdown:
		fmt.Fprintln(p.out, " | | | |")
	case c.plain == nil:
		fmt.Fprintln(p.out)
	case p.markdown:
		fmt.Fprintf(p.out, " %s | %s | %s | %.2f × |\n", c.least, short(m[plainFew]), short(m[plainMany]), least)
	default:
		fmt.Fprintf(p.out, " %s: %s, %s, %.2f\n", c.least, short(m[plainFew]), short(m[plainMany]), least)
	}
}

// short prints nanoseconds with three digits or so.
func short(ns float64) string {
	switch {
	case ns < 10:
		return fmt.Sprintf("%.1f ns", ns)
	case ns < 10_000:
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.0f µs", ns/float64(time.Microsecond))
}
