package retry

import "github.com/nexpay-go/resilience/internal/redact"

// describe returns the text of err as far as it cannot hold request data.
func describe(err error) string { return redact.Text(err) }
