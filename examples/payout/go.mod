module github.com/nexpay-go/resilience/examples/payout

go 1.26.0

require (
	github.com/jedib0t/go-pretty/v6 v6.8.3
	github.com/nexpay-go/resilience v0.1.0
	github.com/nexpay-go/resilience/examples/internal/lab v0.1.0
	github.com/nexpay-go/resilience/journal v0.1.0
	github.com/stretchr/testify v1.12.1 // tests only
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/term v0.48.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)
