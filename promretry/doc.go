// Package promretry measures the calls of package retry for Prometheus. It takes a
// line before the Retrier is made and one after:
//
//	m, err := promretry.New(promretry.Config{})
//	// …
//	m.Attach(&cfg)
//	r, err := retry.New(cfg)
//	// …
//	m.Watch(r)
//
// The metrics, what they tell and what to alert on are in docs/observe.md, a dashboard
// and alerting rules in the folder grafana. The label error_type is a name from the
// program's own tables, or a class: never a code or a text of an answer. However many
// codes, names and endpoints there are, each metric has 200 label sets at most.
//
// Histograms have classic buckets, from 5 ms to 60 s. They are no native histograms
// too: a Prometheus that ingests those drops the classic ones by default, and with them
// what the dashboard asks for.
package promretry
