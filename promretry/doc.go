// Package promretry measures the calls of package retry for Prometheus. Call Attach before
// the Retrier is made and Watch after:
//
//	m, err := promretry.New(promretry.Config{})
//	// …
//	m.Attach(&cfg)
//	r, err := retry.New(cfg)
//	// …
//	m.Watch(r)
//
// docs/observe.md lists the metrics, and when to alert. The folder grafana has a dashboard
// and alerting rules. The label error_type is a name from the program's own tables, or a
// class: never a code or a text of an answer. Each metric has at most 200 label sets,
// however many codes, names and endpoints there are.
//
// Histograms have classic buckets, from 5 ms to 60 s, and no native ones: a Prometheus that
// ingests native histograms drops the classic ones by default, and the dashboard queries
// those.
package promretry
