module github.com/nexpay-go/resilience/keylease

go 1.26.0

require github.com/nexpay-go/resilience v0.1.0
