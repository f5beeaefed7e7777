package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/nexpay-go/resilience/policyfile"
)

func newCatalogs(out *screen) *cobra.Command {
	return &cobra.Command{
		Use:   "catalogs",
		Short: "List the built-in tables",
		Long: `List the built-in tables: the name, for --file NAME and extends: NAME; the API; the number
of rules; where the code is in an answer; and which request header makes a request safe
to retry, and for how long.`,
		Example: `  nexpolicy catalogs`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t := out.table()
			t.AppendHeader(table.Row{"name", "API", "rules", "code in an answer", "idempotency key"})
			for _, name := range policyfile.Builtins() {
				f, err := load(name)
				if err != nil {
					return err
				}
				c := f.Policies.Catalog()
				key, shape := "", filledShape(c.Shape())
				if len(shape.IdempotencyKeys) > 0 {
					key = fmt.Sprintf("%s, for %s", strings.Join(shape.IdempotencyKeys, ", "), short(shape.IdempotentFor))
				}
				t.AppendRow(table.Row{name, c.Name(), len(c.Rules()), listed(shape.Code), key})
			}
			fmt.Fprintln(out, t.Render())
			return nil
		},
	}
}
