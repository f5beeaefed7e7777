module github.com/nexpay-go/resilience/examples/cards

go 1.26.0

require (
	github.com/nexpay-go/resilience v0.1.0
	github.com/nexpay-go/resilience/policyfile v0.1.0
	github.com/stretchr/testify v1.12.1 // tests only
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
)
