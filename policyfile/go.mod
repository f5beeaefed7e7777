module github.com/nexpay-go/resilience/policyfile

go 1.26.0

require (
	github.com/nexpay-go/resilience v0.1.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests only
	github.com/stretchr/testify v1.12.1 // tests only
	go.uber.org/goleak v1.3.0 // tests only
	go.yaml.in/yaml/v3 v3.0.6
	pgregory.net/rapid v1.3.0 // tests only
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)
